"""The profile, another e-mail, and closing the account."""

import pytest
from sqlalchemy import select

from shop.auth.models import Company, Contact, User
from shop.db import session
from shop.mail.models import MailMessage
from tests.factories.auth import PASSWORD, bearer, make_api_key, make_company, make_contact, make_user
from tests.factories.orders import make_order

AUTH = "/api/v1/auth"


def change(client, token, **body):
    return client.patch(f"{AUTH}/me", json=body, headers=token)


def close(client, token, password: str | None = PASSWORD):
    return client.post(f"{AUTH}/me/close", json={"password": password}, headers=token)


class TestChangeProfile:
    def test_changes_what_is_stated(self, client):
        token = bearer(make_user(position="Закупщик"))
        answer = change(client, token, first_name="Мария", position=None, locale="en")
        assert answer.status_code == 200
        me = client.get(f"{AUTH}/me", headers=token).json
        assert (me["first_name"], me["last_name"], me["position"], me["locale"]) == ("Мария", "Петрова", None, "en")

    @pytest.mark.parametrize("body", [{"role": "manager"}, {"company_id": 1}, {"is_owner": True}, {"first_name": " "}])
    def test_takes_no_more_than_that(self, client, body):
        assert change(client, bearer(make_user()), **body).status_code == 422


class TestEmail:
    def test_changes_after_the_new_mailbox_has_answered(self, client, drain, mailbox):
        token = bearer(make_user(email="old@chain.example", locale="en"))
        answer = change(client, token, email="new@chain.example", password=PASSWORD)
        assert (answer.status_code, answer.json["email"]) == (200, "old@chain.example")
        assert answer.json["pending_email"] == "new@chain.example"
        drain()
        mails = {mail["To"]: mail for mail in mailbox}
        assert mails["old@chain.example"]["Subject"] == "Your e-mail address is about to change"
        assert "token=" not in mails["old@chain.example"].as_string()
        mailbox.append(mails["new@chain.example"])
        link = mailbox.token
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": link}).status_code == 200
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": link}).status_code == 422
        me = client.get(f"{AUTH}/me", headers=token).json
        assert (me["email"], me["pending_email"]) == ("new@chain.example", None)
        drain()
        assert (mailbox[-1]["To"], mailbox[-1]["Subject"]) == ("new@chain.example", "Your e-mail address was changed")

    def test_needs_the_password(self, client):
        token = bearer(make_user())
        for password in ({}, {"password": "wrong horse battery"}):
            answer = change(client, token, email="new@chain.example", **password)
            assert (answer.status_code, answer.json["code"]) == (403, "PasswordWrong")

    def test_does_not_tell_that_an_address_is_taken(self, client, drain, mailbox):
        make_user(email="taken@chain.example")
        answer = change(client, bearer(make_user()), email="Taken@chain.example", password=PASSWORD)
        assert answer.json["pending_email"] == "Taken@chain.example"
        drain()
        assert len(mailbox) == 1
        assert mailbox[0]["To"] != "Taken@chain.example"

    def test_a_new_password_cancels_the_change(self, client, drain, mailbox):
        token = bearer(make_user(email="old@chain.example"))
        change(client, token, email="new@chain.example", password=PASSWORD)
        drain()
        mailbox.append(next(mail for mail in mailbox if mail["To"] == "new@chain.example"))
        body = {"present_password": PASSWORD, "new_password": "another good one"}
        client.post(f"{AUTH}/change-password", json=body, headers=token)
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": mailbox.token}).status_code == 422

    def test_the_page_asks_and_changes(self, client, drain, mailbox):
        change(client, bearer(make_user(locale="en")), email="new@chain.example", password=PASSWORD)
        drain()
        mailbox.append(next(mail for mail in mailbox if mail["To"] == "new@chain.example"))
        assert "new@chain.example" in client.get(f"/confirm-email-change?token={mailbox.token}").text
        done = client.post("/confirm-email-change", data={"token": mailbox.token})
        assert (done.status_code, "changed" in done.text) == (200, True)
        assert client.post("/confirm-email-change", data={"token": mailbox.token}).status_code == 400


class TestClose:
    def test_erases_the_person_and_keeps_the_orders(self, client, edge, drain, mailbox):
        company = make_company()
        owner, user = make_user(company=company), make_user(company=company, email="anna@chain.example")
        order = make_order(buyer=user)
        token, key = bearer(user), make_api_key(user, "account:read")
        drain()
        assert close(client, token).status_code == 204
        for header in (token, key):
            assert client.get(f"{AUTH}/me", headers=header).status_code == 401
        with edge():
            closed = session().get_one(User, user.id)
            assert "anna" not in f"{closed.email} {closed.first_name} {closed.last_name}".lower()
            assert closed.password_hash is None
            assert session().scalar(select(Contact).filter_by(user_id=user.id)) is None
            assert "anna@chain.example" not in str(session().scalars(select(MailMessage.recipient)).all())
            assert "anna@chain.example" not in str(session().scalars(select(MailMessage.dedupe_key)).all())
        assert client.get(f"/api/v1/orders/{order.id}", headers=bearer(owner)).status_code == 200

    def test_frees_the_email(self, client, form):
        close(client, bearer(make_user(email=form["email"])))
        assert client.post(f"{AUTH}/register", json=form).status_code == 202

    def test_needs_the_password(self, client):
        token = bearer(make_user())
        for password in (None, "wrong horse battery"):
            assert close(client, token, password).json["code"] == "PasswordWrong"

    def test_the_owner_hands_over_first(self, client, edge):
        company = make_company()
        owner, member = make_user(company=company), make_user(company=company)
        token = bearer(owner)
        assert close(client, token).json["code"] == "OwnerMustHandOver"
        handed = client.put(f"{AUTH}/company/owner", json={"user_id": member.id}, headers=token)
        assert (handed.status_code, handed.json["is_owner"]) == (200, True)
        assert close(client, token).status_code == 204

    def test_with_the_last_member_go_the_companys_contacts(self, client, edge):
        user = make_user()
        make_contact(user)
        with edge():
            address = {"name": "1", "city": "М", "street": "у", "house": "1", "phone": "+74951234567"}
            session().add(Contact(company_id=user.company_id, **address))
        assert close(client, bearer(user)).status_code == 204
        with edge():
            assert session().scalars(select(Contact)).all() == []
            assert session().get(Company, user.company_id) is not None
