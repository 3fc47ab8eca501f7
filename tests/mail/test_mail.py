"""Mails: one per event and recipient, text and HTML, retried or parked with the reason, nothing injected."""

import smtplib
from threading import Thread
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from shop import subscribers as _declares_all  # noqa: F401 - kinds of mail and tasks
from shop.database import session
from shop.mail.content import TEMPLATES, compose
from shop.mail.kinds import KINDS, facts_of
from shop.mail.models import MailMessage
from shop.mail.queue import queue_mail
from shop.outbox.handler import subscribers
from shop.outbox.models import OutboxEvent
from tests.conftest import make_settings
from tests.journeys.product import Hold, free_port


def queue(edge, kind: str, *, to: str = "anna@test.example", event_id: int = 1, who: str = "Анна") -> None:
    with edge():
        queue_mail(kind, to=to, locale="ru", event_id=event_id, domain="shop.example", who=who)


def mails(edge) -> list[MailMessage]:
    with edge():
        return list(session().scalars(select(MailMessage).order_by(MailMessage.id)))


def test_one_mail_per_event_and_recipient(app, edge, kind, postman, mailbox, drain) -> None:
    for to in ("anna@test.example", "ANNA@test.example", "oleg@test.example"):
        queue(edge, kind, to=to)
    queue(edge, kind, event_id=2)
    drain()
    assert sorted(message["To"] for message in mailbox.messages) == [
        "anna@test.example",
        "anna@test.example",
        "oleg@test.example",
    ]
    assert len({message["Message-ID"] for message in mailbox.messages}) == 3
    assert {(mail.state, mail.attempts, mail.subject) for mail in mails(edge)} == {("sent", 1, "Hello Анна")}


def test_text_and_html_say_the_same_and_nothing_in_it_is_markup(app, edge, kind, postman) -> None:
    queue(edge, kind, who="<script>alert(1)</script> & сыновья")
    [mail] = mails(edge)
    with edge():
        message = compose(mail, facts_of(mail, postman), postman)
    text, html = (message.get_body((part,)).get_content() for part in ("plain", "html"))
    assert "Dear <script>alert(1)</script> & сыновья" in text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert '<a href="http://127.0.0.1:8000/?a=1&amp;b=2">' in html
    assert 'href="https://evil.example' not in html


def test_a_line_break_cannot_begin_another_header(app, edge, kind, postman) -> None:
    queue(edge, kind, who="x\r\nBcc: everybody@test.example")
    [mail] = mails(edge)
    with edge():
        message = compose(mail, facts_of(mail, postman), postman)
    assert message["Bcc"] is None
    assert message["X-Order-Number"] == "x Bcc: everybody@test.example"


def test_two_workers_with_the_same_mail_send_it_once(app, edge, kind, postman, mailbox) -> None:
    queue(edge, kind)
    hold = Hold()
    mailbox.before_accepting = hold
    first = Thread(target=deliver, args=(app, edge))
    first.start()
    assert hold.begun.wait(60)
    deliver(app, edge)
    hold.released.set()
    first.join(10)
    assert len(mailbox.messages) == 1
    [mail] = mails(edge)
    assert (mail.state, mail.attempts) == ("sent", 1)


def test_what_the_server_refuses_for_now_is_sent_later(app, edge, kind, postman, mailbox) -> None:
    mailbox.before_accepting = lambda _message: "451 come back later"
    queue(edge, kind)
    deliver(app, edge)
    [mail] = mails(edge)
    assert (mail.state, mail.attempts) == ("queued", 1)
    assert "451" in mail.last_error
    mailbox.before_accepting = lambda _message: None
    deliver(app, edge)
    [mail] = mails(edge)
    assert (mail.state, mail.attempts, mail.last_error) == ("sent", 2, None)
    assert len(mailbox.messages) == 1


def test_what_the_server_refuses_for_good_is_parked_with_the_reason(app, edge, kind, postman, mailbox) -> None:
    mailbox.before_accepting = lambda _message: "550 no such user"
    queue(edge, kind)
    deliver(app, edge)
    [mail] = mails(edge)
    assert mail.state == "parked"
    assert "no such user" in mail.last_error
    with edge():
        assert session().scalars(select(OutboxEvent)).one().handled_at


def test_patience_ends(app, edge, kind, postman, mailbox) -> None:
    mailbox.before_accepting = lambda _message: "451 never"
    queue(edge, kind)
    for _ in range(3):
        deliver(app, edge)
    [mail] = mails(edge)
    assert (mail.state, mail.attempts) == ("parked", 3)


def test_a_server_that_is_away_is_waited_for(app, edge, kind, postman, monkeypatch) -> None:
    monkeypatch.setitem(
        app.extensions, "settings", postman.model_copy(update={"smtp_port": free_port(), "smtp_timeout_seconds": 1})
    )
    queue(edge, kind)
    deliver(app, edge)
    [mail] = mails(edge)
    assert (mail.state, "ConnectionRefusedError" in mail.last_error) == ("queued", True)


@pytest.mark.parametrize(
    "trouble",
    [
        smtplib.SMTPAuthenticationError(535, b"wrong password"),
        smtplib.SMTPSenderRefused(530, b"authentication required", "orders@shop.example"),
        smtplib.SMTPConnectError(554, b"no service"),
    ],
)
def test_trouble_with_our_own_log_in_is_not_the_mails_fault(app, edge, kind, postman, monkeypatch, trouble) -> None:
    def refuse(*_args, **_kwargs) -> smtplib.SMTP:
        raise trouble

    monkeypatch.setattr("shop.mail.smtp.smtplib.SMTP", refuse)
    queue(edge, kind)
    deliver(app, edge)
    assert mails(edge)[0].state == "queued"


def test_user_and_tls_are_used_where_they_are_set(app, edge, kind, postman, monkeypatch) -> None:
    calls = []
    smtp = SimpleNamespace(
        starttls=lambda context: calls.append("tls"),
        login=lambda user, password: calls.append((user, password)),
        send_message=lambda message: calls.append(message["To"]),
    )

    class Server:
        def __init__(self, *_args, **_kwargs) -> None:
            self.starttls, self.login, self.send_message = smtp.starttls, smtp.login, smtp.send_message

        def quit(self) -> None:
            calls.append("quit")
            raise smtplib.SMTPServerDisconnected("rude")

        def close(self) -> None:
            calls.append("close")

    monkeypatch.setattr("shop.mail.smtp.smtplib.SMTP", Server)
    changed = make_settings(
        postman.database_url,
        postman.redis_url,
        smtp_starttls=True,
        smtp_user="shop",
        smtp_password="secret",
        smtp_keep_seconds=0,
    )
    monkeypatch.setitem(app.extensions, "settings", changed)
    queue(edge, kind)
    deliver(app, edge)
    assert calls == ["tls", ("shop", "secret"), "anna@test.example", "quit", "close"]
    assert mails(edge)[0].state == "sent"  # a rude good-bye does not undo it


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_mail_has_a_template_in_both_languages(kind: str) -> None:
    for locale in ("ru", "en"):
        text = (TEMPLATES / locale / f"{kind}.txt").read_text("utf-8")
        assert text.partition("\n")[0].strip()


def deliver(app, edge) -> None:
    """One round of the worker over all open events; what fails stays open."""
    with edge():
        rows = session().scalars(select(OutboxEvent).where(OutboxEvent.handled_at.is_(None))).all()
        for row in rows:
            row.pending, row.started = [task.name for task in subscribers()[row.type]], []
        events = [(row.id, row.pending) for row in rows]
    for event_id, tasks in events:
        for task in tasks:
            app.extensions["celery"].tasks[task](event_id)
