"""What a supplier's other systems hear of its lists by webhook."""

from marshmallow import fields, validate

from shop.database import session
from shop.http.fields import AnswerSchema, Identifier
from shop.price_lists.models import APPLIED, FAILED, HELD, MODES, STATES, PriceList
from shop.webhooks.enqueue import Notice
from shop.webhooks.event_types import TO_SUPPLIER, EventType, declare_event_types


class PriceListNoticeSchema(AnswerSchema):
    price_list_id = Identifier(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    mode = fields.String(required=True, validate=validate.OneOf(MODES))


declare_event_types(
    __name__,
    {
        f"price_list.{state}": EventType(summary, PriceListNoticeSchema, TO_SUPPLIER)
        for state, summary in (
            (APPLIED, "Your list is in the catalog"),
            (HELD, "Your list waits for somebody to look at it"),
            (FAILED, "Your list could not be imported"),
        )
    },
)


def list_notices(price_list_id: int, state: str) -> list[Notice]:
    """`state` as it was when the event happened; by now the list may have moved on."""
    found = session().get_one(PriceList, price_list_id)
    data = {"price_list_id": found.id, "state": state, "mode": found.mode}
    return [Notice(found.supplier_id, f"price_list.{state}", data)]
