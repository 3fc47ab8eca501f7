"""Security events: each is logged with the user's id; the important ones are mailed to the account's owner as well."""

import structlog

from shop.auth.events import SecurityChanged
from shop.auth.models import User
from shop.outbox.events import publish

log = structlog.get_logger()

PASSWORD_CHANGED = "password_changed"  # noqa: S105 - names of events, not passwords
PASSWORD_RESET = "password_reset"  # noqa: S105
EMAIL_CHANGED = "email_changed"
API_KEY_CREATED = "api_key_created"
SECOND_FACTOR_ON = "second_factor_on"
SECOND_FACTOR_OFF = "second_factor_off"
RECOVERY_CODE_USED = "recovery_code_used"
BECAME_OWNER = "became_owner"
OWNS_NO_MORE = "owns_no_more"

NOTICES = (
    PASSWORD_CHANGED,
    PASSWORD_RESET,
    EMAIL_CHANGED,
    API_KEY_CREATED,
    SECOND_FACTOR_ON,
    SECOND_FACTOR_OFF,
    RECOVERY_CODE_USED,
    BECAME_OWNER,
    OWNS_NO_MORE,
)


def note_security_change(user: User, what: str, *, subject: str = "") -> None:
    """Logs one of NOTICES and has it mailed to the user. `subject` names the thing; never a secret."""
    if what not in NOTICES:
        raise ValueError(f"no mail knows what to say about {what}")
    log.info(what, user_id=user.id, subject=subject)
    publish(SecurityChanged(user_id=user.id, what=what, subject=subject))
