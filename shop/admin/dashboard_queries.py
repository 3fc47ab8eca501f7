"""The figures of the first page, counted by SQL on the rows themselves: five statements, whatever there is."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, cast, exists, func, select

from shop.admin.filters import beginning_in
from shop.auth.models import ACTIVE, PENDING, SUPPLIER, Company
from shop.catalog.models import BOUND_KINDS, Offer, StockLevel
from shop.catalog.stock import AVAILABLE
from shop.database import now, session
from shop.mail.models import PARKED, MailMessage
from shop.orders.models import Order, OrderLine, SupplierOrder
from shop.orders.states import CANCELED, NEW, SENT, before
from shop.outbox.models import OutboxEvent
from shop.price_lists.models import HELD, PriceList
from shop.webhooks.models import FAILED, WebhookDelivery

DAYS, RECENT_DAYS = 30, 7
TOP_SUPPLIERS, TOP_OFFERS = 10, 10


def collect(zone: Any) -> dict[str, Any]:
    """JSON-ready. Days and months are those of the reader's time zone."""
    at = now()
    today = at.astimezone(zone).date()
    days = _days(today, zone)
    sold_out, most_wanted = _sold_out(at)
    waiting, oldest_event_at = _waiting(today, zone, at)
    return {
        "made_at": at.isoformat(),
        "today": days[-1],
        "month": _month(today, zone),
        "days": days,
        "suppliers": _suppliers(beginning_in(zone, today - timedelta(days=DAYS - 1))),
        "sold_out": most_wanted,
        "waiting": waiting | {"sold_out": sold_out},
        "oldest_event_at": oldest_event_at,
    }


def _days(today: date, zone: Any) -> list[dict[str, Any]]:
    """Each of the last DAYS, days without an order too."""
    first = today - timedelta(days=DAYS - 1)
    on = cast(func.timezone(str(zone), Order.created_at), Date)
    statement = (
        select(on.label("on"), func.count(), func.sum(Order.total))
        .where(Order.created_at >= beginning_in(zone, first), Order.state != CANCELED)
        .group_by(on)
    )
    found = {row[0]: row for row in session().execute(statement)}
    each = [first + timedelta(days=number) for number in range(DAYS)]
    return [
        {
            "on": each_day.isoformat(),
            "orders": found[each_day][1] if each_day in found else 0,
            "turnover": str(found[each_day][2]) if each_day in found else "0",
        }
        for each_day in each
    ]


def _month(today: date, zone: Any) -> dict[str, Any]:
    statement = select(func.count(), func.coalesce(func.sum(Order.total), 0)).where(
        Order.created_at >= beginning_in(zone, today.replace(day=1)), Order.state != CANCELED
    )
    orders, turnover = session().execute(statement).one()
    return {"orders": orders, "turnover": str(turnover)}


def _suppliers(begin: datetime) -> list[dict[str, Any]]:
    turnover = func.sum(SupplierOrder.total)
    statement = (
        select(Company.name, turnover)
        .join(SupplierOrder, SupplierOrder.supplier_id == Company.id)
        .join(Order, Order.id == SupplierOrder.order_id)
        .where(Order.created_at >= begin, SupplierOrder.state != CANCELED)
        .group_by(Company.id)
        .order_by(turnover.desc())
        .limit(TOP_SUPPLIERS)
    )
    return [{"name": name, "turnover": str(total)} for name, total in session().execute(statement)]


def recently_ordered(at: datetime) -> Select[*tuple[Any, ...]]:
    """Offers ordered lately of which nothing is left, where the supplier says how much there is."""
    return (
        select(
            Offer.id, Offer.name, Company.name.label("supplier"), func.sum(OrderLine.ordered_quantity).label("ordered")
        )
        .join(OrderLine, OrderLine.offer_id == Offer.id)
        .join(SupplierOrder, SupplierOrder.id == OrderLine.supplier_order_id)
        .join(Order, Order.id == SupplierOrder.order_id)
        .join(StockLevel, StockLevel.offer_id == Offer.id)
        .join(Company, Company.id == Offer.supplier_id)
        .where(
            Order.created_at >= at - timedelta(days=RECENT_DAYS),
            StockLevel.kind.in_(BOUND_KINDS),
            AVAILABLE == 0,
            Offer.is_listed,
        )
        .group_by(Offer.id, Company.id)
    )


def _sold_out(at: datetime) -> tuple[int, list[dict[str, Any]]]:
    """How many, and those ordered most."""
    statement = recently_ordered(at).add_columns(func.count().over().label("in_all"))
    rows = session().execute(statement.order_by(statement.selected_columns.ordered.desc()).limit(TOP_OFFERS)).all()
    most_wanted = [
        {"id": row.id, "name": row.name, "supplier": row.supplier, "ordered": str(row.ordered)} for row in rows
    ]
    return (rows[0].in_all if rows else 0), most_wanted


def _waiting(today: date, zone: Any, at: datetime) -> tuple[dict[str, int], str | None]:
    """One statement of many counts, and since when the oldest event waits."""
    came_today = exists().where(PriceList.supplier_id == Company.id, PriceList.created_at >= beginning_in(zone, today))
    counts = {
        "parts": _count(SupplierOrder.id, SupplierOrder.state == NEW),
        "late": _count(Order.id, Order.requested_delivery_on <= today, Order.state.in_(before(SENT))),
        "cut": select(func.count(SupplierOrder.order_id.distinct()))
        .join(OrderLine, OrderLine.supplier_order_id == SupplierOrder.id)
        .join(Order, Order.id == SupplierOrder.order_id)
        .where(Order.created_at >= at - timedelta(days=RECENT_DAYS), OrderLine.quantity < OrderLine.ordered_quantity),
        "missing": _count(
            Company.id, Company.kind == SUPPLIER, Company.status == ACTIVE, Company.accepts_orders, ~came_today
        ),
        "held": _count(PriceList.id, PriceList.state == HELD),
        "quarantined": _count(Offer.id, Offer.is_quarantined, Offer.is_listed),
        "companies": _count(Company.id, Company.status == PENDING),
        "mails": _count(MailMessage.id, MailMessage.state == PARKED),
        "webhooks": _count(
            WebhookDelivery.id,
            WebhookDelivery.state == FAILED,
            WebhookDelivery.created_at >= beginning_in(zone, today - timedelta(days=RECENT_DAYS)),
        ),
        "events": _count(OutboxEvent.id, OutboxEvent.parked_at.is_not(None), OutboxEvent.handled_at.is_(None)),
    }
    oldest = select(func.min(OutboxEvent.created_at)).where(
        OutboxEvent.handled_at.is_(None), OutboxEvent.parked_at.is_(None), OutboxEvent.created_at <= func.now()
    )
    columns = [statement.scalar_subquery().label(name) for name, statement in counts.items()]
    row = session().execute(select(*columns, oldest.scalar_subquery().label("oldest"))).one()
    oldest_at = row.oldest.isoformat() if row.oldest else None
    return {name: getattr(row, name) for name in counts}, oldest_at


def _count(key: Any, *conditions: Any) -> Select[*tuple[Any, ...]]:
    return select(func.count(key)).where(*conditions)
