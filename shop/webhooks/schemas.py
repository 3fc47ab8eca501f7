"""What the routes of webhooks take and answer."""

from collections.abc import Sized
from typing import cast

from marshmallow import fields, validate

from shop.http.fields import AnswerSchema, CountedList, Flag, Identifier, Schema, Text
from shop.http.pagination import PageArgsSchema
from shop.webhooks.event_types import TEST, event_types
from shop.webhooks.models import STATES

LONGEST_URL = 500
ADDRESS = "Begins with https://, holds no user name and no password"


class OneOfTypes(validate.Validator):
    """The types are asked for with each value: packages above declare theirs after this module was read."""

    @property
    def choices(self) -> list[str]:
        return [name for name in event_types() if name != TEST]

    def __call__(self, value: str) -> str:
        return cast(str, validate.OneOf(self.choices)(value))


class NoMoreThanTypes(validate.Validator):
    """The same for their number."""

    min, equal = 1, None

    @property
    def max(self) -> int:
        return len(event_types())

    def __call__(self, value: Sized) -> Sized:
        return validate.Length(self.min, self.max)(value)


def _event_types(*, required: bool = False) -> CountedList:
    return CountedList(Text(validate=OneOfTypes()), required=required, length=NoMoreThanTypes())


class CreateWebhookSchema(Schema):
    url = Text(required=True, blank=False, max_length=LONGEST_URL, metadata={"description": ADDRESS})
    event_types = _event_types(required=True)
    description = Text(load_default="", max_length=200)


class ChangeWebhookSchema(Schema):
    url = Text(blank=False, max_length=LONGEST_URL, metadata={"description": ADDRESS})
    event_types = _event_types()
    description = Text(max_length=200)
    active = Flag(metadata={"description": "false = off for a while; what happens meanwhile is not sent later"})


class WebhookSchema(AnswerSchema):
    id = Identifier(required=True)
    url = fields.String(required=True)
    description = fields.String(required=True)
    event_types = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    off_at = fields.AwareDateTime(required=True, allow_none=True)
    off_reason = fields.String(
        required=True, allow_none=True, metadata={"description": "paused (by you), gone (410), failing (for days)"}
    )
    failing_since = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "The first failure since the last success"}
    )
    created_at = fields.AwareDateTime(required=True)


class CreatedWebhookSchema(WebhookSchema):
    secret = fields.String(required=True, metadata={"description": "To verify signatures; cannot be read again"})


class WebhooksSchema(AnswerSchema):
    items = fields.List(fields.Nested(WebhookSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RotatedSecretSchema(AnswerSchema):
    secret = fields.String(required=True, metadata={"description": "Cannot be read again"})
    old_secret_expires_at = fields.AwareDateTime(
        required=True, metadata={"description": "Until then every message carries a signature by the old one, too"}
    )


class AttemptSchema(AnswerSchema):
    started_at = fields.AwareDateTime(required=True)
    duration_ms = fields.Integer(required=True)
    status = fields.Integer(required=True, allow_none=True, metadata={"description": "Of the receiver's answer"})
    error = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "null = taken; unreachable, timeout, tls, not_http, redirect, refused (by its status), "
            "secret_lost (rotate the secret)"
        },
    )


class DeliveriesArgsSchema(PageArgsSchema):
    state = Text(load_default=None, validate=validate.OneOf(STATES))


class DeliverySchema(AnswerSchema):
    id = Identifier(required=True)
    message_id = fields.String(required=True, metadata={"description": "webhook-id, the same in every attempt"})
    event_type = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    data = fields.Dict(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    next_attempt_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(AttemptSchema), required=True, attribute="log")


class DeliveriesSchema(AnswerSchema):
    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
