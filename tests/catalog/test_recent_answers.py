"""What many look at is kept by the versions of its rows: nobody sees an answer older than the catalog."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shop.auth.models import Company
from shop.catalog.models import Category, Offer, StockLevel
from shop.catalog.offer_cache import answers_of
from shop.catalog.search import pages
from shop.catalog.search.filters import OfferFilter
from tests.factories.auth import bearer, make_user
from tests.factories.catalog import make_category, make_offer

OFFERS = "/api/v1/catalog/offers"


def elsewhere(ask):
    with ThreadPoolExecutor(1) as other:
        return other.submit(ask).result()


@pytest.fixture(params=["first", "next"])
def page(client, request) -> str:
    """The address of a page that was just read."""
    for _ in range(3):
        make_offer()
    address = f"{OFFERS}?limit=1"
    if request.param == "next":
        address += "&cursor=" + client.get(address).json["next_cursor"]
    for _ in range(3):
        client.get(address)
    return address


def write_something(edge) -> None:
    with edge() as current:
        current.add(Category(name="Нигде не показана"))


def test_where_nothing_was_written_the_answer_is_known(client, count_statements, page) -> None:
    """Anywhere on the server: tests beside this one write into databases of their own, so it is tried again."""
    buyer = bearer(make_user("buyer"))
    first = client.get(page, headers=buyer).json
    for _ in range(100):
        with count_statements() as statements:
            assert client.get(page, headers=buyer).json == first
        if len(statements) == 1:
            break
    assert ["access_tokens" in each for each in statements] == [True]


def test_a_page_whose_offers_have_not_changed_is_read_by_its_versions_alone(
    client, count_statements, edge, page
) -> None:
    first = client.get(page).json
    with edge() as current:
        current.add(make_user("buyer"))
    with count_statements() as statements:
        assert client.get(page).json == first
    assert len(statements) == 2
    assert "row_to_json" not in statements[1]


def test_of_a_page_only_what_has_changed_is_finished_anew(client, count_statements, edge) -> None:
    offers = [make_offer(price="9.90") for _ in range(3)]
    for _ in range(3):
        client.get(OFFERS)
    with edge() as current:
        current.get_one(StockLevel, offers[1].id).on_hand = 7
    with count_statements() as statements:
        items = client.get(OFFERS).json["items"]
    assert [item["stock"]["available"] for item in items][1] == 7
    assert len({item["id"] for item in items}) == 3
    assert len(statements) == 3


def test_what_is_not_committed_is_not_seen_and_then_is(client, edge) -> None:
    """Asked while a transaction is under way, the answer is the old one; it is not known any more once that ends."""
    offer = make_offer(price="9.90")
    with edge() as current:
        current.get_one(Offer, offer.id).price = "1.00"
        current.flush()
        before = [elsewhere(lambda: client.get(OFFERS).json["items"][0]["price"]) for _ in range(3)]
    assert before == ["9.90"] * 3
    assert client.get(OFFERS).json["items"][0]["price"] == "1.00"


def test_an_address_is_known_by_its_query(client) -> None:
    for price in ("1.00", "2.00"):
        make_offer(price=price)
    for _ in range(2):
        assert [item["price"] for item in client.get(f"{OFFERS}?price_max=1.5").json["items"]] == ["1.00"]
        assert [item["price"] for item in client.get(f"{OFFERS}?price_min=1.5").json["items"]] == ["2.00"]


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
        pages.search_offers(OfferFilter())
        current.get_one(Offer, offer.id).price = "2.00"
    assert client.get(OFFERS).json["items"][0]["price"] == "2.00"


def test_an_offer_that_changed_since_its_key_was_read_has_no_answer(app) -> None:
    offer = make_offer()
    with app.app_context():
        assert answers_of([]) == []
        assert answers_of([(offer.id, "1", "1", 1)]) is None


def test_a_page_that_changes_while_it_is_read_is_read_whole(client, monkeypatch) -> None:
    make_offer(price="9.90")
    monkeypatch.setattr(pages, "answers_of", lambda *_, **__: None)
    assert [item["price"] for item in client.get(OFFERS).json["items"]] == ["9.90"]
