"""What an operator sees of the mails, and resending them."""

import pytest
from flask import Flask
from sqlalchemy import select

from shop.database import session
from shop.mail.erasure import forget_recipient
from shop.mail.models import MailMessage
from shop.mail.resend import MailNotFound, RecipientForgotten, find_mail, resend_mail, resend_parked
from tests.mail.test_mail import deliver, mails, queue


def run(app: Flask, *arguments: str):
    return app.test_cli_runner().invoke(args=["mail", *arguments])


@pytest.fixture
def refused(app, edge, kind, postman, mailbox) -> MailMessage:
    """A mail that the server refused for good."""
    mailbox.before_accepting = lambda _message: "550 no such user [x]"
    queue(edge, kind)
    deliver(app, edge)
    mailbox.before_accepting = lambda _message: None
    return mails(edge)[0]


def test_a_parked_mail_is_sent_again_under_its_message_id(app, edge, drain, mailbox, refused) -> None:
    with edge():
        resend_mail(find_mail(refused.id), by=7)
    drain()
    assert [message["Message-ID"] for message in mailbox.messages] == [refused.message_id]
    assert [(mail.state, mail.attempts) for mail in mails(edge)] == [("sent", 1)]


def test_a_mail_that_was_lost_on_the_other_side_is_sent_again(app, edge, kind, postman, mailbox, drain) -> None:
    queue(edge, kind)
    drain()
    with edge():
        resend_mail(find_mail(session().scalars(select(MailMessage.id)).one()), by=None)
    drain()
    assert len(mailbox.messages) == 2
    assert len({message["Message-ID"] for message in mailbox.messages}) == 1


def test_a_forgotten_recipient_gets_nothing_any_more(app, edge, refused) -> None:
    with edge():
        forget_recipient(refused.recipient, user_id=1)
    with edge():
        assert resend_parked(by=None) == 0
    with pytest.raises(RecipientForgotten), edge():
        resend_mail(find_mail(refused.id), by=None)


def test_an_unknown_mail_is_not_found(edge) -> None:
    with pytest.raises(MailNotFound, match="mail 5"), edge():
        find_mail(5)


class TestByCommand:
    def test_status_of_an_empty_log(self, app) -> None:
        assert "No mail waits" in run(app, "status").output

    def test_status_names_what_was_parked_with_the_reason(self, app, edge, kind, refused) -> None:
        queue(edge, kind, to="oleg@test.example")
        said = run(app, "status").output
        assert f"Parked: mail {refused.id}, test_greeting to anna@test.example, 1 attempts" in said
        assert "no such user [x]" in said
        assert said.splitlines()[1].split() == ["test_greeting", "1", "1", "0"]

    def test_resend_of_one_or_of_all_parked(self, app, edge, mailbox, drain, refused) -> None:
        assert "again: 1" in run(app, "resend", "--parked").output
        assert "again: 0" in run(app, "resend", "--parked").output
        drain()
        assert "again: 1" in run(app, "resend", str(refused.id)).output
        drain()
        assert len(mailbox.messages) == 2

    @pytest.mark.parametrize("arguments", [(), ("1", "--parked")])
    def test_resend_wants_to_know_which(self, app, arguments) -> None:
        assert run(app, "resend", *arguments).exit_code == 2

    def test_resend_of_what_is_not_there_fails_in_a_sentence(self, app) -> None:
        result = run(app, "resend", "5")
        assert (result.exit_code, "There is no mail 5" in result.output) == (1, True)
