"""Prices are compared with VAT or without it, per base unit, whatever the suppliers' terms are."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update

from shop.auth.models import SUPPLIER, LegalEntity, User
from shop.catalog.compare_prices import COLUMNS, STORED
from shop.catalog.models import Offer
from shop.catalog.search.filters import OfferFilter
from shop.catalog.search.pages import Search
from shop.database import session
from shop.database.fast_read import DIALECT
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_category, make_offer, make_product

OFFERS = "/api/v1/catalog/offers"
PRICES = text(f"SELECT {COLUMNS} FROM offer_prices(:price, :unit, :units_per_pack, :rate, :includes, :default)")
UNITS = {"г": ("0.001", "кг"), "т": ("1000", "кг"), "мл": ("0.001", "л"), "тыс. шт": ("1000", "шт")}
PACKAGES = ("уп", "ящ", "кор", "блок", "упаковка", "ящик", "коробка")
MEASURES = ("кг", "л", "м", "м2", "м3", "пар")
RATES = ("22", "10", "7", "5", "0", "none", None)


def compared(price: Decimal, unit: str, per_pack: Decimal | None, rate: str | None, *, includes: bool) -> Any:
    """What is stored, from first principles: with VAT; of one base unit with VAT, and without; the base unit."""
    quantity, base_unit = Decimal(1), unit if unit in MEASURES else "шт"
    if unit in UNITS:
        quantity, base_unit = Decimal(UNITS[unit][0]), UNITS[unit][1]
    elif unit in PACKAGES and per_pack is not None and per_pack > 1:
        quantity = per_pack
    unknown = "0" if includes else "22"  # the highest that each price can be: nobody is the cheapest by ignorance
    percent = Decimal({"none": "0", None: unknown}.get(rate, rate))
    with localcontext(prec=60):
        net, gross = (price / (1 + percent / 100), price) if includes else (price, price * (1 + percent / 100))
        exact = (gross, gross / quantity, net / quantity)
        return (*(value.quantize(Decimal("0.0001"), ROUND_HALF_UP) for value in exact), base_unit)


def stored(offer_id: int) -> Any:
    return tuple(session().execute(text(f"SELECT {COLUMNS} FROM offers WHERE id = {offer_id}")).one())


@pytest.fixture
def deducting(app: Flask, edge: Callable[[], Any]) -> User:
    """A buyer of a company that gets back the VAT it pays."""
    user = make_user()
    with edge() as current:
        current.execute(update(LegalEntity).where(LegalEntity.company_id == user.company_id).values(vat_deducted=True))
    return user


@given(
    price=st.decimals("0.0001", "9999999999", places=4),
    unit=st.sampled_from([*UNITS, *PACKAGES, *MEASURES, "шт", "бут", "мешок"]),
    per_pack=st.none() | st.decimals("0.001", "99999", places=3),
    rate=st.sampled_from(RATES),
    default=st.sampled_from(RATES),
    includes=st.booleans(),
)
@example(price=Decimal("0.0001"), unit="т", per_pack=None, rate="22", default=None, includes=True)
@example(price=Decimal("9999999999.9999"), unit="г", per_pack=None, rate=None, default="22", includes=False)
@example(price=Decimal("9999999999.9999"), unit="мл", per_pack=None, rate=None, default=None, includes=False)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_counts_as_one_counts_by_hand(app: Flask, edge: Callable[[], Any], **case: Any) -> None:
    with edge():
        values = {"units_per_pack": case["per_pack"], **case}
        found = tuple(session().execute(PRICES, values).one())
    by_hand = compared(
        case["price"], case["unit"], case["per_pack"], case["rate"] or case["default"], includes=case["includes"]
    )
    assert found == by_hand


@pytest.mark.parametrize("includes", [True, False])
@pytest.mark.parametrize("default", ["10", None])
def test_whoever_writes_an_offer_writes_its_prices_to_compare(
    app: Flask, edge: Callable[[], Any], includes: bool, default: str | None
) -> None:
    """By hand one by one, and as the release before does it: it does not know of them."""
    supplier = make_company(SUPPLIER, price_includes_vat=includes)
    with edge() as current:
        entity = update(LegalEntity).where(LegalEntity.company_id == supplier.id)
        current.execute(entity.values(default_vat_rate=default))
    offer = make_offer(supplier=supplier, price="120.00", unit="уп", units_per_pack=Decimal(12), vat_rate=None)
    with edge():
        assert stored(offer.id) == compared(Decimal(120), "уп", Decimal(12), default, includes=includes)
    for change in ({"price": "99.99"}, {"unit": "кг"}, {"vat_rate": "none"}, {"unit": "ящ", "units_per_pack": "6"}):
        with edge() as current:
            for name, value in change.items():
                setattr(current.get_one(Offer, offer.id), name, value)
            current.flush()
            now = current.get_one(Offer, offer.id, populate_existing=True)
            by_hand = compared(now.price, now.unit, now.units_per_pack, now.vat_rate or default, includes=includes)
            assert stored(offer.id) == by_hand


RIVALS = {
    # name: (price, includes VAT, rate)
    "gross": ("121.00", True, "22"),
    "net": ("100.00", False, "22"),
    "without": ("105.00", True, "none"),
}


@pytest.fixture
def rivals(app: Flask) -> int:
    """One product of three suppliers on different terms."""
    product = make_product("Чай")
    for name, (price, includes, rate) in RIVALS.items():
        make_offer(
            supplier=make_company(SUPPLIER, price_includes_vat=includes),
            product=product,
            name=name,
            price=price,
            vat_rate=rate,
        )
    return product.id


def test_the_cheapest_is_the_cheapest_for_who_asks(client: FlaskClient, rivals: int, deducting: User) -> None:
    """Asked in turns: what is known of one is not what the other gets."""
    path, ways = (
        f"/api/v1/catalog/products/{rivals}",
        [({}, True), (bearer(deducting), False), (bearer(make_user()), True)],
    )
    etags = set()
    for _ in range(3):
        for headers, with_vat in ways:
            answer = client.get(path, headers=headers)
            found = answer.json
            expected = ["without", "gross", "net"] if with_vat else ["gross", "net", "without"]
            assert [offer["name"] for offer in found["offers"]] == expected
            assert found["compare_includes_vat"] is with_vat
            assert {offer["compare_includes_vat"] for offer in found["offers"]} == {with_vat}
            etags.add((with_vat, answer.headers["ETag"]))
    prices = {
        offer["name"]: (offer["price_with_vat"], offer["compare_price"]) for offer in client.get(path).json["offers"]
    }
    assert prices == {"gross": ("121.00", "121.00"), "net": ("122.00", "122.00"), "without": ("105.00", "105.00")}
    assert len(etags) == 2


def test_no_answer_is_shared_between_those_who_deduct_and_those_who_do_not(
    client: FlaskClient, rivals: int, deducting: User
) -> None:
    """A page, an offer, what has changed, and the whole catalog."""
    headers = bearer(deducting)
    for path in (f"{OFFERS}?limit=2", f"{OFFERS}/1", f"{OFFERS}?changed_since=2026-01-01T00:00:00Z"):
        for _ in range(2):
            seen = [client.get(path).json, client.get(path, headers=headers).json]
            shown = [each["items"][0] if "items" in each else each for each in seen]
            assert [each["compare_includes_vat"] for each in shown] == [True, False], path
    path = "/api/v1/catalog/export?format=csv"
    tags = [client.get(path, headers=each).headers["ETag"] for each in ({}, headers)]
    assert tags[0] != tags[1]
    for each in (path, OFFERS, f"{OFFERS}/1"):  # a browser asks each time, and gets what is its own
        stranger = client.get(each).headers
        assert stranger["Cache-Control"] == "private, no-cache"
        again = client.get(each, headers=headers | {"If-None-Match": stranger["ETag"]})
        assert again.status_code == 200
    assert client.get(path).data != client.get(path, headers=headers).data


def walked(client: FlaskClient, query: str, **headers: str) -> list[dict[str, Any]]:
    items, cursor = [], ""
    while cursor is not None:
        found = client.get(f"{OFFERS}?limit=2&{query}{cursor}", headers=headers).json
        items += found["items"]
        cursor = found["next_cursor"] and f"&cursor={found['next_cursor']}"
    return items


@pytest.fixture
def mixed(app: Flask) -> None:
    """Offers on all terms, in several units."""
    category = make_category()
    for number, (unit, per_pack) in enumerate([("шт", None), ("уп", 10), ("кг", None), ("г", None)] * 3):
        make_offer(
            supplier=make_company(SUPPLIER, price_includes_vat=bool(number % 2)),
            category=category,
            price=f"{(number * 7) % 5 + 1}.{number:02}",
            vat_rate=RATES[number % len(RATES)],
            unit=unit,
            units_per_pack=per_pack and Decimal(per_pack),
        )


@pytest.mark.parametrize("descending", [False, True])
def test_price_filters_and_facets_go_by_the_price_with_vat(client: FlaskClient, mixed: None, descending: bool) -> None:
    items = walked(client, f"sort={'-' * descending}price")
    prices = [Decimal(offer["price_with_vat"]) for offer in items]
    assert (len(prices), prices) == (12, sorted(prices, reverse=descending))
    lowest, middle, highest = min(prices), sorted(prices)[6], max(prices)
    ends = client.get("/api/v1/catalog/facets").json["price"]
    assert {end: Decimal(price) for end, price in ends.items()} == {"min": lowest, "max": highest}
    within = walked(client, f"sort=price&price_min={middle}")
    assert [Decimal(offer["price_with_vat"]) for offer in within] == sorted(p for p in prices if p >= middle)
    within = walked(client, f"sort=price&price_max={middle}")
    assert [Decimal(offer["price_with_vat"]) for offer in within] == sorted(p for p in prices if p <= middle)
    assert client.get(f"/api/v1/catalog/facets?price_min={middle}").json["offers"] == sum(p >= middle for p in prices)


@pytest.mark.parametrize("with_vat", [True, False])
def test_by_the_price_to_compare_each_base_unit_begins_with_its_cheapest(
    client: FlaskClient, mixed: None, deducting: User, with_vat: bool
) -> None:
    headers = {} if with_vat else bearer(deducting)
    items = walked(client, "sort=compare_price", **headers)
    keys = [(offer["base_unit"], Decimal(offer["compare_price"]), offer["id"]) for offer in items]
    assert (len(keys), keys) == (12, sorted(keys))
    assert {offer["compare_includes_vat"] for offer in items} == {with_vat}
    of_one = walked(client, "sort=compare_price&base_unit=кг&q=товар", **headers)
    assert [offer["id"] for offer in of_one] == [id_ for unit, _, id_ in keys if unit == "кг"]


def test_a_walk_does_not_go_on_by_other_prices(client: FlaskClient, mixed: None, deducting: User) -> None:
    path = f"{OFFERS}?limit=2&sort=compare_price"
    cursor = client.get(path).json["next_cursor"]
    assert client.get(f"{path}&cursor={cursor}", headers=bearer(deducting)).json["code"] == "BadCursor"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("sort=price", "ix_offers_price_with_vat"),
        ("sort=compare_price", "ix_offers_compare_price_gross"),
        ("sort=compare_price&base_unit=шт", "ix_offers_compare_price_gross"),
    ],
)
def test_every_order_has_its_index(
    app: Flask,
    client: FlaskClient,
    edge: Callable[[], Any],
    count_statements: Callable[[], Any],
    query: str,
    index: str,
) -> None:
    """Looked at while nothing else would do: with few rows the planner reads them all."""
    make_offer()
    name, unit = query.partition("&")[0].removeprefix("sort="), "шт" if "base_unit" in query else None
    find = Search(OfferFilter(base_unit=unit), None, name, 40, is_first=True)
    statement = find.statement(whole=False).compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    with edge() as current:
        current.execute(
            text("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        )
        plan = "\n".join(row[0] for row in current.execute(text(f"EXPLAIN {statement}".replace(":", r"\:"))))
    assert f"using {index}" in plan
    assert "Sort" not in plan


def test_stored_columns_are_all_that_the_function_gives() -> None:
    assert set(STORED) <= set(Offer.__table__.columns.keys())
