"""People at the desk: found, looked at without a secret, blocked and opened again with the reason kept."""

import pytest
from sqlalchemy import select, text

from shop.admin.models import AuditEntry
from shop.auth.account_closing import erase
from shop.auth.models import AccessToken, User
from shop.database import now, session
from shop.mail.models import MailMessage
from tests.factories.auth import bearer, make_api_key, make_company, make_contact, make_user


def user_now(edge, user: User) -> User:
    with edge() as current:
        return current.get_one(User, user.id)


def entries(edge) -> list[AuditEntry]:
    with edge():
        return list(session().scalars(select(AuditEntry).order_by(AuditEntry.id)))


@pytest.mark.parametrize(
    "query",
    [
        {"search": "ivanov@"},
        {"search": "зоя иванова"},
        {"email": "IVANOV@"},
        {"name": "иванова"},
        {"company": "Рога"},
        {"role": "supplier"},
        {"blocked": "1"},
        {"unconfirmed": "1"},
    ],
)
def test_filters_narrow_the_list(desk, query: dict[str, str]) -> None:
    company = make_company("supplier", name="ООО Рога")
    make_user(
        "supplier",
        company=company,
        email="ivanov@test.example",
        first_name="Зоя",
        last_name="Иванова",
        blocked_at=now(),
        email_confirmed_at=None,
    )
    make_user("buyer", email="other@test.example")
    page = desk.get("/admin/users/", **query).text
    assert "ivanov@test.example" in page
    assert "other@test.example" not in page


def test_the_list_and_the_page_cost_the_same_however_many_there_are(desk, count_statements) -> None:
    counts = []
    user = make_user("buyer")
    for number in range(2):
        for _ in range(3):
            bearer(user)
            make_api_key(user, "orders:read")
            make_contact(user, name=f"Магазин {number}")
            make_user("buyer")
        for path in ("/admin/users/", f"/admin/users/{user.id}/"):
            with count_statements() as statements:
                assert desk.get(path).status_code == 200
            counts.append(len(statements))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 10


def test_no_page_holds_a_secret(desk, edge) -> None:
    user = make_user("buyer")
    secrets = [bearer(user)["Authorization"][7:], make_api_key(user, "orders:read")["Authorization"][7:]]
    desk.post(f"/admin/users/{user.id}/block", reason="x")
    with edge():
        tokens = session().scalars(select(AccessToken)).all()
    hidden = [*secrets, *(secret[:12] for secret in secrets), user.password_hash]
    hidden += [token.hash.hex() for token in tokens] + [token.prefix for token in tokens]
    for path in ("/admin/users/", f"/admin/users/{user.id}/", "/admin/audit/", "/admin/users/export/csv/"):
        page = desk.get(path).text
        assert user.email in page or "user: block" in page, path
        for secret in hidden:
            assert secret not in page, path


def test_a_block_needs_a_reason_works_at_once_and_is_kept(desk, client, edge) -> None:
    user = make_user("buyer")
    header, address = bearer(user), f"/admin/users/{user.id}"
    assert "Say why" in desk.post(f"{address}/block").text
    assert client.get("/api/v1/auth/me", headers=header).status_code == 200
    page = desk.post(f"{address}/block", reason="Чужой человек").text
    assert client.get("/api/v1/auth/me", headers=header).status_code == 401
    assert "Чужой человек" in page
    assert f"{address}/unblock" in page
    desk.post(f"{address}/unblock", reason="Это был он")
    assert user_now(edge, user).blocked_at is None
    block, unblock = entries(edge)
    assert (block.action, block.reason, block.changes["blocked_at"][0]) == ("user.block", "Чужой человек", None)
    assert (unblock.action, unblock.reason, unblock.changes["blocked_at"][1]) == ("user.unblock", "Это был он", None)


def test_nobody_blocks_himself(desk, edge) -> None:
    address = f"/admin/users/{desk.user.id}"
    assert f"{address}/block" not in desk.get(f"{address}/").text
    assert "You cannot block yourself" in desk.post(f"{address}/block", reason="x").text
    assert user_now(edge, desk.user).blocked_at is None


def test_another_manager_is_out_with_the_next_click(desk, enter) -> None:
    other = enter(make_user("manager"))
    assert other.get("/admin/").status_code == 200
    desk.post(f"/admin/users/{other.user.id}/block", reason="Уволен")
    assert other.get("/admin/").status_code == 303


def test_sessions_end_everywhere(desk, client, edge) -> None:
    user = make_user("buyer")
    header = bearer(user)
    page = desk.post(f"/admin/users/{user.id}/end-sessions").text
    assert "All sessions have ended." in page
    assert "Logged in nowhere." in page
    assert client.get("/api/v1/auth/me", headers=header).status_code == 401
    assert [entry.action for entry in entries(edge)] == ["user.end_sessions"]


def test_who_ends_the_own_sessions_is_out_too(desk, edge) -> None:
    page = desk.post(f"/admin/users/{desk.user.id}/end-sessions")
    assert page.request.path == "/admin/login"
    assert [entry.action for entry in entries(edge)] == ["user.end_sessions"]


def test_the_link_to_set_the_password_is_mailed_and_shown_to_nobody(desk, drain, edge) -> None:
    user = make_user("buyer")
    page = desk.post(f"/admin/users/{user.id}/send-reset").text
    assert f"on its way to {user.email}" in page
    assert "reset-password" not in page
    drain()
    with edge():
        [mail] = session().scalars(select(MailMessage))
    assert (mail.kind, mail.recipient) == ("reset_password", user.email)


def test_a_closed_account_offers_nothing(desk) -> None:
    user = make_user("buyer", closed_at=now(), email="closed-1@closed.invalid", first_name="", last_name="")
    page = desk.get(f"/admin/users/{user.id}/").text
    assert f'action="/admin/users/{user.id}/' not in page
    assert "This account was closed" in desk.post(f"/admin/users/{user.id}/block", reason="x").text


def test_an_unknown_one_is_unknown(desk) -> None:
    assert desk.get("/admin/users/999/").status_code == 404
    for act in ("block", "unblock", "end-sessions", "send-reset"):
        assert desk.post(f"/admin/users/999/{act}", reason="x").status_code == 404


def test_what_people_type_stays_text(desk) -> None:
    attack = "<script>alert(1)</script>"
    user = make_user("buyer", company=make_company(name=attack), first_name=attack, position=attack)
    make_contact(user, name=attack)
    desk.post(f"/admin/users/{user.id}/block", reason=attack)
    for path in ("/admin/users/", f"/admin/users/{user.id}/"):
        page = desk.get(path).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path


def test_the_audit_names_a_person_until_the_account_is_closed(desk, edge) -> None:
    user = make_user(first_name="Зоя", last_name="Иванова")
    desk.post(f"/admin/users/{user.id}/block", reason="спам")
    assert "Зоя Иванова" in desk.get("/admin/audit/", name="зоя иванова").text
    assert "Зоя Иванова" in desk.get("/admin/audit/", search="зоя иванова").text
    assert "Зоя Иванова" not in desk.get("/admin/audit/", search="зоя петрова").text
    with edge() as current:
        erase(current.merge(user))
    page = desk.get("/admin/audit/").text
    assert ("спам" in page, "Зоя" in page, f"closed-{user.id}@" in page) == (True, False, True)
    with edge() as current:
        [entry] = current.execute(text("SELECT audit_entries::text FROM audit_entries")).scalars()
        assert "Зоя" not in entry
