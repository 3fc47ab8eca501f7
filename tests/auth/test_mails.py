"""Mails about accounts in both languages, as text and HTML; what is logged about security holds no secret."""

import pytest

from shop.auth.companies import approve, block, find_company, unblock
from shop.auth.models import PENDING, User
from shop.auth.security import NOTICES, note_security_change
from shop.db import session
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


def test_failed_log_ins_are_logged_with_the_user_and_without_the_password(client, caplog):
    user = make_user(email="anna@chain.example")
    for email in (user.email, "nobody@chain.example"):
        client.post(f"{AUTH}/login", json={"email": email, "password": f"{PASSWORD}!"})
    entries = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [entry["user_id"] for entry in entries if entry["event"] == "login_failed"] == [user.id, None]
    assert PASSWORD not in caplog.text
