"""The demo data load through the product's own stories, once, and never in production."""

from collections import defaultdict
from fractions import Fraction

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from shop.auth.models import Company, User
from shop.catalog.models import Offer, StockLevel
from shop.cli.demo import loading
from shop.database import session
from shop.orders.models import Invoice, Order, OrderLine, SupplierOrder
from shop.price_lists.models import PriceListIssue
from tests.factories.auth import bearer

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


ON_TERMS = """
SELECT offers.product_id, offers.id, offers.price, offers.unit, offers.units_per_pack, price_includes_vat AS includes,
    coalesce(offers.vat_rate, legal_entities.default_vat_rate) AS rate
FROM offers JOIN companies ON companies.id = supplier_id JOIN legal_entities ON company_id = companies.id
WHERE is_listed
"""


def cost(offer, with_vat: bool) -> Fraction:
    """Of what a buyer pays in the end for one of what is in it, by hand."""
    vat = 1 + (Fraction(0) if offer.rate == "none" else Fraction(offer.rate) / 100)
    net = Fraction(offer.price) / (vat if offer.includes else 1)
    return (net * vat if with_vat else net) / Fraction(offer.units_per_pack if offer.unit in ("уп", "кор", "ящ") else 1)


@pytest.mark.parametrize(
    ("buyer", "with_vat"), [(None, True), ("ugolok@demo.example", True), ("buyer@demo.example", False)]
)
def test_names_the_cheapest_of_each_product(
    app: Flask, client: FlaskClient, edge, buyer: str | None, with_vat: bool
) -> None:
    """Of all those that several suppliers offer, one of whom is on other terms than the others."""
    load(app)
    products = defaultdict(list)
    with edge() as current:
        for offer in current.execute(text(ON_TERMS)):
            products[offer.product_id].append(offer)
        user = buyer and current.scalar(select(User).filter_by(email=buyer))
    headers = bearer(user) if user else {}
    compared, by_price_alone = 0, 0
    for product_id, offers in products.items():
        if len(offers) == 1:
            continue
        compared += 1
        found = client.get(f"/api/v1/catalog/products/{product_id}", headers=headers).json
        costs = {offer.id: cost(offer, with_vat) for offer in offers}
        assert found["compare_includes_vat"] is with_vat
        assert costs[found["offers"][0]["id"]] == min(costs.values()), found["name"]
        by_price_alone += costs[min(offers, key=lambda offer: (offer.price, offer.id)).id] != min(costs.values())
    assert compared > 50
    assert by_price_alone > 10  # or this would show nothing


def test_is_refused_in_production(app: Flask, settings, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"app_env": "production"}))
    result = app.test_cli_runner().invoke(args=["demo-data", "load"])
    assert result.exit_code != 0
    assert "not in production" in result.output
