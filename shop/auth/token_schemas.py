"""What the routes of sessions, API keys and the second factor take and answer."""

from datetime import UTC, datetime, timedelta

from marshmallow import ValidationError, fields

from shop.database import now
from shop.http.fields import AnswerSchema, CountedList, Identifier, Schema, Text

LONGEST_LIFE = timedelta(days=3650)


class SessionSchema(AnswerSchema):
    id = Identifier(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "To a few minutes"})
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    opened_from = fields.String(required=True, allow_none=True, metadata={"description": "The address it came from"})
    user_agent = fields.String(required=True, allow_none=True)
    is_current = fields.Boolean(required=True, metadata={"description": "Is it the one that asks?"})


class SessionsSchema(AnswerSchema):
    items = fields.List(fields.Nested(SessionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _is_near(moment: datetime) -> None:
    """Near in every time zone: a year 9999 with an offset is beyond what can be read again."""
    if moment.replace(tzinfo=UTC) > now() + LONGEST_LIFE:
        raise ValidationError("Must be within ten years; null = never.")


class CreateApiKeySchema(Schema):
    name = Text(required=True, blank=False, max_length=100, metadata={"description": "What the key is for"})
    scopes = CountedList(
        Text(blank=False, max_length=50),
        required=True,
        min_length=1,
        max_length=50,
        metadata={"description": "What the key may do, at most what you may do yourself. GET scopes lists them"},
    )
    expires_at = fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        validate=_is_near,
        metadata={"description": "Within ten years; null = never"},
    )

    EXAMPLE = {"name": "Order robot", "scopes": ["catalog:read", "basket:write", "orders:write"]}


class ApiKeySchema(AnswerSchema):
    id = Identifier(required=True)
    name = fields.String(required=True)
    prefix = fields.String(required=True, metadata={"description": "The first characters of the key"})
    scopes = fields.List(fields.String(), required=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "To a few minutes"})
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class CreatedApiKeySchema(ApiKeySchema):
    api_key = fields.String(required=True, metadata={"description": "Cannot be read again; send it like a token"})


class ApiKeysSchema(AnswerSchema):
    items = fields.List(fields.Nested(ApiKeySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ScopeSchema(AnswerSchema):
    scope = fields.String(required=True)
    operations = fields.List(fields.String(), required=True, metadata={"description": "Their operationIds"})


class ScopesSchema(AnswerSchema):
    items = fields.List(fields.Nested(ScopeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OtpSchema(Schema):
    otp = Text(required=True, blank=False, max_length=50, metadata={"description": "A code of the app"})


class TotpSchema(AnswerSchema):
    secret = fields.String(required=True, metadata={"description": "To type into the app; cannot be read again"})
    otpauth_uri = fields.String(required=True, metadata={"format": "uri", "description": "The same for a QR code"})


class RecoveryCodesSchema(AnswerSchema):
    recovery_codes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Each stands in for the app once; cannot be read again"},
    )
