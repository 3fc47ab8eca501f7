"""Reading orders: who may see which, lists as finished columns, one order with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, cast, false, func, select, true
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload, undefer

from shop.auth.models import BUYER, MANAGER, SUPPLIER, Company
from shop.auth.tokens import Acting
from shop.database import session
from shop.orders.errors import InvoiceNotFound, OrderNotFound, SupplierOrderNotFound
from shop.orders.models import Invoice, Order, SupplierOrder

Buyer, Supplier = aliased(Company), aliased(Company)


def find_order(order_id: int, *, by: Acting) -> Order:
    """The order with parts, lines and suppliers; somebody else's looks like an unknown one."""
    statement = (
        select(Order)
        .where(Order.id == order_id, is_visible(by))
        .options(
            selectinload(Order.parts).selectinload(SupplierOrder.lines),
            selectinload(Order.parts).joinedload(SupplierOrder.supplier, innerjoin=True),
        )
    )
    order = session().scalar(statement)
    if order is None:
        raise OrderNotFound
    return order


def invoices_of(order: Order) -> Sequence[Invoice]:
    statement = (
        select(Invoice)
        .join(SupplierOrder, SupplierOrder.id == Invoice.supplier_order_id)
        .where(SupplierOrder.order_id == order.id)
        .order_by(Invoice.id)
        .options(joinedload(Invoice.part, innerjoin=True).joinedload(SupplierOrder.supplier, innerjoin=True))
    )
    return session().scalars(statement).all()


def find_invoice(invoice_id: int, *, by: Acting) -> Invoice:
    statement = (
        select(Invoice)
        .join(SupplierOrder, SupplierOrder.id == Invoice.supplier_order_id)
        .join(Order, Order.id == SupplierOrder.order_id)
        .where(Invoice.id == invoice_id, is_visible(by) | (SupplierOrder.supplier_id == by.company_id))
        .options(undefer(Invoice.data), undefer(Invoice.paper))
    )
    invoice = session().scalar(statement)
    if invoice is None:
        raise InvoiceNotFound
    return invoice


@dataclass(frozen=True)
class OrderFilter:
    """What a list is narrowed to; days are whole days in UTC."""

    state: str | None = None
    supplier_id: int | None = None
    client_reference: str | None = None
    from_day: date | None = None
    to_day: date | None = None
    user_id: int | None = None

    def conditions(self, state: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """`state` is the column that the list shows: the order's or the part's."""
        wanted: list[ColumnElement[bool] | None] = [
            state == self.state if self.state else None,
            Order.user_id == self.user_id if self.user_id else None,
            Order.client_reference == self.client_reference if self.client_reference else None,
            Order.created_at >= _begin(self.from_day) if self.from_day else None,
            Order.created_at < _begin(self.to_day) + timedelta(days=1) if self.to_day else None,
        ]
        return [condition for condition in wanted if condition is not None]


def page_of_orders(by: Acting, wanted: OrderFilter, *, before_id: int | None, limit: int) -> Sequence[Row[Any]]:
    """Newest first, `limit` + 1 rows, in one statement."""
    statement = _order_rows().where(is_visible(by), *wanted.conditions(Order.state.expression))
    if wanted.supplier_id is not None:
        parts_of = select(SupplierOrder.id).where(
            SupplierOrder.order_id == Order.id, SupplierOrder.supplier_id == wanted.supplier_id
        )
        statement = statement.where(parts_of.exists())
    if before_id is not None:
        statement = statement.where(Order.id < before_id)
    return session().execute(statement.order_by(Order.id.desc()).limit(limit + 1)).all()


def page_of_parts(by: Acting, wanted: OrderFilter, *, before_id: int | None, limit: int) -> Sequence[Row[Any]]:
    """The suppliers' side: one's own parts (a manager: all), newest first, `limit` + 1 rows, in one statement."""
    statement = _part_rows().where(is_visible_part(by), *wanted.conditions(SupplierOrder.state.expression))
    if wanted.supplier_id is not None:
        statement = statement.where(SupplierOrder.supplier_id == wanted.supplier_id)
    if before_id is not None:
        statement = statement.where(SupplierOrder.id < before_id)
    return session().execute(statement.order_by(SupplierOrder.id.desc()).limit(limit + 1)).all()


def find_part(part_id: int, *, by: Acting) -> SupplierOrder:
    """The part with its order, lines and supplier; somebody else's looks like an unknown one."""
    statement = (
        select(SupplierOrder)
        .join(SupplierOrder.order)
        .where(SupplierOrder.id == part_id, is_visible_part(by))
        .options(
            contains_eager(SupplierOrder.order).joinedload(Order.company, innerjoin=True),
            joinedload(SupplierOrder.supplier, innerjoin=True),
            selectinload(SupplierOrder.lines),
        )
    )
    part = session().scalar(statement)
    if part is None:
        raise SupplierOrderNotFound
    return part


@cache
def _order_rows() -> Select[*tuple[Any, ...]]:
    suppliers = (
        select(func.array_agg(Company.name).label("names"))
        .select_from(SupplierOrder)
        .join(Company, Company.id == SupplierOrder.supplier_id)
        .where(SupplierOrder.order_id == Order.id)
        .lateral("suppliers")
    )
    return (
        select(
            Order.id,
            Order.number,
            Order.state,
            Order.comment,
            Order.client_reference,
            Order.requested_delivery_on,
            Order.currency,
            _shown(Order.subtotal),
            _shown(Order.delivery_total),
            _shown(Order.vat_total),
            _shown(Order.total),
            Order.created_at,
            suppliers.c.names.label("suppliers"),
        )
        .select_from(Order)
        .join(suppliers, true())
    )


@cache
def _part_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            SupplierOrder.id,
            SupplierOrder.order_id,
            Order.number.label("order_number"),
            SupplierOrder.supplier_id,
            Supplier.name.label("supplier"),
            Buyer.name.label("buyer"),
            SupplierOrder.state,
            Order.client_reference,
            Order.requested_delivery_on,
            Order.currency,
            _shown(SupplierOrder.subtotal),
            _shown(SupplierOrder.delivery_fee),
            _shown(SupplierOrder.vat_total),
            _shown(SupplierOrder.total),
            Order.created_at,
        )
        .join(Order, Order.id == SupplierOrder.order_id)
        .join(Supplier, Supplier.id == SupplierOrder.supplier_id)
        .join(Buyer, Buyer.id == Order.company_id)
    )


def _shown(amount: Any) -> ColumnElement[str]:
    """A sum as answers show it: the database writes it with its two decimals."""
    return cast(amount, Text).label(amount.key)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def is_visible(by: Acting) -> ColumnElement[bool]:
    """A manager sees all orders, a buyer those of the company; a supplier's view of its parts is another list."""
    if by.role == MANAGER:
        return true()
    return Order.company_id == by.company_id if by.role == BUYER else false()


def is_visible_part(by: Acting) -> ColumnElement[bool]:
    """A supplier sees its own parts and nothing else of an order."""
    return SupplierOrder.supplier_id == by.company_id if by.role == SUPPLIER else is_visible(by)
