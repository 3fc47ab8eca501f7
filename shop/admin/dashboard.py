"""The first page: how the day goes, and what waits for somebody."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from flask import current_app, url_for
from flask_admin import AdminIndexView

from shop.admin import charts
from shop.admin.access_guard import PREFIX
from shop.admin.base import DeskView, expose
from shop.admin.charts import Bar
from shop.admin.dashboard_queries import RECENT_DAYS, collect
from shop.admin.formats import day, money, number, zone
from shop.database import now
from shop.http.caching import remembered
from shop.translations import later, t

REMEMBERED_SECONDS = 60

LATELY = "a week ago"

# What waits: the figure's name, its words, the endpoint and the filters of its list.
WAITING: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("parts", "parts of orders not confirmed", "admin_orders.index_view", {"waiting": "1"}),
    ("late", "orders due and not sent", "admin_orders.index_view", {"late": "1"}),
    ("cut", "orders cut in 7 days", "admin_orders.index_view", {"cut": "1", "since": LATELY}),
    ("missing", "suppliers without a price list today", "admin_suppliers.index_view", {"missing": "1"}),
    ("held", "price lists held", "admin_price_lists.index_view", {"state": "held"}),
    ("quarantined", "offers in quarantine", "admin_offers.index_view", {"quarantined": "1"}),
    ("sold_out", "goods sold out though ordered", "admin_offers.index_view", {"sold_out": "1"}),
    ("companies", "companies to approve", "admin_companies.index_view", {"status": "pending"}),
    ("mails", "mails parked", "admin_mails.index_view", {"state": "parked"}),
    ("webhooks", "webhooks not taken in 7 days", "admin_deliveries.index_view", {"state": "failed", "since": LATELY}),
    ("events", "events parked", "admin_events.index_view", {"parked": "1"}),
)


class DashboardView(DeskView, AdminIndexView):  # type: ignore[misc]
    title, group, slug = "Desk", "Desk", "desk"

    def __init__(self) -> None:
        AdminIndexView.__init__(self, name=later("Desk"), category="Desk", endpoint="admin", url=PREFIX)

    @expose("/")
    def index(self) -> Any:
        place = zone()
        figures = orjson.loads(
            remembered(
                f"admin:figures:{place}",
                lambda: orjson.dumps(collect(place), default=str).decode(),
                seconds=REMEMBERED_SECONDS,
            )
        )
        return self.render(
            "desk/dashboard.html",
            figures=figures,
            made_at=datetime.fromisoformat(figures["made_at"]),
            tiles=list(_tiles(figures)),
            lag=_lag(figures["oldest_event_at"]),
            waiting=list(_waiting(figures["waiting"])),
            days=charts.bars(t("Turnover per day, 30 days"), list(_days(figures["days"]))),
            suppliers=charts.rows(
                t("Turnover per supplier, 30 days"),
                list(_suppliers(figures["suppliers"], since=figures["days"][0]["on"])),
            ),
        )


def _tiles(figures: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Title, figures, and the orders that they count."""
    today = date.fromisoformat(figures["today"]["on"])
    for title, row, begin in (
        (t("Today"), figures["today"], today),
        (t("This month"), figures["month"], today.replace(day=1)),
    ):
        yield title, row, url_for("admin_orders.index_view", since=begin.isoformat(), standing="1")


def _waiting(counts: dict[str, int]) -> Iterator[tuple[int, str, str]]:
    """Count, words and address; a list that there is no view for yet stays without a link."""
    lately = (now().astimezone(zone()) - timedelta(days=RECENT_DAYS)).date().isoformat()
    for name, label, endpoint, filters in WAITING:
        if counts[name]:
            narrowed = {key: lately if value == LATELY else value for key, value in filters.items()}
            is_there = endpoint in current_app.view_functions
            yield counts[name], t(label), url_for(endpoint, _external=False, **narrowed) if is_there else ""


def _days(rows: list[dict[str, Any]]) -> Iterator[Bar]:
    for row in rows:
        on, turnover = date.fromisoformat(row["on"]), Decimal(row["turnover"])
        title = t("{day}: {sum}, orders: {orders}", day=day(on), sum=money(turnover), orders=row["orders"])
        address = url_for("admin_orders.index_view", since=on.isoformat(), until=on.isoformat(), standing="1")
        yield Bar(f"{on:%d.%m}", turnover, title, address, shown=_rubles(turnover))


def _suppliers(rows: list[dict[str, Any]], *, since: str) -> Iterator[Bar]:
    for row in rows:
        turnover = Decimal(row["turnover"])
        title = t("{name}: {sum}", name=row["name"], sum=money(turnover))
        address = url_for("admin_orders.index_view", supplier=row["name"], since=since, standing="1")
        yield Bar(_short(row["name"]), turnover, title, address, shown=_rubles(turnover))


def _rubles(amount: Decimal) -> str:
    return f"{number(round(amount))}\u00a0₽"


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"


def _lag(oldest: str | None) -> int | None:
    """Seconds; relays and workers usually need less than one."""
    return None if oldest is None else int((now() - datetime.fromisoformat(oldest)).total_seconds())
