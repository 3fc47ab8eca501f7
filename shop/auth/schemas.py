"""What the routes of accounts and contacts take and answer."""

from typing import Any

from marshmallow import fields, validate

from shop.auth.emails import MAX_LENGTH
from shop.auth.models import BUYER, SUPPLIER
from shop.auth.passwords import MAX_BYTES, MIN_CHARACTERS
from shop.http.fields import AnswerSchema, Identifier, Schema, Text

LOCALES = ("ru", "en")


class Password(fields.String):
    """Neither trimmed nor changed: blanks belong to it. What makes it good enough is said by the story."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_only=True, validate=validate.Length(max=MAX_BYTES), **kwargs)


class RegisterSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH, validate=validate.Email())
    password = Password(
        required=True,
        metadata={"description": f"At least {MIN_CHARACTERS} characters of any kind, and not a common password"},
    )
    first_name = Text(required=True, blank=False, max_length=100)
    last_name = Text(required=True, blank=False, max_length=100)
    role = Text(required=True, validate=validate.OneOf((BUYER, SUPPLIER)))
    company = Text(required=True, blank=False, metadata={"description": "The company's name"})
    position = Text(load_default=None, max_length=100, metadata={"description": "What you are in the company"})
    locale = Text(load_default="ru", validate=validate.OneOf(LOCALES), metadata={"description": "Language of mails"})


class ConfirmEmailSchema(Schema):
    token = Text(required=True, blank=False, max_length=1000, metadata={"description": "From the link in the mail"})


class ResendConfirmationSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH, validate=validate.Email())


class LogInSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH)
    password = Password(required=True)


class MessageSchema(AnswerSchema):
    message = fields.String(required=True)


class AccessTokenSchema(AnswerSchema):
    access_token = fields.String(required=True, metadata={"description": "Cannot be read again; keep it secret"})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_at = fields.AwareDateTime(required=True)


class CompanySchema(AnswerSchema):
    id = Identifier(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    status = fields.String(required=True)


class UserSchema(AnswerSchema):
    id = Identifier(required=True)
    email = fields.String(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    role = fields.String(required=True)
    position = fields.String(required=True, allow_none=True)
    locale = fields.String(required=True)
    company = fields.Nested(CompanySchema, required=True, allow_none=True)


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


class ContactSchema(AnswerSchema):
    id = Identifier(required=True)
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


class ContactsSchema(AnswerSchema):
    items = fields.List(fields.Nested(ContactSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
