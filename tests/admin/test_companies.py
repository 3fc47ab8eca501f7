"""Companies at the desk: found, approved, blocked and described by the stories, and the reason is kept."""

import pytest
from sqlalchemy import select

from shop.admin.models import AuditEntry
from shop.auth.models import Company, LegalEntity
from shop.database import session
from tests.factories.auth import bearer, make_company, make_user

DETAILS = {
    "full_name": "Общество с ограниченной ответственностью «Рога»",
    "short_name": "ООО «Рога»",
    "inn": "0000100012",
    "kpp": "000001001",
    "ogrn": "1027700132195",
    "legal_address": "г. Москва, ул. Новая, д. 2",
    "bank_name": "АО «Образцовый банк»",
    "bank_bik": "040000101",
    "bank_account": "40702810800000000101",
    "correspondent_account": "",
    "default_vat_rate": "22",
    "time_zone": "Europe/Moscow",
    "document_prefix": "РГ",
}


def company_now(edge, company: Company) -> Company:
    with edge() as current:
        return current.get_one(Company, company.id)


def entries(edge) -> list[AuditEntry]:
    with edge():
        return list(session().scalars(select(AuditEntry).order_by(AuditEntry.id)))


def bare_supplier(edge) -> Company:
    """As it is after registration: nobody has described it yet."""
    company = make_company("supplier", status="pending")
    with edge() as current:
        current.delete(current.scalar(select(LegalEntity).where(LegalEntity.company_id == company.id)))
    return company


def test_those_to_approve_are_found_from_the_first_page(desk) -> None:
    waiting = make_company("supplier", status="pending", name="Ждущая")
    make_company("supplier", name="Готовая")
    assert "/admin/companies/?status=pending" in desk.get("/admin/").text
    page = desk.get("/admin/companies/", status="pending").text
    assert f'href="/admin/companies/{waiting.id}/">Ждущая' in page
    assert "Готовая" not in page


@pytest.mark.parametrize(
    "query",
    [{"search": "рога 100%"}, {"name": "рога"}, {"inn": "0000100020"}, {"kind": "supplier"}, {"search": "boss@"}],
)
def test_filters_narrow_the_list(desk, edge, query: dict[str, str]) -> None:
    wanted = make_company("supplier", name="ООО Рога 100%")
    make_user("supplier", company=wanted, email="boss@test.example")
    make_company(name="Другая")
    with edge() as current:
        current.scalar(select(LegalEntity).where(LegalEntity.company_id == wanted.id)).inn = "0000100020"
    page = desk.get("/admin/companies/", **query).text
    assert "ООО Рога 100%" in page
    assert "Другая" not in page


def test_the_list_says_how_many_there_are(desk) -> None:
    for _ in range(3):
        make_company()
    assert "3 in all" in desk.get("/admin/companies/").text


def test_the_list_and_the_page_cost_the_same_however_many_there_are(desk, count_statements) -> None:
    counts = []
    company = make_company("supplier")
    for _ in range(2):
        for _ in range(3):
            make_user("supplier", company=company)
            make_user("buyer")
        for path in ("/admin/companies/", f"/admin/companies/{company.id}/"):
            with count_statements() as statements:
                assert desk.get(path).status_code == 200
            counts.append(len(statements))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 10


def test_the_page_names_what_is_missing_and_offers_no_approval(desk, edge) -> None:
    company = bare_supplier(edge)
    page = desk.get(f"/admin/companies/{company.id}/").text
    assert "Cannot be approved yet" in page
    assert f"/admin/companies/{company.id}/approve" not in page
    refused = desk.post(f"/admin/companies/{company.id}/approve")
    assert "legal entity lacks" in refused.text
    assert company_now(edge, company).status == "pending"
    assert entries(edge) == []


def test_a_complete_one_is_approved_and_can_trade(desk, edge) -> None:
    company = make_company("supplier", status="pending")
    page = desk.post(f"/admin/companies/{company.id}/approve")
    assert "Approved." in page.text
    assert company_now(edge, company).status == "active"
    [entry] = entries(edge)
    assert (entry.action, entry.user_id) == ("company.approve", desk.user.id)
    assert entry.changes["status"] == ["pending", "active"]
    assert "Only a pending company can be approved" in desk.post(f"/admin/companies/{company.id}/approve").text


def test_a_block_needs_a_reason_which_is_kept_and_shown(desk, client, edge) -> None:
    company = make_company("supplier")
    member = bearer(make_user("supplier", company=company))
    address = f"/admin/companies/{company.id}/block"
    assert "Say why" in desk.post(address, reason=" ").text
    assert company_now(edge, company).status == "active"
    page = desk.post(address, reason="Не платит").text
    assert client.get("/api/v1/auth/me", headers=member).status_code == 401
    assert page.count("Не платит") == 2  # of the company, and of the manager's act
    assert company_now(edge, company).status_reason == "Не платит"
    page = desk.post(f"/admin/companies/{company.id}/unblock", reason="Заплатили").text
    assert company_now(edge, company).status == "active"
    assert [entry.reason for entry in entries(edge)] == ["Не платит", "Заплатили"]
    assert "Не платит" in page


def test_the_legal_entity_is_made_by_the_story(desk, edge) -> None:
    company = bare_supplier(edge)
    address = f"/admin/companies/{company.id}/legal-entity"
    assert 'name="inn"' in desk.get(address).text
    page = desk.post(address, **DETAILS)
    assert page.request.path == f"/admin/companies/{company.id}/"
    assert "Saved." in page.text
    assert "Cannot be approved yet" not in page.text
    with edge():
        entity = session().scalar(select(LegalEntity).where(LegalEntity.company_id == company.id))
    assert (entity.inn, entity.correspondent_account, entity.document_prefix) == ("0000100012", None, "РГ")
    assert [entry.object_type for entry in entries(edge)] == ["companies", "legal_entities"]


def test_what_was_described_is_shown_and_changed(desk, edge) -> None:
    company = make_company("supplier")
    address = f"/admin/companies/{company.id}/legal-entity"
    assert 'value="0000100012"' in desk.get(address).text
    desk.post(address, **DETAILS)
    about_entity = entries(edge)[1]
    assert about_entity.changes["legal_address"] == ["г. Москва, ул. Примерная, д. 1", "г. Москва, ул. Новая, д. 2"]


def test_whether_a_buyer_deducts_vat_is_ticked_and_noted(desk, edge) -> None:
    company = make_company()
    address = f"/admin/companies/{company.id}/legal-entity"
    buyer = {name: value for name, value in DETAILS.items() if name != "document_prefix"}
    assert 'name="vat_deducted"' in desk.get(address).text
    assert "Deducts VAT" in desk.post(address, **buyer | {"vat_deducted": "y"}).text
    desk.post(address, **buyer)
    changes = [entry.changes.get("vat_deducted") for entry in entries(edge) if entry.object_type == "legal_entities"]
    assert changes == [[False, True], [True, False]]
    assert 'name="vat_deducted"' not in desk.get(f"/admin/companies/{make_company('supplier').id}/legal-entity").text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"inn": "1234567890"}, "Must have 10 or 12 digits with right check digits."),
        ({"full_name": " "}, "Must not be blank."),
        ({"short_name": "x" * 300}, "Length must be between 1 and 255."),
        ({"default_vat_rate": "99"}, "Must be one of"),
        ({"bank_account": ""}, "Needed while the company trades."),
        ({"document_prefix": "\x00"}, "Must not contain control"),
    ],
)
def test_what_cannot_be_real_is_said_at_its_field(desk, edge, wrong: dict[str, str], message: str) -> None:
    company = make_company("supplier")
    page = desk.post(f"/admin/companies/{company.id}/legal-entity", **DETAILS | wrong).text
    assert "details are not valid" in page
    assert page.count("field wrong") == 1
    assert message in page
    with edge():
        entity = session().scalar(select(LegalEntity).where(LegalEntity.company_id == company.id))
    assert entity.legal_address == "г. Москва, ул. Примерная, д. 1"
    assert entries(edge) == []


def test_a_prefix_that_is_taken_is_refused(desk) -> None:
    make_company("supplier")
    company = make_company("supplier")
    page = desk.post(f"/admin/companies/{company.id}/legal-entity", **DETAILS | {"document_prefix": "ТТ"}).text
    assert "documents begin with ТТ already" in page


def test_an_unknown_one_is_unknown(desk) -> None:
    for path in ("", "legal-entity"):
        assert desk.get(f"/admin/companies/999/{path}").status_code == 404
    for act in ("approve", "block", "unblock", "legal-entity"):
        assert desk.post(f"/admin/companies/999/{act}", reason="x").status_code == 404


def test_what_people_type_stays_text(desk) -> None:
    attack = "<script>alert(1)</script>"
    company = make_company("supplier", name=attack)
    make_user("supplier", company=company, first_name=attack, position=attack)
    desk.post(f"/admin/companies/{company.id}/block", reason=attack)
    for path in ("/admin/companies/", f"/admin/companies/{company.id}/", f"/admin/companies/{company.id}/legal-entity"):
        page = desk.get(path).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path
