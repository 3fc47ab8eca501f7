"""Mails to the owner of an account to which a provider was linked, or unlinked from."""

from shop.auth.social.identities import ProviderLinked, ProviderUnlinked
from shop.auth.social.providers import provider_name
from shop.auth.tasks import mail_user
from shop.config import Settings
from shop.mail.content import Facts
from shop.mail.kinds import mail_kind
from shop.mail.models import MailMessage
from shop.outbox.handler import handles

PROVIDER_LINKED = "provider_linked"
PROVIDER_UNLINKED = "provider_unlinked"


@handles(ProviderLinked, name="auth.mail_provider_linked")
def mail_provider_linked(event: ProviderLinked, event_id: int) -> None:
    """Tells the owner that the provider opens the account from now on."""
    mail_user(PROVIDER_LINKED, event.user_id, event_id, provider=event.provider)


@handles(ProviderUnlinked, name="auth.mail_provider_unlinked")
def mail_provider_unlinked(event: ProviderUnlinked, event_id: int) -> None:
    """Tells the owner that the provider opens the account no more."""
    mail_user(PROVIDER_UNLINKED, event.user_id, event_id, provider=event.provider)


@mail_kind(PROVIDER_LINKED, goes_first=True)
@mail_kind(PROVIDER_UNLINKED, goes_first=True)
def provider_facts(mail: MailMessage, settings: Settings) -> Facts:
    """Of both mails."""
    return Facts({"shop": settings.base_url, "provider": provider_name(mail.context["provider"], settings)})
