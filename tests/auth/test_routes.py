"""Accounts and contacts over HTTP, and the page behind the mailed link."""

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from shop.auth.accounts import confirmation_token
from shop.auth.models import Company, User
from shop.config import Settings
from shop.database import session
from shop.mail.models import MailMessage
from shop.outbox.models import OutboxEvent
from tests.factories.auth import PASSWORD, bearer, make_contact, make_user
from tests.factories.orders import make_order

AUTH = "/api/v1/auth"
ADDRESS = {"name": "001", "city": "Москва", "street": "ул. Лесная", "house": "5", "phone": "8 (495) 123-45-67"}


def _log_in(client, email: str, password: str = PASSWORD):
    return client.post(f"{AUTH}/login", json={"email": email, "password": password})


def _without_id(answer) -> dict[str, Any]:
    return {name: value for name, value in answer.get_json().items() if name != "request_id"}


def test_from_registration_to_log_out(client, drain, mailbox, form):
    registered = client.post(f"{AUTH}/register", json=form)
    assert registered.status_code == 202
    drain()
    assert [mail["To"] for mail in mailbox] == [form["email"]]
    assert mailbox[0]["Subject"] == "Подтвердите адрес электронной почты"

    early = _log_in(client, form["email"])
    assert (early.status_code, early.get_json()["code"]) == (403, "EmailNotConfirmed")
    confirmed = client.post(f"{AUTH}/confirm-email", json={"token": mailbox.token})
    assert confirmed.status_code == 200
    again = client.post(f"{AUTH}/confirm-email", json={"token": mailbox.token})
    assert (again.status_code, again.get_json()["code"]) == (422, "LinkNotValid")

    answer = _log_in(client, form["email"].upper())
    assert answer.status_code == 200
    assert answer.get_json()["token_type"] == "Bearer"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", answer.get_json()["expires_at"])
    token = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    me = client.get(f"{AUTH}/me", headers=token)
    assert me.get_json() == {
        "id": 1,
        "email": form["email"],
        "first_name": "Анна",
        "last_name": "Калинина",
        "role": "buyer",
        "position": "Закупщик",
        "locale": "ru",
        "company": {"id": 1, "name": "Рябинка", "kind": "buyer", "status": "active"},
        "is_owner": True,
        "pending_email": None,
        "has_second_factor": False,
    }

    out = client.post(f"{AUTH}/logout", headers=token)
    assert (out.status_code, out.data) == (204, b"")
    assert client.get(f"{AUTH}/me", headers=token).status_code == 401


class TestSecrecy:
    def test_registering_a_known_email_answers_the_same_and_mails_its_owner(self, client, drain, mailbox, form):
        make_user(email=form["email"], locale="en")
        known = client.post(f"{AUTH}/register", json=form)
        unknown = client.post(f"{AUTH}/register", json={**form, "email": "new@chain.example"})
        assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
        drain()
        subjects = {mail["To"]: mail["Subject"] for mail in mailbox}
        assert subjects[form["email"]] == "You have an account already"
        assert set(subjects) == {form["email"], "new@chain.example"}

    def test_registering_again_before_confirming_brings_another_link(self, client, drain, mailbox, form):
        client.post(f"{AUTH}/register", json=form)
        client.post(f"{AUTH}/register", json={**form, "password": "another good one"})
        drain()
        assert client.post(f"{AUTH}/confirm-email", json={"token": mailbox.token}).status_code == 200
        assert _log_in(client, form["email"]).status_code == 401
        assert _log_in(client, form["email"], "another good one").status_code == 200

    def test_a_new_link_is_asked_for_with_the_same_answer(self, client, drain, mailbox, form):
        make_user(email="done@chain.example")
        make_user(email="waiting@chain.example", email_confirmed_at=None)
        emails = ("done@chain.example", "nobody@chain.example", "waiting@chain.example")
        answers = [client.post(f"{AUTH}/resend-confirmation", json={"email": email}) for email in emails]
        assert {(answer.status_code, answer.data) for answer in answers} == {(202, answers[0].data)}
        drain()
        assert [mail["To"] for mail in mailbox] == ["waiting@chain.example"]
        assert client.post(f"{AUTH}/confirm-email", json={"token": mailbox.token}).status_code == 200

    def test_unknown_and_wrong_log_ins_look_the_same(self, client):
        make_user(email="anna@chain.example")
        wrong = _log_in(client, "anna@chain.example", "wrong horse battery")
        unknown = _log_in(client, "nobody@chain.example")
        assert wrong.status_code == unknown.status_code == 401
        assert wrong.headers["WWW-Authenticate"] == "Bearer"
        assert _without_id(wrong) == _without_id(unknown)
        assert wrong.get_json()["code"] == "LoginFailed"

    def test_neither_outbox_nor_mail_log_keeps_the_link(self, client, drain, mailbox, form, edge):
        client.post(f"{AUTH}/register", json=form)
        drain()
        with edge():
            payloads = session().scalars(select(OutboxEvent.payload).order_by(OutboxEvent.id)).all()
            mail = session().scalars(select(MailMessage)).one()
            assert payloads == [{"user_id": 1}, {"mail_id": 1}]
            assert mail.context == {"user_id": 1}

    def test_the_mail_repeats_nothing_that_a_stranger_chose(self, client, drain, mailbox, form):
        client.post(f"{AUTH}/register", json={**form, "first_name": "http://evil.example", "company": "evil.example"})
        drain()
        assert "evil" not in mailbox[0].as_string() + mailbox.text


class TestInput:
    @pytest.mark.parametrize(
        "extra", [{"role": "manager"}, {"company_id": 1}, {"email_confirmed_at": "2026-01-01"}, {"status": "active"}]
    )
    def test_takes_no_more_than_it_asks_for(self, client, form, edge, extra):
        answer = client.post(f"{AUTH}/register", json={**form, **extra})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "ValidationFailed")
        assert [error["field"] for error in answer.get_json()["errors"]] == list(extra)
        with edge():
            assert session().scalar(select(func.count()).select_from(Company)) == 0

    def test_malformed_json_is_400(self, client):
        for path in ("register", "login", "confirm-email", "resend-confirmation"):
            answer = client.post(f"{AUTH}/{path}", data=b'{"email": ', content_type="application/json")
            assert (answer.status_code, answer.get_json()["code"]) == (400, "MalformedRequest")

    @pytest.mark.parametrize("field", ["email", "first_name", "last_name", "company", "position", "role", "locale"])
    def test_nul_characters_are_422(self, client, form, field):
        answer = client.post(f"{AUTH}/register", json={**form, field: "a\x00b@chain.example"})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.get_json()["errors"]] == [field]

    def test_a_weak_password_names_its_field(self, client, form):
        answer = client.post(f"{AUTH}/register", json={**form, "password": "password1234"})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "PasswordTooWeak")
        assert answer.get_json()["errors"][0]["field"] == "password"

    def test_a_password_is_not_trimmed(self, client):
        make_user(email="anna@chain.example", password=" correct horse battery ")
        assert _log_in(client, "anna@chain.example", " correct horse battery ").status_code == 200
        assert _log_in(client, "anna@chain.example", "correct horse battery").status_code == 401

    @pytest.mark.parametrize("body", [{}, {"email": 1, "password": []}, [], "x", {"email": "a@b.ru", "password": None}])
    def test_a_log_in_of_another_shape_is_422(self, client, body):
        assert client.post(f"{AUTH}/login", json=body).status_code == 422


class TestThrottling:
    def test_log_ins_are_counted_per_account_and_address(self, app, client, settings):
        make_user(email="anna@chain.example")
        limited: Settings = settings.model_copy(update={"throttle_login": "2/minute"})
        app.extensions["settings"] = limited
        try:
            statuses = [_log_in(client, "Anna@chain.example", "wrong horse battery").status_code for _ in range(3)]
            other = _log_in(client, "igor@chain.example").status_code
        finally:
            app.extensions["settings"] = settings
        assert statuses == [401, 401, 429]
        assert other == 401


class TestContacts:
    def test_are_created_found_listed_and_deleted(self, client):
        token = bearer(make_user())
        created = client.post(f"{AUTH}/contacts", json=ADDRESS, headers=token)
        assert created.status_code == 201
        contact = created.get_json()
        assert contact == {
            "id": 1,
            "belongs_to": "user",
            **ADDRESS,
            "phone": "+74951234567",
            "structure": "",
            "building": "",
            "apartment": "",
            "receiving_hours": "",
            "address": "г. Москва, ул. Лесная, д. 5",
        }
        assert created.headers["Location"] == f"{AUTH}/contacts/1"
        assert client.get(created.headers["Location"], headers=token).get_json() == contact
        assert client.get(f"{AUTH}/contacts", headers=token).get_json() == {"items": [contact], "next_cursor": None}
        assert client.delete(created.headers["Location"], headers=token).status_code == 204
        assert client.get(created.headers["Location"], headers=token).status_code == 404

    def test_an_order_keeps_the_address_that_it_was_placed_with(self, client):
        user = make_user()
        contact = make_contact(user)
        order, token = make_order(buyer=user, contact=contact), bearer(user)
        placed = client.get(f"/api/v1/orders/{order.id}", headers=token).json["delivery_point"]
        assert (placed["city"], placed["phone"]) == (contact.city, contact.phone)
        path = f"{AUTH}/contacts/{contact.id}"
        assert client.patch(path, json={"city": "Тула"}, headers=token).json["city"] == "Тула"
        assert client.delete(path, headers=token).status_code == 204
        assert client.get(f"/api/v1/orders/{order.id}", headers=token).json["delivery_point"] == placed

    def test_foreign_unknown_and_impossible_ids_are_404(self, client):
        foreign = make_contact(make_user())
        token = bearer(make_user())
        for contact_id in (foreign.id, 404, 2**63 - 1, 2**63, 10**30):
            assert client.get(f"{AUTH}/contacts/{contact_id}", headers=token).status_code == 404
            assert client.delete(f"{AUTH}/contacts/{contact_id}", headers=token).status_code == 404
        known = _without_id(client.get(f"{AUTH}/contacts/{foreign.id}", headers=token))
        assert known == _without_id(client.get(f"{AUTH}/contacts/404", headers=token))

    def test_are_limited_by_the_settings(self, client, settings):
        user = make_user()
        for _ in range(settings.max_contacts_per_user):
            make_contact(user)
        answer = client.post(f"{AUTH}/contacts", json=ADDRESS, headers=bearer(user))
        assert (answer.status_code, answer.get_json()["code"]) == (409, "TooManyContacts")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"phone": "nonsense"}, "phone"),
            ({"city": " "}, "city"),
            ({"user_id": 1}, "user_id"),
            ({"company_id": 1}, "company_id"),
            ({"street": "a\x00"}, "street"),
        ],
    )
    def test_refuse_what_is_wrong_by_field(self, client, change, field):
        answer = client.post(f"{AUTH}/contacts", json={**ADDRESS, **change}, headers=bearer(make_user()))
        assert answer.status_code == 422
        assert [error["field"] for error in answer.get_json()["errors"]] == [field]

    @pytest.mark.parametrize(("method", "path"), [("GET", "contacts"), ("POST", "contacts"), ("GET", "contacts/1")])
    def test_need_a_log_in(self, client, method, path):
        answer = client.open(f"{AUTH}/{path}", method=method, json=ADDRESS)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


class TestPage:
    @pytest.fixture
    def link(self, client, drain, mailbox, form) -> str:
        client.post(f"{AUTH}/register", json={**form, "locale": "en"})
        drain()
        return mailbox.link.removeprefix("http://127.0.0.1:8000")

    def test_opening_it_confirms_nothing_pressing_the_button_does(self, client, link, mailbox, form, edge):
        for _ in range(2):
            page = client.get(link)
            assert page.status_code == 200
            assert form["email"] in page.text
            assert '<html lang="en">' in page.text
            assert mailbox.token in page.text
        assert _log_in(client, form["email"]).status_code == 403
        done = client.post("/confirm-email", data={"token": mailbox.token})
        assert (done.status_code, "confirmed" in done.text) == (200, True)
        assert _log_in(client, form["email"]).status_code == 200
        assert client.get(link).status_code == 400
        assert client.post("/confirm-email", data={"token": mailbox.token}).status_code == 400

    def test_runs_no_script_and_is_not_kept(self, client, link):
        page = client.get(link)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert client.get("/pages.css").mimetype == "text/css"

    def test_speaks_the_language_of_the_browser_where_the_link_is_bad(self, client):
        english = client.get("/confirm-email?token=x", headers={"Accept-Language": "en-US,en;q=0.9"})
        russian = client.get('/confirm-email?token="><script>')
        assert (english.status_code, "does not work" in english.text) == (400, True)
        assert (russian.status_code, "не действует" in russian.text) == (400, True)
        assert "<script>" not in russian.text
        assert client.post("/confirm-email").status_code == 400

    def test_is_written_safely_whatever_the_email(self, client, edge, settings):
        user = make_user(email="o'b&rien@chain.example", email_confirmed_at=None)
        token = confirmation_token(user, user.email, secret_key=settings.signing_key)
        assert "o&#39;b&amp;rien@chain.example" in client.get(f"/confirm-email?token={token}").text


def test_accounts_show_in_the_schema_with_their_refusals(client):
    operations = {
        operation["operationId"]: operation
        for path in client.get("/api/schema/").get_json()["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    }
    assert {"register", "confirm_email", "resend_confirmation", "log_in", "log_out", "me", "contacts"} <= set(
        operations
    )
    assert "LoginFailed" in operations["log_in"]["responses"]["401"]["description"]
    assert "TooManyContacts" in operations["create_contact"]["responses"]["409"]["description"]
    assert operations["register"]["security"] == [{}, {"bearer": []}]
    assert operations["me"]["security"] == [{"bearer": []}]


def test_a_users_row_holds_no_password(client, form, edge):
    client.post(f"{AUTH}/register", json=form)
    with edge():
        assert session().scalars(select(User.password_hash)).one().startswith("$argon2id$")
