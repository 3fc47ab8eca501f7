"""The profile, another e-mail, and closing the account."""

import threading

import pytest
import time_machine
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from shop.auth.account_closing import erase
from shop.auth.models import Company, User
from shop.auth.row_locks import lock_user
from shop.auth.security_notices import note_security_change
from shop.auth.social import identities
from shop.auth.social.models import SocialAccount, SocialCode
from shop.companies.models import Contact
from shop.database import now, session
from shop.mail.models import MailMessage
from shop.mail.queue import queue_mail
from shop.outbox.models import OutboxEvent
from tests.factories.auth import PASSWORD, bearer, make_api_key, make_company, make_contact, make_user
from tests.factories.orders import make_order

AUTH = "/api/v1/auth"
ASKED = "Confirm your new e-mail address"


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
        mailbox.clear()
        drain()
        told = {(mail["To"], mail["Subject"]) for mail in mailbox}
        assert told == {(f"{name}@chain.example", "Your e-mail address was changed") for name in ("old", "new")}
        [warning] = [mail for mail in mailbox if mail["To"] == "old@chain.example"]
        assert "Answer this mail at once" in warning.get_body(("plain",)).get_content()

    @pytest.mark.parametrize("by_id", [True, False])
    def test_is_given_back_by_an_operator_to_who_lost_the_account(self, app, client, edge, drain, mailbox, by_id):
        user = make_user(email="thief@evil.example", locale="en")
        session_token, key = bearer(user), make_api_key(user, "account:read")
        with edge():
            session().add(SocialAccount(user_id=user.id, provider="google", provider_user_id="1"))
            identities.issue_ticket(session().get_one(User, user.id), "github")
        named = str(user.id) if by_id else "Thief@evil.example"
        done = app.test_cli_runner().invoke(args=["users", "change-email", named, "anna@chain.example"])
        assert (done.exit_code, "anna@chain.example" in done.output) == (0, True)
        for header in (session_token, key):
            assert client.get(f"{AUTH}/me", headers=header).status_code == 401
        with edge():
            assert session().scalars(select(SocialAccount)).all() == session().scalars(select(SocialCode)).all() == []
        for address in ("thief@evil.example", "anna@chain.example"):
            refused = client.post(f"{AUTH}/login", json={"email": address, "password": PASSWORD})
            assert refused.status_code == 401
        drain()
        assert {mail["To"] for mail in mailbox} == {"thief@evil.example", "anna@chain.example"}
        assert "token=" not in "".join(mail.as_string() for mail in mailbox)
        for address in ("thief@evil.example", "anna@chain.example"):
            client.post(f"{AUTH}/password-reset", json={"email": address})
        drain()
        assert mailbox[-1]["To"] == "anna@chain.example"
        body = {"token": mailbox.token, "password": "another good one"}
        assert client.post(f"{AUTH}/password-reset/confirm", json=body).status_code == 200
        log_in = {"email": "anna@chain.example", "password": "another good one"}
        assert client.post(f"{AUTH}/login", json=log_in).status_code == 200

    def test_is_given_to_nobody_who_has_an_account_and_by_nobody_closed(self, app):
        user, closed = make_user(), make_user(closed_at=now())
        make_user(email="taken@chain.example")
        run = app.test_cli_runner().invoke
        for account, address in (
            (user.email, "Taken@chain.example"),
            (str(closed.id), "new@chain.example"),
            ("404", "new@chain.example"),
            (user.email, "no address"),
        ):
            assert run(args=["users", "change-email", account, address]).exit_code == 1

    def test_the_link_to_the_new_address_does_not_tell_the_present_one(self, client, drain, mailbox):
        change(client, bearer(make_user(email="old@chain.example")), email="new@chain.example", password=PASSWORD)
        drain()
        mailbox.extend([mail for mail in mailbox if mail["To"] == "new@chain.example"])
        _, payload = URLSafeTimedSerializer("any").loads_unsafe(mailbox.token)
        assert payload
        assert "old@chain.example" not in str(payload)
        assert "old@chain.example" not in mailbox[-1].as_string() + mailbox.text

    def test_no_link_works_again_after_changing_back(self, client, drain, mailbox):
        token = bearer(make_user(email="old@chain.example", locale="en"))
        links = []
        for address in ("new@chain.example", "old@chain.example", "new@chain.example"):
            change(client, token, email=address, password=PASSWORD)
            drain()
            mailbox.append([mail for mail in mailbox if mail["To"] == address and mail["Subject"] == ASKED][-1])
            links.append(mailbox.token)
            if len(links) < 3:
                assert client.post(f"{AUTH}/confirm-email-change", json={"token": links[-1]}).status_code == 200
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": links[0]}).status_code == 422
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": links[2]}).status_code == 200

    def test_needs_the_password(self, client):
        token = bearer(make_user())
        for password in ({}, {"password": "wrong horse battery"}):
            answer = change(client, token, email="new@chain.example", **password)
            assert (answer.status_code, answer.json["code"]) == (403, "PasswordWrong")

    def test_changes_to_an_address_that_a_stranger_registered_and_never_proved(
        self, client, form, edge, drain, mailbox
    ):
        assert client.post(f"{AUTH}/register", json={**form, "company": "Чужая"}).status_code == 202
        drain()
        mailbox.clear()
        assert change(client, bearer(make_user()), email=form["email"], password=PASSWORD).status_code == 200
        drain()
        mailbox.extend([mail for mail in mailbox if mail["To"] == form["email"]])
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": mailbox.token}).status_code == 200
        with edge():
            assert session().scalars(select(User.email)).all() == [form["email"]]
            assert "Чужая" not in session().scalars(select(Company.name)).all()

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

    def test_erases_every_address_the_user_had_from_the_log_of_mails(self, client, edge, drain, mailbox):
        user = make_user(email="old@chain.example")
        token = bearer(user)
        change(client, token, email="new@chain.example", password=PASSWORD)
        drain()
        mailbox.append(next(mail for mail in mailbox if mail["To"] == "new@chain.example"))
        assert client.post(f"{AUTH}/confirm-email-change", json={"token": mailbox.token}).status_code == 200
        drain()
        assert close(client, token).status_code == 204
        with edge():
            known = [str(vars(row)) for table in (MailMessage, OutboxEvent) for row in session().scalars(select(table))]
            assert "chain.example" not in "".join(known)

    def test_what_is_still_on_its_way_arrives_and_then_forgets_the_address(self, client, edge, drain, mailbox):
        user = make_user(email="anna@chain.example")
        with edge():
            queue_mail("email_change_notice", to=user.email, locale="ru", event_id=1, domain="d", user_id=user.id)
        assert close(client, bearer(user)).status_code == 204
        drain()
        assert [mail["To"] for mail in mailbox] == ["anna@chain.example"]
        with edge():
            [row] = session().scalars(select(MailMessage)).all()
            assert (row.state, "anna" in row.recipient + row.dedupe_key) == ("sent", False)

    def test_what_happens_at_the_same_time_is_mailed_before_or_not_at_all(
        self, client, edge, drain, mailbox, wait_for_lock
    ):
        """The task that would queue a mail waits for the closing, and then finds nobody to write to."""
        user = make_user(email="anna@chain.example")
        with edge():
            note_security_change(session().get_one(User, user.id), "password_changed")
        rival = threading.Thread(target=drain)
        with edge():
            erase(lock_user(session().get_one(User, user.id)))
            rival.start()
            wait_for_lock()
        rival.join(10)
        assert mailbox == []

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

    @pytest.mark.parametrize("others", [0, 1])
    def test_with_the_last_member_a_supplier_ceases_to_take_orders(self, client, edge, others):
        supplier = make_user("supplier")
        for _ in range(others):
            make_user("supplier", company=supplier.company)
        leaving = make_user("supplier", company=supplier.company) if others else supplier
        assert close(client, bearer(leaving)).status_code == 204
        with edge():
            assert session().get_one(Company, supplier.company_id).accepts_orders is bool(others)


class TestWithoutPassword:
    """Whoever came by a provider has no password to ask for: a session opened just now proves the same."""

    ASKS = (
        ("PATCH", "me", {"email": "new@chain.example"}),
        ("POST", "me/close", {}),
        ("POST", "change-password", {"new_password": "another good one"}),
    )

    @pytest.fixture
    def user(self, edge) -> User:
        user = make_user()
        with edge():
            session().get_one(User, user.id).password_hash = None
        return user

    @pytest.mark.parametrize(("method", "path", "body"), ASKS)
    def test_an_old_session_is_not_enough(self, client, user, method, path, body):
        token = bearer(user)
        with time_machine.travel(now().timestamp() + 601, tick=False):
            answer = client.open(f"{AUTH}/{path}", method=method, json=body, headers=token)
        assert (answer.status_code, answer.json["code"]) == (403, "FreshLogInNeeded")
        assert "Log in with your provider again" in answer.json["detail"]

    @pytest.mark.parametrize(("method", "path", "body"), ASKS)
    def test_a_session_opened_just_now_is(self, client, user, method, path, body):
        answer = client.open(f"{AUTH}/{path}", method=method, json=body, headers=bearer(user))
        assert answer.status_code < 300

    def test_with_a_password_a_new_session_is_not_enough(self, client):
        for method, path, body in self.ASKS:
            answer = client.open(f"{AUTH}/{path}", method=method, json=body, headers=bearer(make_user()))
            assert answer.json["code"] == "PasswordWrong"
