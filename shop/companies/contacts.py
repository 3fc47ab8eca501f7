"""The address book: delivery points of a person and of the whole company."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from sqlalchemy import ColumnElement, Select, bindparam, false, func, or_, select

from shop.auth.models import Company, User
from shop.auth.security_notices import log
from shop.auth.tokens import Acting
from shop.companies.approval import require_owner
from shop.companies.models import Contact
from shop.database import session
from shop.errors import Conflict, FieldError, Invalid, NotFound

DEFAULT_REGION = "RU"
ADDRESS = ("name", "city", "street", "house", "structure", "building", "apartment")

CREATED, KNOWN, REFUSED = "created", "known", "refused"


class ContactNotFound(NotFound):
    code = "ContactNotFound"
    message = "There is no such contact among yours and your company's."


class TooManyContacts(Conflict):
    code = "TooManyContacts"
    message = "There are {limit} contacts already. Delete one that is not needed."


class PhoneInvalid(Invalid):
    code = "PhoneInvalid"
    message = "This is not a telephone number. Write it like +7 495 123-45-67."


@dataclass
class ImportedRow:
    """What became of one row of a file: created, known (the same address is there already) or refused."""

    row: int
    result: str
    contact: Contact | None = None
    errors: list[FieldError] = field(default_factory=list)

    @property
    def contact_id(self) -> int | None:
        return self.contact.id if self.contact else None


def contacts_of(user: User) -> list[Contact]:
    """The user's own and those of the company, oldest first."""
    return list(session().scalars(select(Contact).where(_usable_by(user)).order_by(Contact.id)))


def find_contact(user: Acting, contact_id: int) -> Contact:
    """One of `contacts_of(user)`; anybody else's is as unknown as one that never was."""
    wanted = {"contact_id": contact_id, "user_id": user.id, "company_id": user.company_id}
    contact = session().scalar(_select_contact(), wanted)
    if contact is None:
        raise ContactNotFound
    return contact


def create_contact(user: User, *, phone: str, limit: int, **address: Any) -> Contact:
    """A delivery point of the user's own; refuses with TooManyContacts, PhoneInvalid."""
    contact = Contact(user_id=user.id, phone=normalized_phone(phone), **address)
    # Two requests at once would both count one less than the limit. NO KEY: rows that point to the user do not wait.
    session().execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    if _count(Contact.user_id == user.id) >= limit:
        raise TooManyContacts(limit=limit)
    session().add(contact)
    session().flush()
    return contact


def create_company_contact(company: Company, *, by: User, phone: str, limit: int, **address: Any) -> Contact:
    """A delivery point that all members order to; the owner keeps these."""
    require_owner(by)
    contact = Contact(company_id=company.id, phone=normalized_phone(phone), **address)
    _lock(company)
    if _count(Contact.company_id == company.id) >= limit:
        raise TooManyContacts(limit=limit)
    session().add(contact)
    session().flush()
    return contact


def change_contact(user: User, contact_id: int, **changes: Any) -> Contact:
    """One's own, or as the owner one of the company's; orders keep the address that they were placed with."""
    contact = _to_be_changed(user, contact_id)
    if "phone" in changes:
        changes["phone"] = normalized_phone(changes["phone"])
    for name, value in changes.items():
        setattr(contact, name, value)
    session().flush()
    return contact


def delete_contact(user: User, contact_id: int) -> None:
    """One's own, or as the owner one of the company's; orders keep their copy of the address."""
    session().delete(_to_be_changed(user, contact_id))


def import_contacts(
    company: Company,
    rows: Iterable[tuple[int, Mapping[str, str] | list[FieldError]]],
    *,
    load: Callable[[Mapping[str, str]], dict[str, Any] | list[FieldError]],
    limit: int,
    by: User,
) -> list[ImportedRow]:
    """Takes every good row, and says of each what became of it. A file sent again adds nothing."""
    require_owner(by)
    _lock(company)
    known = {_key(contact): contact for contact in session().scalars(select(Contact).filter_by(company_id=company.id))}
    loaded = ((number, values if isinstance(values, list) else load(values)) for number, values in rows)
    report = [_import(company, number, contact, known, limit) for number, contact in loaded]
    session().flush()
    created = sum(row.result == CREATED for row in report)
    log.info("contacts_imported", company_id=company.id, by=by.id, rows=len(report), created=created)
    return report


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


def _import(
    company: Company,
    number: int,
    loaded: dict[str, Any] | list[FieldError],
    known: dict[tuple[str, ...], Contact],
    limit: int,
) -> ImportedRow:
    if isinstance(loaded, list):
        return ImportedRow(number, REFUSED, errors=loaded)
    try:
        contact = Contact(company_id=company.id, **loaded | {"phone": normalized_phone(loaded["phone"])})
    except PhoneInvalid as refusal:
        return ImportedRow(number, REFUSED, errors=refusal.errors)
    if found := known.get(_key(contact)):
        return ImportedRow(number, KNOWN, found)
    if len(known) >= limit:
        return ImportedRow(number, REFUSED, errors=[FieldError("files", "", TooManyContacts(limit=limit).detail)])
    known[_key(contact)] = contact
    session().add(contact)
    return ImportedRow(number, CREATED, contact)


def _key(contact: Contact) -> tuple[str, ...]:
    return tuple((getattr(contact, name) or "").casefold() for name in ADDRESS)


def _to_be_changed(user: User, contact_id: int) -> Contact:
    contact = find_contact(user, contact_id)
    if contact.company_id is not None:
        require_owner(user)
    return contact


@cache
def _select_contact() -> Select[Contact]:
    """Put together once: it is read with every order."""
    is_own = Contact.user_id == bindparam("user_id")
    is_shared = Contact.company_id == bindparam("company_id")  # nobody shares with those of no company
    return select(Contact).where(Contact.id == bindparam("contact_id"), is_own | is_shared)


def _usable_by(user: Acting) -> ColumnElement[bool]:
    of_company = Contact.company_id == user.company_id if user.company_id else false()
    return or_(Contact.user_id == user.id, of_company)


def _lock(company: Company) -> None:
    """Two requests at once would both count one less than the limit. NO KEY: rows that point to it do not wait."""
    session().execute(select(Company.id).where(Company.id == company.id).with_for_update(key_share=True))


def _count(owned: ColumnElement[bool]) -> int:
    return session().scalars(select(func.count()).select_from(Contact).where(owned)).one()
