"""What the routes of accounts take and answer."""

from typing import Any

from marshmallow import fields, validate

from shop.auth.email_addresses import MAX_LENGTH
from shop.auth.models import ACTIVE, BLOCKED, BUYER, MANAGER, PENDING, SUPPLIER
from shop.auth.passwords import MAX_BYTES, MIN_CHARACTERS
from shop.http.fields import AnswerSchema, Flag, Identifier, Schema, Text

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

    EXAMPLE = {
        "email": "anna@buyer.example",
        "password": "correct horse battery",
        "first_name": "Анна",
        "last_name": "Петрова",
        "role": "buyer",
        "company": "Сеть «Пример»",
    }


class ConfirmEmailSchema(Schema):
    token = Text(required=True, blank=False, max_length=1000, metadata={"description": "From the link in the mail"})


class ResendConfirmationSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH, validate=validate.Email())


class LogInSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH)
    password = Password(required=True)
    otp = Text(
        load_default=None,
        max_length=50,
        metadata={"description": "Where the account has a second factor: a code of the app, or a recovery code"},
    )

    EXAMPLE = {"email": "anna@buyer.example", "password": "correct horse battery"}


class ChangePasswordSchema(Schema):
    present_password = Password(
        load_default=None, metadata={"description": "Where the account has none yet, log in again just before"}
    )
    new_password = Password(required=True)


class RequestPasswordResetSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH, validate=validate.Email())


class ResetPasswordSchema(Schema):
    token = Text(required=True, blank=False, max_length=1000, metadata={"description": "From the link in the mail"})
    password = Password(required=True)
    end_api_keys = Flag(
        load_default=False, metadata={"description": "End API keys and social log-ins, too, not only the sessions"}
    )


class MessageSchema(AnswerSchema):
    message = fields.String(required=True)


class AccessTokenSchema(AnswerSchema):
    access_token = fields.String(required=True, metadata={"description": "Cannot be read again; keep it secret"})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_at = fields.AwareDateTime(required=True)


class CompanySchema(AnswerSchema):
    id = Identifier(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf((BUYER, SUPPLIER)))
    status = fields.String(required=True, validate=validate.OneOf((PENDING, ACTIVE, BLOCKED)))


class UserSchema(AnswerSchema):
    id = Identifier(required=True)
    email = fields.Email(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf((BUYER, SUPPLIER, MANAGER)))
    position = fields.String(required=True, allow_none=True)
    locale = fields.String(required=True, validate=validate.OneOf(LOCALES))
    company = fields.Nested(CompanySchema, required=True, allow_none=True)
    is_owner = fields.Boolean(required=True, metadata={"description": "Of the company"})
    pending_email = fields.Email(
        required=True, allow_none=True, metadata={"description": "Takes the place of `email` when it is confirmed"}
    )
    has_second_factor = fields.Boolean(required=True)


class ChangeProfileSchema(Schema):
    first_name = Text(blank=False, max_length=100)
    last_name = Text(blank=False, max_length=100)
    position = Text(max_length=100, allow_none=True)
    locale = Text(validate=validate.OneOf(LOCALES), metadata={"description": "Language of mails"})
    email = Text(
        blank=False,
        max_length=MAX_LENGTH,
        validate=validate.Email(),
        metadata={"description": "Takes effect when the link mailed to it is opened; needs `password`"},
    )
    password = Password(metadata={"description": "The present password; only needed for another e-mail"})


class ProofSchema(Schema):
    """That the owner is asking, and nobody who found an open session."""

    password = Password(
        load_default=None,
        metadata={"description": "The present password; where the account has none, log in again just before"},
    )
