"""What the routes of delivery points take and answer."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from shop.companies.contacts import CREATED, KNOWN, REFUSED
from shop.errors import FieldError
from shop.http.fields import AnswerSchema, Identifier, Schema, Text, UploadedFile


class CreateContactSchema(Schema):
    name = Text(required=True, blank=False, metadata={"description": "Name of the delivery point, or the shop's code"})
    city = Text(required=True, blank=False, max_length=100)
    street = Text(required=True, blank=False)
    house = Text(required=True, blank=False, max_length=50)
    structure = Text(load_default="", max_length=50)
    building = Text(load_default="", max_length=50)
    apartment = Text(load_default="", max_length=50)
    phone = Text(
        required=True, blank=False, max_length=50, metadata={"description": "Without a country code it is Russian"}
    )
    receiving_hours = Text(load_default="", metadata={"description": "When goods are taken in"})

    EXAMPLE = {
        "name": "Магазин 001",
        "city": "Москва",
        "street": "ул. Лесная",
        "house": "5",
        "phone": "8 (495) 123-45-67",
        "receiving_hours": "8:00-12:00",
    }


class ChangeContactSchema(Schema):
    """What is not stated stays as it is."""

    name = Text(blank=False)
    city = Text(blank=False, max_length=100)
    street = Text(blank=False)
    house = Text(blank=False, max_length=50)
    structure = Text(max_length=50)
    building = Text(max_length=50)
    apartment = Text(max_length=50)
    phone = Text(blank=False, max_length=50)
    receiving_hours = Text()


class DeliveryPointSchema(AnswerSchema):
    """Where goods go: of a contact, and as an order keeps it."""

    name = fields.String(required=True)
    city = fields.String(required=True)
    street = fields.String(required=True)
    house = fields.String(required=True)
    structure = fields.String(required=True)
    building = fields.String(required=True)
    apartment = fields.String(required=True)
    phone = fields.String(required=True, metadata={"description": "E.164: +74951234567"})
    receiving_hours = fields.String(required=True)
    address = fields.String(required=True, metadata={"description": "All of the address in one line"})


class ContactSchema(DeliveryPointSchema):
    id = Identifier(required=True)
    belongs_to = fields.String(
        required=True,
        validate=validate.OneOf(("user", "company")),
        metadata={"description": "user = your own, company = of all members"},
    )


class ContactsSchema(AnswerSchema):
    items = fields.List(fields.Nested(ContactSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ImportContactsSchema(Schema):
    file = UploadedFile(
        required=True,
        metadata={
            "description": "XLSX or CSV; its first row names the columns name, city, street, house, structure,"
            " building, apartment, phone, receiving_hours (or название, город, улица, дом, …)",
        },
    )


class RowErrorSchema(AnswerSchema):
    field = fields.String(required=True)
    message = fields.String(required=True)


class ImportedRowSchema(AnswerSchema):
    row = fields.Integer(required=True, metadata={"description": "As the spreadsheet program numbers it"})
    result = fields.String(
        required=True,
        validate=validate.OneOf((CREATED, KNOWN, REFUSED)),
        metadata={"description": "known: the same address is there already"},
    )
    contact_id = Identifier(required=True, allow_none=True)
    errors = fields.List(fields.Nested(RowErrorSchema), required=True)


class ImportReportSchema(AnswerSchema):
    created = fields.Integer(required=True)
    known = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    rows = fields.List(fields.Nested(ImportedRowSchema), required=True)


def load_row(values: Mapping[str, str]) -> dict[str, Any] | list[FieldError]:
    """A row of a file as a contact's fields, or what is wrong with it."""
    formulas = [name for name, value in values.items() if value.lstrip().startswith("=")]
    if formulas:
        return [FieldError("files", name, "Must not be a formula.") for name in formulas]
    try:
        loaded: dict[str, Any] = CreateContactSchema().load(values)
    except ValidationError as error:
        found: Any = error.messages
        return [FieldError("files", name, " ".join(map(str, messages))) for name, messages in found.items()]
    return loaded
