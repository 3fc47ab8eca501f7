"""Delivery points: your own and your company's."""

from collections import Counter
from typing import Any

import marshmallow as ma
from flask import url_for

from shop.auth.access import authenticated, current_company, current_user, only
from shop.auth.models import BUYER, SUPPLIER
from shop.auth.routes.blueprint import blueprint
from shop.companies import contact_files
from shop.companies import contacts as address_book
from shop.companies.approval import OwnerOnly
from shop.companies.contact_schemas import (
    ChangeContactSchema,
    ContactSchema,
    ContactsSchema,
    CreateContactSchema,
    ImportContactsSchema,
    ImportReportSchema,
    load_row,
)
from shop.companies.models import Contact
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import LOCATION, refuses
from shop.http.throttling import per_upload


@blueprint.route("/contacts", methods=["GET"])
@authenticated("contacts:read")
@blueprint.response(200, ContactsSchema)
def contacts() -> dict[str, Any]:
    """List the delivery points that you can order to

    Your own and your company's, all on one page.
    """
    return {"items": address_book.contacts_of(current_user()), "next_cursor": None}


@blueprint.route("/contacts", methods=["POST"])
@authenticated("contacts:write")
@refuses(address_book.TooManyContacts, address_book.PhoneInvalid)
@blueprint.arguments(CreateContactSchema)
@blueprint.response(201, ContactSchema, headers=LOCATION)
def create_contact(body: dict[str, Any]) -> tuple[Contact, dict[str, str]]:
    """Add a delivery point of your own

    Only you can order to it. How many you may have is limited (409 `TooManyContacts`); a company's have a limit of
    their own.
    """
    with transaction():
        contact = address_book.create_contact(current_user(), limit=current_settings().max_contacts_per_user, **body)
    return contact, {"Location": url_for("auth.find_contact", contact_id=contact.id)}


@blueprint.route("/contacts/<id:contact_id>", methods=["GET"])
@authenticated("contacts:read")
@refuses(address_book.ContactNotFound)
@blueprint.response(200, ContactSchema)
def find_contact(contact_id: int) -> Contact:
    """See one delivery point

    One of your own or of your company's; any other id is an unknown one.
    """
    return address_book.find_contact(current_user(), contact_id)


@blueprint.route("/contacts/<id:contact_id>", methods=["PATCH"])
@authenticated("contacts:write")
@refuses(address_book.ContactNotFound, OwnerOnly, address_book.PhoneInvalid)
@blueprint.arguments(ChangeContactSchema)
@blueprint.response(200, ContactSchema)
def change_contact(body: dict[str, Any], contact_id: int) -> Contact:
    """Change a delivery point of your own, or as the owner one of the company's; what is not stated stays.

    Orders keep the address that they were placed with.
    """
    with transaction():
        return address_book.change_contact(current_user(), contact_id, **body)


@blueprint.route("/contacts/<id:contact_id>", methods=["DELETE"])
@authenticated("contacts:write")
@refuses(address_book.ContactNotFound, OwnerOnly)
@blueprint.response(204)
def delete_contact(contact_id: int) -> None:
    """Delete a delivery point

    One of your own, or as the owner one of the company's. Orders keep their copy of it.
    """
    with transaction():
        address_book.delete_contact(current_user(), contact_id)


@blueprint.route("/company/contacts", methods=["POST"])
@only(BUYER, SUPPLIER, scope="contacts:write")
@refuses(OwnerOnly, address_book.TooManyContacts, address_book.PhoneInvalid)
@blueprint.arguments(CreateContactSchema)
@blueprint.response(201, ContactSchema, headers=LOCATION)
def create_company_contact(body: dict[str, Any]) -> tuple[Contact, dict[str, str]]:
    """Add a delivery point of your company; for its owner

    All members of the company can order to it. How many there may be is limited (409 `TooManyContacts`).
    """
    with transaction():
        contact = address_book.create_company_contact(
            current_company(), by=current_user(), limit=current_settings().max_contacts_per_company, **body
        )
    return contact, {"Location": url_for("auth.find_contact", contact_id=contact.id)}


@blueprint.route("/company/contacts/import", methods=["POST"])
@only(BUYER, SUPPLIER, scope="contacts:write")
@per_upload
@refuses(OwnerOnly, contact_files.FileUnreadable, contact_files.FileTooLong, contact_files.ColumnsMissing)
@blueprint.arguments(ImportContactsSchema, location="files", unknown=ma.RAISE)
@blueprint.response(200, ImportReportSchema)
def import_contacts(files: dict[str, Any]) -> dict[str, Any]:
    """Add many delivery points of your company from an XLSX or CSV file; for its owner.

    Good rows are taken, the report says of each row what became of it. A file sent again adds nothing.
    """
    rows = contact_files.read_contacts(files["file"].read())
    with transaction():
        report = address_book.import_contacts(
            current_company(), rows, load=load_row, limit=current_settings().max_contacts_per_company, by=current_user()
        )
        counts = Counter(row.result for row in report)
        return {name: counts[name] for name in ("created", "known", "refused")} | {"rows": report}
