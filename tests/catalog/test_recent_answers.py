"""What many look at is kept by the versions of its rows: nobody sees an answer older than the catalog."""

import pytest

from shop.auth.models import Company
from shop.catalog import search
from shop.catalog.models import Category, Offer, StockLevel
from shop.catalog.recent_answers import recent_answers
from tests.factories.auth import bearer, make_user
from tests.factories.catalog import make_category, make_offer

OFFERS = "/api/v1/catalog/offers"


@pytest.mark.parametrize("page", ["first", "next"])
def test_a_page_that_was_just_read_is_read_by_its_versions_alone(client, count_statements, page) -> None:
    for _ in range(3):
        make_offer()
    buyer, address = bearer(make_user("buyer")), f"{OFFERS}?limit=1"
    if page == "next":
        address += "&cursor=" + client.get(address).json["next_cursor"]
    first, *_ = [client.get(address, headers=buyer).json for _ in range(3)]
    with count_statements() as statements:
        assert client.get(address, headers=buyer).json == first
    assert len(statements) == 2
    assert "row_to_json" not in statements[1]


@pytest.mark.parametrize(
    ("model", "change", "shown"),
    [
        (Offer, {"price": "1.23"}, lambda offer: offer["price"] == "1.23"),
        (StockLevel, {"reserved": 1}, lambda offer: offer["stock"]["available"] == 99),
        (Company, {"accepts_orders": False}, lambda offer: not offer["is_orderable"]),
        (Category, {"name": "Другая"}, lambda offer: offer["category"]["name"] == "Другая"),
    ],
)
def test_whatever_changes_an_offer_is_seen_at_once(client, edge, model, change, shown) -> None:
    offer = make_offer(price="9.90", on_hand=100, category=make_category())
    ids = {Offer: offer.id, StockLevel: offer.id, Company: offer.supplier_id, Category: offer.category_id}
    for _ in range(3):
        assert not shown(client.get(OFFERS).json["items"][0])
    with edge() as current:
        for name, value in change.items():
            setattr(current.get_one(model, ids[model]), name, value)
    assert shown(client.get(OFFERS).json["items"][0])


def test_what_is_not_committed_is_not_kept(client, edge) -> None:
    """Within one transaction a row may change twice under one version."""
    offer = make_offer(price="9.90")
    with edge() as current:
        current.get_one(Offer, offer.id).price = "1.00"
        current.flush()
        search.search_offers(search.EVERYTHING)
        current.get_one(Offer, offer.id).price = "2.00"
    assert client.get(OFFERS).json["items"][0]["price"] == "2.00"


def test_one_answer_not_known_makes_the_page_be_read_whole() -> None:
    assert recent_answers([(-1, "1", None, "1", None)]) is None
    assert recent_answers([]) == []
