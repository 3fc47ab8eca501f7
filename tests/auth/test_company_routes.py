"""Companies over HTTP: their legal entity, and what managers do with them."""

import pytest

from shop.auth.models import PENDING, SUPPLIER, Company
from shop.database import session
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_category, make_offer

AUTH = "/api/v1/auth"
ENTITY = {
    "full_name": "Общество с ограниченной ответственностью «Молочный Путь»",
    "short_name": "ООО «Молочный Путь»",
    "inn": "0000100012",
    "kpp": "000001001",
    "ogrn": "1240000000019",
    "legal_address": "160000, г. Вологда, ул. Маслодельная, д. 4",
    "bank_name": "АО «Образцовый банк»",
    "bank_bik": "040000101",
    "bank_account": "40702810800000000101",
    "correspondent_account": "30101810000000000101",
    "default_vat_rate": "10",
    "vat_deducted": False,
    "time_zone": "Asia/Yekaterinburg",
    "document_prefix": "МП",
}


@pytest.fixture
def supplier(edge):
    """The owner of a pending company that has stated nothing yet."""
    with edge():
        company = Company(kind=SUPPLIER, name="ООО Молочный Путь", status=PENDING)
        session().add(company)
        session().flush()
        return make_user(SUPPLIER, company=company, email="owner@maker.example")


@pytest.fixture
def manager() -> dict[str, str]:
    return bearer(make_user("manager"))


def put(client, token, **change):
    return client.put(f"{AUTH}/company/legal-entity", json=ENTITY | change, headers=token)


def test_from_registration_to_trade(client, supplier, manager, drain, mailbox):
    token, path = bearer(supplier), f"{AUTH}/companies/{supplier.company_id}"
    assert client.get(f"{AUTH}/company/legal-entity", headers=token).status_code == 404
    refused = client.post(f"{path}/approve", json={}, headers=manager)
    assert (refused.status_code, refused.json["code"]) == (409, "CompanyIncomplete")
    assert {"inn", "ogrn", "bank_account", "document_prefix"} <= set(refused.json["facts"]["missing"])
    assert put(client, token).json == ENTITY
    assert client.get(f"{AUTH}/company/legal-entity", headers=token).json == ENTITY
    assert client.get(f"{AUTH}/company", headers=token).json["missing_details"] == []
    approved = client.post(f"{path}/approve", json={"reason": "Договор 7"}, headers=manager)
    assert (approved.json["status"], approved.json["legal_entity"]) == ("active", ENTITY)
    drain()
    assert (mailbox[-1]["To"], "можно торговать" in mailbox[-1]["Subject"]) == (supplier.email, True)

    blocked = client.post(f"{path}/block", json={"reason": "Жалобы"}, headers=manager)
    assert (blocked.json["status"], blocked.json["status_reason"]) == ("blocked", "Жалобы")
    assert client.get(f"{AUTH}/company", headers=token).status_code == 401
    drain()
    assert "Жалобы" in mailbox.text
    assert client.post(f"{path}/unblock", headers=manager).json["status"] == "active"
    assert client.get(f"{AUTH}/company", headers=token).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"inn": "0000100013"}, "inn"),
        ({"ogrn": "1240000000018"}, "ogrn"),
        ({"kpp": "12345678"}, "kpp"),
        ({"bank_account": "40702810800000000102"}, "bank_account"),
        ({"correspondent_account": "30101810000000000102"}, "correspondent_account"),
        ({"bank_bik": "04000010"}, "bank_bik"),
        ({"default_vat_rate": "18"}, "default_vat_rate"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"document_prefix": "мп"}, "document_prefix"),
        ({"company_id": 1}, "company_id"),
    ],
)
def test_refuses_what_cannot_be_real(client, supplier, change, field):
    answer = put(client, bearer(supplier), **change)
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json["errors"]]


def test_a_prefix_belongs_to_one_supplier_and_buyers_have_none(client, supplier):
    make_user(SUPPLIER, company=make_company(SUPPLIER))
    taken = put(client, bearer(supplier), document_prefix="ТТ")
    assert (taken.status_code, taken.json["code"]) == (409, "DocumentPrefixTaken")
    described = bearer(make_user("supplier", company=make_company("supplier")))
    taken = put(client, described, document_prefix="ТТ")
    assert (taken.status_code, taken.json["code"]) == (409, "DocumentPrefixTaken")
    assert put(client, bearer(make_user())).status_code == 422
    assert put(client, bearer(make_user()), document_prefix=None).status_code == 200


def test_a_trading_supplier_stays_complete(client):
    token = bearer(make_user(SUPPLIER))
    answer = put(client, token, document_prefix=None, ogrn=None)
    assert [error["field"] for error in answer.json["errors"]] == ["ogrn", "document_prefix"]
    assert put(client, token).status_code == 200


def test_only_the_owner_changes_the_company(client):
    company = make_company()
    owner, member = make_user(company=company), make_user(company=company)
    assert (
        client.patch(f"{AUTH}/company", json={"name": "Новое имя"}, headers=bearer(owner)).json["name"] == "Новое имя"
    )
    refused = client.patch(f"{AUTH}/company", json={"name": "X"}, headers=bearer(member))
    assert (refused.status_code, refused.json["code"]) == (403, "OwnerOnly")
    assert put(client, bearer(member), document_prefix=None).status_code == 403


def test_managers_list_companies_page_by_page(client, manager):
    made = [make_company(SUPPLIER, status=PENDING).id for _ in range(3)]
    make_company()
    first = client.get(f"{AUTH}/companies?status=pending&limit=2", headers=manager).json
    second = client.get(f"{AUTH}/companies?status=pending&cursor={first['next_cursor']}", headers=manager).json
    assert [item["id"] for page in (first, second) for item in page["items"]] == made
    assert second["next_cursor"] is None
    assert client.get(f"{AUTH}/companies?state=pending", headers=manager).status_code == 422
    assert client.get(f"{AUTH}/companies/{made[0]}", headers=manager).json["missing_details"] == []
    assert client.get(f"{AUTH}/companies/404", headers=manager).status_code == 404


def test_a_supplier_shows_in_the_catalog_from_its_approval_to_its_blocking(client, manager):
    company = make_company(SUPPLIER, status=PENDING, name="ООО Невидимка")
    offer = make_offer(supplier=company, name="Чай Невидимка", category=make_category("Невидимка"))
    pages = ("offers", f"offers/{offer.id}", f"products/{offer.product_id}", "suppliers", "categories", "facets")

    def shown_on() -> set[str]:
        answers = {page: client.get(f"/api/v1/catalog/{page}") for page in pages}
        return {page for page, answer in answers.items() if answer.status_code == 200 and "Невидимка" in answer.text}

    assert shown_on() == set()
    assert client.post(f"{AUTH}/companies/{company.id}/approve", json={}, headers=manager).status_code == 200
    assert shown_on() == set(pages)
    body = {"reason": "Жалобы"}
    assert client.post(f"{AUTH}/companies/{company.id}/block", json=body, headers=manager).status_code == 200
    assert shown_on() == set()


def test_blocking_needs_a_reason(client, manager):
    path = f"{AUTH}/companies/{make_company().id}/block"
    assert client.post(path, json={}, headers=manager).status_code == 422


def test_commands_block_and_unblock(app, edge):
    company = make_company()
    run = app.test_cli_runner().invoke
    assert run(args=["users", "block-company", str(company.id), "--reason", "Жалобы"]).exit_code == 0
    with edge():
        assert session().get_one(Company, company.id).status_reason == "Жалобы"
    assert "is active" in run(args=["users", "unblock-company", str(company.id)]).output


def test_a_buyer_says_that_it_deducts_vat(client):
    token = bearer(make_user())
    entity = {name: value for name, value in ENTITY.items() if name != "document_prefix"}
    path = f"{AUTH}/company/legal-entity"
    assert client.get(path, headers=token).json["vat_deducted"] is False
    assert client.put(path, json=entity | {"vat_deducted": True}, headers=token).json["vat_deducted"] is True
    assert client.get("/api/v1/catalog/offers", headers=token).status_code == 200
    refused = client.put(path, json=entity | {"vat_deducted": "yes"}, headers=token)
    assert refused.status_code == 422
    entity.pop("vat_deducted")
    assert client.put(path, json=entity, headers=token).json["vat_deducted"] is False  # all of it at once


def test_a_supplier_deducts_nothing(client, supplier):
    refused = put(client, bearer(supplier), vat_deducted=True)
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (422, ["vat_deducted"])
