"""E-mail addresses as the product keeps and compares them."""

from marshmallow import ValidationError, validate
from sqlalchemy import ColumnElement, func, select

from shop.auth.models import User
from shop.database import session
from shop.errors import FieldError, Invalid

MAX_LENGTH = 254

_is_email = validate.Email()


class EmailInvalid(Invalid):
    code = "EmailInvalid"
    message = "This is not an e-mail address that mail can be sent to."


def clean_email(email: str) -> str:
    """Without blanks around it. Quoted local parts are legal, and in practice only attempts to confuse programs."""
    cleaned = email.strip()
    try:
        if len(cleaned) > MAX_LENGTH or '"' in cleaned or not cleaned.isprintable():
            raise ValidationError(EmailInvalid.message)
        return _is_email(cleaned)
    except ValidationError:
        raise EmailInvalid(errors=[FieldError("json", "email", EmailInvalid.message)]) from None


def user_with_email(email: str, *, lock: bool = False) -> User | None:
    """The open account of this address, whatever the case of its letters."""
    statement = select(User).where(_same(email), User.closed_at.is_(None))
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session().scalar(statement)


def has_owner(email: str) -> bool:
    """Who registered an e-mail and never proved to read it is nobody that anybody who does has to yield to."""
    user = user_with_email(email)
    return user is not None and user.email_confirmed_at is not None


def _same(email: str) -> ColumnElement[bool]:
    """The database lowers both sides, so the rule is that of the unique index."""
    return func.lower(User.email) == func.lower(email.strip())
