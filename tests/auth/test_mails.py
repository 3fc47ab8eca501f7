"""Mails about accounts in both languages, as text and HTML; what is logged about security holds no secret."""

import pytest

from shop.auth.events import UserRegistered
from shop.auth.models import PENDING, User
from shop.auth.security_notices import NOTICES, note_security_change
from shop.auth.social.identities import ProviderLinked
from shop.companies.approval import approve, block, find_company, unblock
from shop.database import now, session
from shop.mail.content import compose
from shop.mail.kinds import facts_of
from shop.mail.models import MailMessage
from shop.outbox.events import publish
from tests.factories.auth import PASSWORD, make_company, make_user

AUTH = "/api/v1/auth"


@pytest.mark.parametrize("locale", ["ru", "en"])
@pytest.mark.parametrize("what", NOTICES)
def test_every_security_notice_says_what_happened(edge, drain, mailbox, what, locale):
    user = make_user(locale=locale)
    with edge():
        note_security_change(session().get_one(User, user.id), what, subject="Склад")
    drain()
    [mail] = mailbox
    assert len(mail["Subject"]) > 10
    assert "Склад" in mailbox.text
    assert f'<html lang="{locale}">' in mail.get_body(("html",)).get_content()


def test_no_notice_is_sent_that_nobody_has_written(edge):
    with edge(), pytest.raises(ValueError, match="no mail"):
        note_security_change(session().get_one(User, make_user().id), "something")


def test_a_registration_dropped_meanwhile_is_no_mail_that_cannot_leave(edge, settings, drain, mailbox):
    facts = {"message_id": "<1@shop.example>", "recipient": "anna@chain.example", "created_at": now()}
    mail = MailMessage(kind="confirm_email", locale="ru", context={"user_id": 404}, **facts)
    with edge():
        message = compose(mail, facts_of(mail, settings), settings)
        for event in (UserRegistered(user_id=404), ProviderLinked(user_id=404, provider="google")):
            publish(event)
    drain()
    assert "/confirm-email?token=\n" in message.get_body(("plain",)).get_content()
    assert mailbox == []


@pytest.mark.parametrize(
    ("locale", "words"), [("ru", ("торговать", "закрыт", "торговать")), ("en", ("trade", "blocked", "trade"))]
)
def test_a_company_hears_what_managers_decide(edge, drain, mailbox, locale, words):
    user = make_user("supplier", company=make_company("supplier", status=PENDING), locale=locale)
    for decide in (approve, block, unblock):
        with edge():
            decide(find_company(user.company_id, lock=True), by=None)
        drain()
    assert [mail["To"] for mail in mailbox] == [user.email] * 3
    assert all(word in mail["Subject"] for word, mail in zip(words, mailbox, strict=True))


def test_what_is_done_to_an_account_is_logged_with_its_user_and_no_secret(client, drain, mailbox, caplog):
    user, changed, reset = make_user(email="anna@chain.example"), "another good one", "yet another good one"
    with caplog.at_level("INFO"):
        answer = client.post(f"{AUTH}/login", json={"email": user.email, "password": PASSWORD}).json
        here = {"Authorization": f"Bearer {answer['access_token']}"}
        body = {"name": "ERP", "scopes": ["orders:read"]}
        key = client.post(f"{AUTH}/api-keys", json=body, headers=here).json["api_key"]
        body = {"present_password": PASSWORD, "new_password": changed}
        assert client.post(f"{AUTH}/change-password", json=body, headers=here).status_code == 204
        client.post(f"{AUTH}/password-reset", json={"email": user.email})
        drain()
        link = mailbox.token
        body = {"token": link, "password": reset}
        assert client.post(f"{AUTH}/password-reset/confirm", json=body).status_code == 200
    entries = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    told = {entry["event"] for entry in entries if entry.get("user_id") == user.id}
    assert {"logged_in", "api_key_created", "password_changed", "password_reset", "tokens_ended"} <= told
    for secret in (PASSWORD, changed, reset, answer["access_token"], key, link, user.email):
        assert secret not in caplog.text


def test_failed_log_ins_are_logged_with_the_user_and_without_the_password(client, caplog):
    user = make_user(email="anna@chain.example")
    for email in (user.email, "nobody@chain.example"):
        client.post(f"{AUTH}/login", json={"email": email, "password": f"{PASSWORD}!"})
    entries = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [entry["user_id"] for entry in entries if entry["event"] == "login_failed"] == [user.id, None]
    assert PASSWORD not in caplog.text
