"""Locking an order for a move: its rows are read once, and who moves something of it waits for who did so first."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from shop.auth.tokens import Acting
from shop.database import session
from shop.http.preconditions import check_version
from shop.orders.errors import OrderNotFound, SupplierOrderNotFound
from shop.orders.models import Order, SupplierOrder
from shop.orders.queries import is_visible, is_visible_part


def lock_order(order_id: int, *, by: Acting, version: int | None = None) -> Order:
    """The order with its parts, their suppliers and lines; somebody else's looks like an unknown one.

    `version` is what the caller saw; when the order has moved on since, it is refused as Stale.
    """
    order = _locked(Order.id == order_id, is_visible(by))
    if order is None:
        raise OrderNotFound
    check_version(order.version, version)
    return order


def lock_part(part_id: int, *, by: Acting, version: int | None = None) -> SupplierOrder:
    """The same for one part: all of its order is locked with it, as the order's state follows from all of them."""
    its_order = select(SupplierOrder.order_id).where(SupplierOrder.id == part_id, is_visible_part(by))
    order = _locked(Order.id == its_order.scalar_subquery())
    if order is None:
        raise SupplierOrderNotFound
    check_version(order.version, version)
    return next(part for part in order.parts if part.id == part_id)


def _locked(*conditions: ColumnElement[bool]) -> Order | None:
    """The order before its parts, as everywhere. What the session has read of them before is read again."""
    statement = select(Order).where(*conditions).with_for_update()
    order = session().scalar(statement.execution_options(populate_existing=True))
    if order is None:
        return None
    parts = (
        select(SupplierOrder)
        .where(SupplierOrder.order_id == order.id)
        .order_by(SupplierOrder.id)
        .with_for_update(of=SupplierOrder)
        .options(joinedload(SupplierOrder.supplier, innerjoin=True), selectinload(SupplierOrder.lines))
    )
    found = session().scalars(parts.execution_options(populate_existing=True)).all()
    set_committed_value(order, "parts", list(found))
    for part in found:
        set_committed_value(part, "order", order)
    return order
