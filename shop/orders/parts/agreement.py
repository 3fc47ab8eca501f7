"""Agreeing to the total of a part whose VAT came on top later: the buyer does, or a manager on the buyer's behalf."""

from decimal import Decimal

from shop.auth.models import MANAGER
from shop.auth.tokens import Acting
from shop.database import session
from shop.errors import FieldError, Invalid
from shop.money import money_text
from shop.orders.errors import NothingToAgree, TotalChanged
from shop.orders.models import OrderEvent
from shop.orders.parts.default_rates import add_default_rates
from shop.orders.parts.lifecycle import roll_up
from shop.orders.parts.row_locks import lock_part
from shop.orders.states import NEW


def agree_total(part_id: int, *, total: Decimal, by: Acting, reason: str = "", version: int | None = None) -> None:
    """`total` is what was shown as the part's `total_to_agree`; from now on it is the total. Once."""
    if by.role == MANAGER and not reason:
        raise Invalid(errors=[FieldError("json", "reason", "Say how the buyer has agreed.")])
    part = lock_part(part_id, by=by, version=version)
    placed = part.total
    if part.state != NEW or not add_default_rates([part]) or part.total == placed:
        raise NothingToAgree(state=part.state, total=money_text(placed))
    if part.total != total:
        raise TotalChanged(total=money_text(part.total), stated=money_text(total))
    words = f"{money_text(placed)} → {money_text(part.total)}"
    session().add(
        OrderEvent(
            order_id=part.order_id,
            supplier_order_id=part.id,
            user_id=by.id,
            from_state=NEW,
            to_state=NEW,
            reason=f"{words} ({reason})" if reason else words,
        )
    )
    roll_up(part.order)
