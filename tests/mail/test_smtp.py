"""The connection to the mail server is kept, and never costs a mail or sends one twice."""

import smtplib
import time
from collections.abc import Iterator

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from shop.mail import tasks
from shop.mail.smtp import MailServer
from tests.conftest import make_settings
from tests.journeys.product import Hold, Mailbox, eventually
from tests.mail.test_mail import deliver, mails, queue


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> MailServer:
    """As a new process has it."""
    made = MailServer()
    monkeypatch.setattr(tasks, "server", made)
    return made


class Moody(Mailbox):
    """Says to MAIL FROM what it is told to, and may hang up after a message."""

    def __init__(self) -> None:
        self.to_sender: list[str] = []
        self.hangs_up = False
        self.asked = 0
        self.left = 0
        super().__init__()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.to_sender.pop(0) if self.to_sender else "250 OK"

    async def handle_NOOP(self, server: SMTP, _session: Session, _envelope: Envelope, _arg: str) -> str:  # noqa: N802
        if self.hangs_up and server.transport:
            self.hangs_up = False
            server.transport.abort()
        return "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        self.left += 1
        return "221 Bye"


@pytest.fixture
def mailbox() -> Iterator[Moody]:
    box = Moody()
    yield box
    box.stop()


def deliver_one(app, edge, kind, number: int) -> None:
    queue(edge, kind, event_id=number)
    deliver(app, edge)


def test_many_mails_go_over_one_connection(app, edge, kind, postman, mailbox) -> None:
    for number in range(5):
        deliver_one(app, edge, kind, number)
    assert len(mailbox.messages) == 5
    assert len(mailbox.connections) == 1


def test_where_it_is_not_to_be_kept_each_has_its_own(app, edge, kind, postman, mailbox, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "settings", postman.model_copy(update={"smtp_keep_seconds": 0}))
    for number in range(3):
        deliver_one(app, edge, kind, number)
    assert len(mailbox.connections) == mailbox.left == 3


def test_a_connection_found_dead_is_replaced_and_the_mail_leaves_once(app, edge, kind, postman, mailbox) -> None:
    deliver_one(app, edge, kind, 1)
    mailbox.hangs_up = True
    deliver_one(app, edge, kind, 2)
    assert [(mail.state, mail.attempts) for mail in mails(edge)] == [("sent", 1)] * 2
    assert len(mailbox.messages) == len(mailbox.connections) == 2


@pytest.mark.parametrize("answer", ["421 too many messages", "452 enough for now"])
def test_a_server_that_has_had_enough_of_the_connection_gets_another(app, edge, kind, postman, mailbox, answer) -> None:
    deliver_one(app, edge, kind, 1)
    mailbox.to_sender = [answer]
    deliver_one(app, edge, kind, 2)
    assert [(mail.state, mail.attempts) for mail in mails(edge)] == [("sent", 1)] * 2
    assert len(mailbox.messages) == len(mailbox.connections) == 2


def test_another_connection_is_tried_once(app, edge, kind, postman, mailbox) -> None:
    deliver_one(app, edge, kind, 1)
    mailbox.asked, mailbox.to_sender = 0, ["421 too many messages"] * 5
    deliver_one(app, edge, kind, 2)
    assert mailbox.asked == 2
    assert [(mail.state, mail.attempts) for mail in mails(edge)] == [("sent", 1), ("queued", 1)]


def test_a_line_cut_after_the_message_is_not_tried_at_once(app, edge, kind, postman, mailbox) -> None:
    """The server may have it: that is for the next attempt, under the same Message-ID."""
    deliver_one(app, edge, kind, 1)
    arrived = []
    mailbox.before_accepting = lambda message: arrived.append(message["Message-ID"]) or "421 cut"
    deliver_one(app, edge, kind, 2)
    assert len(arrived) == 1
    assert mails(edge)[1].state == "queued"
    mailbox.before_accepting = lambda _message: None
    deliver(app, edge)
    assert mails(edge)[1].state == "sent"
    assert len(mailbox.connections) == 2


def test_nobody_keeps_a_connection_that_is_not_used(app, edge, kind, postman, mailbox, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "settings", postman.model_copy(update={"smtp_keep_seconds": 0.2}))
    deliver_one(app, edge, kind, 1)
    eventually(lambda: mailbox.left == 1)
    deliver_one(app, edge, kind, 2)
    assert len(mailbox.connections) == 2


def test_a_log_in_that_fails_leaves_no_connection(postman, server, mailbox) -> None:
    changed = make_settings(
        postman.database_url, postman.redis_url, smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_user="shop"
    )
    with pytest.raises(smtplib.SMTPException):
        server.send(None, changed)  # type: ignore[arg-type]
    assert server._smtp is None


def test_a_connection_in_use_is_not_idle(app, edge, kind, postman, mailbox, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "settings", postman.model_copy(update={"smtp_keep_seconds": 0.1}))
    hold = Hold()
    mailbox.before_accepting = lambda message: (time.sleep(0.5), hold.begun.set())[1]
    deliver_one(app, edge, kind, 1)
    assert hold.begun.is_set()
    assert mails(edge)[0].state == "sent"
