"""A mailbox, the app's settings pointing to it, and a kind of mail for tests."""

import pytest
from jinja2 import ChoiceLoader, DictLoader

from shop.config import Settings
from shop.mail import content
from shop.mail.content import Facts
from shop.mail.kinds import KINDS, MailKind
from shop.mail.models import MailMessage
from tests.conftest import make_settings
from tests.journeys.product import Mailbox


@pytest.fixture
def mailbox():
    box = Mailbox()
    yield box
    box.controller.stop()


@pytest.fixture
def postman(built_app, settings, mailbox, monkeypatch):
    """The app's settings, pointing to the mailbox."""
    changed = make_settings(
        settings.database_url,
        settings.redis_url,
        smtp_host="127.0.0.1",
        smtp_port=mailbox.controller.port,
        outbox_max_attempts=3,
    )
    monkeypatch.setitem(built_app.extensions, "settings", changed)
    return changed


def greeting(mail: MailMessage, _settings: Settings) -> Facts:
    return Facts({"who": mail.context["who"]}, {"X-Order-Number": mail.context["who"]})


@pytest.fixture
def kind(monkeypatch):
    """A kind of mail with a template of its own."""
    template = "Hello {{ who }}\nDear {{ who }},\n\nsee\nhttp://127.0.0.1:8000/?a=1&b=2\nhttps://evil.example/\n"
    own = DictLoader({"ru/test_greeting.txt": template})
    monkeypatch.setattr(content._environment, "loader", ChoiceLoader([own, content._environment.loader]))
    monkeypatch.setitem(KINDS, "test_greeting", MailKind(greeting, goes_first=False))
    return "test_greeting"
