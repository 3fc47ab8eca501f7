"""The log of mails does not grow for ever."""

from datetime import datetime

from shop.database import delete_some
from shop.mail.models import PARKED, SENT, MailMessage


def purge_mails(*, sent_before: datetime, parked_before: datetime) -> int:
    """A batch of old ones; what still waits to be sent stays, however old it is."""
    is_old = (MailMessage.state == SENT) & (MailMessage.created_at < sent_before)
    is_given_up = (MailMessage.state == PARKED) & (MailMessage.created_at < parked_before)
    return delete_some(MailMessage, is_old | is_given_up)
