"""The address book: delivery points of a person and of the whole company."""

from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from sqlalchemy import ColumnElement, false, func, or_, select

from shop.auth.models import Contact, User
from shop.db import session
from shop.errors import Conflict, FieldError, Invalid, NotFound

DEFAULT_REGION = "RU"


class ContactNotFound(NotFound):
    code = "ContactNotFound"
    message = "There is no such contact among yours and your company's."


class TooManyContacts(Conflict):
    code = "TooManyContacts"
    message = "You keep {limit} contacts already. Delete one that you do not need."


class PhoneInvalid(Invalid):
    code = "PhoneInvalid"
    message = "This is not a telephone number. Write it like +7 495 123-45-67."


def contacts_of(user: User) -> list[Contact]:
    """The user's own and those of the company, oldest first."""
    return list(session().scalars(select(Contact).where(_usable_by(user)).order_by(Contact.id)))


def find_contact(user: User, contact_id: int) -> Contact:
    """One of `contacts_of(user)`; anybody else's is as unknown as one that never was."""
    contact = session().scalar(select(Contact).where(Contact.id == contact_id, _usable_by(user)))
    if contact is None:
        raise ContactNotFound
    return contact


def create_contact(user: User, *, phone: str, limit: int, **address: Any) -> Contact:
    """A delivery point of the user's own; refuses with TooManyContacts, PhoneInvalid."""
    contact = Contact(user_id=user.id, phone=normalized_phone(phone), **address)
    # Two requests at once would both count one less than the limit. NO KEY: rows that point to the user do not wait.
    session().execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    if _own_contacts(user) >= limit:
        raise TooManyContacts(limit=limit)
    session().add(contact)
    session().flush()
    return contact


def delete_contact(user: User, contact_id: int) -> None:
    """Only of the user's own; orders keep their copy of the address."""
    contact = session().scalar(select(Contact).where(Contact.id == contact_id, Contact.user_id == user.id))
    if contact is None:
        raise ContactNotFound
    session().delete(contact)


def normalized_phone(text: str) -> str:
    """E.164, with " ext. 12" behind it where there is an extension; without a country code it is a Russian number."""
    try:
        number = phonenumbers.parse(text, DEFAULT_REGION)
    except NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise PhoneInvalid(errors=[FieldError("json", "phone", PhoneInvalid.message)])
    extension = f" ext. {number.extension}" if number.extension else ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) + extension


def _usable_by(user: User) -> ColumnElement[bool]:
    of_company = Contact.company_id == user.company_id if user.company_id else false()
    return or_(Contact.user_id == user.id, of_company)


def _own_contacts(user: User) -> int:
    return session().scalars(select(func.count()).where(Contact.user_id == user.id)).one()
