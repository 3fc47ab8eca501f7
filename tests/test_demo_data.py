"""The demo data load through the product's own stories, once, and never in production."""

from flask import Flask
from sqlalchemy import func, select

from shop.auth.models import Company, User
from shop.catalog.models import Offer, StockLevel
from shop.catalog.price_lists.models import PriceListIssue
from shop.cli.demo import loading
from shop.db import session
from shop.orders.models import Invoice, Order, OrderLine, SupplierOrder

RESERVED = """
SELECT count(*) FROM stock_levels
LEFT JOIN (
    SELECT offer_id, sum(quantity) AS quantity FROM order_lines
    JOIN supplier_orders ON supplier_orders.id = supplier_order_id
    WHERE state IN ('new', 'confirmed', 'assembled') GROUP BY offer_id
) AS open USING (offer_id)
WHERE reserved <> coalesce(open.quantity, 0)
"""


def load(app: Flask) -> str:
    result = app.test_cli_runner().invoke(args=["demo-data", "load"])
    assert result.exit_code == 0, result.output
    return result.output


def count(model) -> int:
    return session().scalar(select(func.count()).select_from(model))


def test_loads_whole_and_once(app: Flask, edge) -> None:
    assert "orders in different states" in load(app)
    assert "already" in load(app)
    with edge() as current:
        assert (count(Company), count(Offer), count(PriceListIssue)) == (8, 240, 0)
        assert count(Order) == 11
        states = set(session().scalars(select(SupplierOrder.state)))
        assert states == {"new", "confirmed", "assembled", "sent", "delivered", "canceled"}
        confirmed = session().scalar(select(func.count()).where(SupplierOrder.state.notin_(["new", "canceled"])))
        assert count(Invoice) >= confirmed
        assert current.connection().exec_driver_sql(RESERVED).scalar() == 0
        assert count(StockLevel) == 240
        assert count(OrderLine) > 11


def test_goes_on_where_it_was_killed(app: Flask, edge, monkeypatch) -> None:
    def killed(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "_place", killed)
    app.test_cli_runner().invoke(args=["demo-data", "load"])
    monkeypatch.undo()
    load(app)
    with edge():
        assert (count(Company), count(Offer), count(Order)) == (8, 240, 11)
        assert session().scalar(select(func.count()).where(User.role == "manager")) == 1


def test_is_refused_in_production(app: Flask, settings, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"app_env": "production"}))
    result = app.test_cli_runner().invoke(args=["demo-data", "load"])
    assert result.exit_code != 0
    assert "not in production" in result.output
