"""Price lists for tests, written down in as few lines as matter, and what became of them."""

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import select

from shop.auth.models import Company
from shop.catalog.models import Offer, OfferRevision, StockLevel
from shop.database import session, transaction
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.pipeline import import_price_list
from shop.price_lists.models import FULL, ChangeSetLine, PriceList, PriceListIssue
from tests.factories import committed

CATEGORIES = [{"id": 224, "name": "Смартфоны"}, {"id": 15, "name": "Аксессуары"}]


def good(id: Any, **others: Any) -> dict[str, Any]:  # noqa: A002 - the file's own word
    """A good that is in order; `others` replaces its fields, and None takes one away."""
    values = {"id": id, "category": 224, "name": f"Товар {id}", "price": "100.00", "quantity": 10} | others
    return {name: value for name, value in values.items() if value is not None}


def list_of(*goods: Any, categories: Iterable[Any] = CATEGORIES) -> bytes:
    """JSON is YAML."""
    return orjson.dumps({"shop": "Связной", "categories": list(categories), "goods": list(goods)})


@committed
def receive(supplier: Company, raw: bytes, *, mode: str = FULL, layout: Any = None) -> PriceList:
    return receive_price_list(supplier, file_name="list.yaml", raw=raw, mode=mode, layout=layout, by=None)


def run_import(app: Flask, supplier: Company, raw: bytes, *, mode: str = FULL, layout: Any = None) -> PriceList:
    """The list after its import, which runs here instead of in a worker."""
    price_list = receive(supplier, raw, mode=mode, layout=layout)
    with app.app_context():
        import_price_list(price_list.id, app.extensions["settings"])
    return read(app, price_list)


def read(app: Flask, price_list: PriceList) -> PriceList:
    with app.app_context(), transaction():
        return session().get_one(PriceList, price_list.id, populate_existing=True)


def issues(app: Flask, price_list: PriceList) -> list[tuple[int, str, str]]:
    with app.app_context(), transaction():
        columns = (PriceListIssue.row, PriceListIssue.severity, PriceListIssue.code)
        statement = select(*columns).filter_by(price_list_id=price_list.id).order_by(PriceListIssue.id)
        return [tuple(row) for row in session().execute(statement)]


def offers(app: Flask, supplier: Company) -> dict[str, Offer]:
    """By the list's id."""
    with app.app_context(), transaction():
        found = session().scalars(select(Offer).filter_by(supplier_id=supplier.id).order_by(Offer.id))
        return {offer.external_id: offer for offer in found}


def stock(app: Flask, offer: Offer) -> StockLevel:
    with app.app_context(), transaction():
        return session().get_one(StockLevel, offer.id)


def revisions(app: Flask, offer: Offer) -> list[tuple[int, str, bool]]:
    with app.app_context(), transaction():
        columns = (OfferRevision.revision, OfferRevision.price, OfferRevision.is_listed)
        statement = select(*columns).filter_by(offer_id=offer.id).order_by(OfferRevision.revision)
        return [(number, f"{price:.2f}", is_listed) for number, price, is_listed in session().execute(statement)]


def change_set(app: Flask, price_list: PriceList) -> list[tuple[str, str, Any]]:
    """(change, external id, names of the fields that change)."""
    with app.app_context(), transaction():
        statement = select(ChangeSetLine).filter_by(price_list_id=price_list.id).order_by(ChangeSetLine.position)
        return [(line.change, line.external_id, sorted(line.fields or {})) for line in session().scalars(statement)]
