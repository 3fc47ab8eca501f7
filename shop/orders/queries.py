"""Reading orders: who may see which, lists as finished columns, one order with all that belongs to it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, false, func, select, true
from sqlalchemy.orm import joinedload, selectinload, undefer

from shop.auth.models import BUYER, MANAGER, Company, User
from shop.db import session
from shop.orders.models import Invoice, Order, OrderEvent, SupplierOrder
from shop.orders.refusals import InvoiceNotFound, OrderNotFound


def find_order(order_id: int, *, by: User) -> Order:
    """The order with parts, lines and suppliers; somebody else's looks like an unknown one."""
    statement = (
        select(Order)
        .where(Order.id == order_id, _is_visible(by))
        .options(
            selectinload(Order.parts).selectinload(SupplierOrder.lines),
            selectinload(Order.parts).joinedload(SupplierOrder.supplier, innerjoin=True),
        )
    )
    order = session().scalar(statement)
    if order is None:
        raise OrderNotFound
    return order


def history_of(order: Order) -> Sequence[OrderEvent]:
    return session().scalars(select(OrderEvent).filter_by(order_id=order.id).order_by(OrderEvent.id)).all()


def invoices_of(order: Order) -> Sequence[Invoice]:
    statement = (
        select(Invoice)
        .join(SupplierOrder, SupplierOrder.id == Invoice.supplier_order_id)
        .where(SupplierOrder.order_id == order.id)
        .order_by(Invoice.id)
        .options(joinedload(Invoice.part, innerjoin=True).joinedload(SupplierOrder.supplier, innerjoin=True))
    )
    return session().scalars(statement).all()


def find_invoice(invoice_id: int, *, by: User) -> Invoice:
    statement = (
        select(Invoice)
        .join(SupplierOrder, SupplierOrder.id == Invoice.supplier_order_id)
        .join(Order, Order.id == SupplierOrder.order_id)
        .where(Invoice.id == invoice_id, _is_visible(by) | (SupplierOrder.supplier_id == by.company_id))
        .options(undefer(Invoice.data))
    )
    invoice = session().scalar(statement)
    if invoice is None:
        raise InvoiceNotFound
    return invoice


def page_of_orders(
    by: User, *, state: str | None, client_reference: str | None, before_id: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Newest first, `limit` + 1 rows, in one statement."""
    statement = _order_rows().where(_is_visible(by)).order_by(Order.id.desc()).limit(limit + 1)
    if state is not None:
        statement = statement.where(Order.state == state)
    if client_reference is not None:
        statement = statement.where(Order.client_reference == client_reference)
    if before_id is not None:
        statement = statement.where(Order.id < before_id)
    return session().execute(statement).all()


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
            Order.currency,
            Order.subtotal,
            Order.delivery_total,
            Order.vat_total,
            Order.total,
            Order.created_at,
            suppliers.c.names.label("suppliers"),
        )
        .select_from(Order)
        .join(suppliers, true())
    )


def _is_visible(by: User) -> ColumnElement[bool]:
    """A manager sees all orders, a buyer those of the company; a supplier's view of its parts is another list."""
    if by.role == MANAGER:
        return true()
    return Order.company_id == by.company_id if by.role == BUYER else false()
