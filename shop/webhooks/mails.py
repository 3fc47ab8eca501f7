"""The mail about a webhook that was switched off."""

from shop.config import Settings
from shop.mail.content import Facts
from shop.mail.kinds import mail_kind
from shop.mail.models import MailMessage

SWITCHED_OFF = "webhook_switched_off"


@mail_kind(SWITCHED_OFF)
def webhook_switched_off(mail: MailMessage, settings: Settings) -> Facts:
    """Names only the host: the rest of an address may be a secret between the company and its receiver."""
    path = f"/api/v1/webhooks/{mail.context['webhook_id']}"
    return Facts(
        {
            "host": mail.context["host"],
            "reason": mail.context["reason"],
            "days": settings.webhook_failing_days,
            "shop": settings.base_url,
            "path": path,
        }
    )
