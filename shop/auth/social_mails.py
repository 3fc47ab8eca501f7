"""Mails to the owner of an account to which a provider was linked, or unlinked from."""

from shop.auth.models import User
from shop.auth.social import ProviderLinked, ProviderUnlinked
from shop.auth.social_providers import provider_name
from shop.config import Settings, current_settings
from shop.db import session
from shop.mail.content import Facts
from shop.mail.models import MailMessage
from shop.mail.queue import queue_mail
from shop.outbox.handling import handles

PROVIDER_LINKED = "provider_linked"
PROVIDER_UNLINKED = "provider_unlinked"


@handles(ProviderLinked, name="auth.mail_provider_linked")
def mail_provider_linked(event: ProviderLinked, event_id: int) -> None:
    """Tells the owner that the provider opens the account from now on."""
    _queue_mail(PROVIDER_LINKED, event, event_id)


@handles(ProviderUnlinked, name="auth.mail_provider_unlinked")
def mail_provider_unlinked(event: ProviderUnlinked, event_id: int) -> None:
    """Tells the owner that the provider opens the account no more."""
    _queue_mail(PROVIDER_UNLINKED, event, event_id)


def provider_facts(mail: MailMessage, settings: Settings) -> Facts:
    """Of both mails."""
    return Facts({"shop": settings.base_url, "provider": provider_name(mail.context["provider"], settings)})


def _queue_mail(kind: str, event: ProviderLinked | ProviderUnlinked, event_id: int) -> None:
    settings = current_settings()
    user = session().get_one(User, event.user_id)
    if user.closed_at is None:
        queue_mail(
            kind,
            to=user.email,
            locale=user.locale,
            event_id=event_id,
            domain=settings.mail_domain,
            user_id=user.id,
            provider=event.provider,
        )
