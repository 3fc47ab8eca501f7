"""What a list does to the catalog."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shop.auth.models import BUYER, FREE, SUPPLIER, Company
from shop.catalog.models import Barcode, Category, Offer, OfferRevision, Product, SupplierCategory
from shop.catalog.stock import available_stock, reserve
from shop.database import session, transaction
from shop.price_lists.imports import outcome
from shop.price_lists.imports.apply import forget_rows_applied
from shop.price_lists.models import APPLIED, FAILED, STOCK_ONLY, UPDATE, PriceList
from tests.factories.auth import bearer, make_company, make_user
from tests.price_lists.lists import good, issues, list_of, offers, revisions, run_import, stock

pytestmark = pytest.mark.usefixtures("unguarded")


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


def test_makes_offers_products_categories_and_stock(app: Flask, supplier: Company) -> None:
    phone = good(
        "0042",
        sku="00042-A",
        model="apple/iphone",
        price="1 450,5",
        price_rrc=1600,
        vat_rate="без НДС",
        unit="уп",
        units_per_pack=12,
        quantity_step=2,
        quantity=">100",
        barcode="9520000000011",
        parameters={"Цвет": "золотистый", "Гарантия": True, "Диагональ": 6.5},
    )

    done = run_import(app, supplier, list_of(phone))

    assert (done.state, done.offers_new, done.rows_total, done.rows_done, done.rows_rejected) == (APPLIED, 1, 1, 1, 0)
    offer = offers(app, supplier)["0042"]
    assert (offer.sku, offer.model, offer.price, offer.price_rrc) == (
        "00042-A",
        "apple/iphone",
        Decimal("1450.5"),
        1600,
    )
    assert (offer.vat_rate, offer.unit, offer.unit_code, offer.units_per_pack) == ("none", "уп", "778", 12)
    assert (offer.quantity_step, offer.minimum_quantity, offer.barcodes) == (2, 2, ["9520000000011"])
    assert offer.parameters == {"Цвет": "золотистый", "Гарантия": True, "Диагональ": 6.5}
    assert (stock(app, offer).kind, stock(app, offer).on_hand) == ("at_least", 100)
    assert revisions(app, offer) == [(1, "1450.50", True)]
    with app.app_context(), transaction():
        assert session().get_one(Category, offer.category_id).name == "Смартфоны"
        assert session().get_one(Barcode, ("9520000000011", "12 шт")).product_id == offer.product_id


def test_the_same_list_twice_changes_nothing(app: Flask, supplier: Company) -> None:
    raw = list_of(good(1, quantity="есть", parameters={"a": 1.10, "b": [1]}), good(2, barcode="96385074"))
    run_import(app, supplier, raw)

    again = run_import(app, supplier, raw)

    counts = (again.offers_new, again.offers_changed, again.offers_withdrawn, again.stock_changed)
    assert (again.state, counts, again.offers_unchanged) == (APPLIED, (0, 0, 0, 0), 2)
    with app.app_context(), transaction():
        assert session().scalar(select(func.count()).select_from(OfferRevision)) == 2


def test_another_price_is_a_revision_and_another_quantity_is_not(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1), good(2), good(3)))

    done = run_import(app, supplier, list_of(good(1, price=120), good(2, quantity=5), good(3)))

    assert (done.offers_changed, done.offers_unchanged, done.stock_changed) == (1, 2, 1)
    found = offers(app, supplier)
    assert revisions(app, found["1"]) == [(1, "100.00", True), (2, "120.00", True)]
    assert revisions(app, found["2"]) == [(1, "100.00", True)]
    assert stock(app, found["2"]).on_hand == 5


def test_withdraws_what_is_missing_and_lists_it_again(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))

    done = run_import(app, supplier, list_of(good(1)))

    assert done.offers_withdrawn == 1
    gone = offers(app, supplier)["2"]
    assert not gone.is_listed
    assert gone.withdrawn_at is not None

    back = run_import(app, supplier, list_of(good(1), good(2)))

    assert (back.offers_new, back.offers_changed) == (0, 1)
    returned = offers(app, supplier)["2"]
    assert (returned.id, returned.is_listed, returned.withdrawn_at) == (gone.id, True, None)
    assert [listed for _, _, listed in revisions(app, returned)] == [True, False, True]


def test_readers_see_the_old_list_or_the_new_one_and_never_half(
    app: Flask, client: FlaskClient, supplier: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readers come when everything is written and nothing committed."""

    def seen() -> set[tuple[str, str, float]]:
        page = client.get("/api/v1/catalog/offers", headers=bearer(buyer)).json
        return {(each["external_id"], each["price"], each["stock"]["available"]) for each in page["items"]}

    def read_meanwhile(price_list: PriceList, counts: Mapping[str, int]) -> None:
        with ThreadPoolExecutor(1) as elsewhere:
            meanwhile.append(elsewhere.submit(seen).result(timeout=120))
        forget_rows_applied(price_list, counts)

    buyer, meanwhile = make_user(BUYER), list[set[tuple[str, str, float]]]()
    run_import(app, supplier, list_of(*(good(n) for n in range(6))))
    before = seen()
    monkeypatch.setattr(outcome, "forget_rows_applied", read_meanwhile)
    changed = [good(n, price=101, quantity=11) for n in range(1, 6)]

    run_import(app, supplier, list_of(*changed, good(7, price=101, quantity=11)))

    assert meanwhile == [before]
    assert before == {(str(n), "100.00", 10) for n in range(6)}
    assert seen() == {(str(n), "101.00", 11) for n in (1, 2, 3, 4, 5, 7)}


def test_update_withdraws_nothing(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))

    done = run_import(app, supplier, list_of(good(2, price=5)), mode=UPDATE)

    assert (done.offers_changed, done.offers_withdrawn) == (1, 0)
    assert offers(app, supplier)["1"].is_listed


def test_stock_only_touches_nothing_but_the_stock_of_known_offers(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))

    rows = [
        {"id": 1, "quantity": 3, "price": "5", "name": "Другое"},
        {"id": 9, "quantity": 3},
        {"id": 2, "quantity": "?"},
    ]
    done = run_import(app, supplier, list_of(*rows), mode=STOCK_ONLY)

    assert (done.state, done.stock_changed, done.offers_changed, done.rows_rejected) == (APPLIED, 1, 0, 2)
    assert issues(app, done) == [(3, "error", "quantity_not_a_number"), (2, "error", "id_unknown")]
    found = offers(app, supplier)
    assert (found["1"].price, found["1"].name, set(found)) == (100, "Товар 1", {"1", "2"})
    assert (stock(app, found["1"]).on_hand, stock(app, found["2"]).on_hand) == (3, 10)


def test_a_rejected_row_does_not_withdraw_its_offer(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))

    done = run_import(app, supplier, list_of(good(1, price="сто"), good(2)))

    assert (done.state, done.rows_rejected, done.offers_withdrawn) == (APPLIED, 1, 0)
    offer = offers(app, supplier)["1"]
    assert (offer.is_listed, offer.price) == (True, 100)


def test_never_touches_what_is_reserved(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1, quantity=10)))
    offer = offers(app, supplier)["1"]
    with app.app_context(), transaction():
        reserve({offer.id: Decimal(4)})

    run_import(app, supplier, list_of(good(1, quantity=3)))

    level = stock(app, offer)
    assert (level.on_hand, level.reserved, available_stock(level.on_hand, level.reserved, offer.unit)) == (3, 4, 0)


def test_free_stock_has_the_reserved_pieces_added(app: Flask) -> None:
    supplier = make_company(SUPPLIER, stock_means=FREE)
    run_import(app, supplier, list_of(good(1, quantity=10)))
    offer = offers(app, supplier)["1"]
    with app.app_context(), transaction():
        reserve({offer.id: Decimal(4)})

    done = run_import(app, supplier, list_of(good(1, quantity=6)))

    level = stock(app, offer)
    assert (level.on_hand, level.reserved, available_stock(level.on_hand, level.reserved, offer.unit)) == (10, 4, 6)
    assert done.stock_changed == 0


def test_other_suppliers_goods_are_the_same_product_by_barcode_or_by_name_and_model(app: Flask) -> None:
    one, two = make_company(SUPPLIER), make_company(SUPPLIER)
    run_import(
        app,
        one,
        list_of(
            good(1, name="Чай чёрный 100×2 г", barcode="9520000000110"),
            good(2, name="Смартфон Apple iPhone XR (красный)", model="apple/iphone/xr"),
            good(3, name="Мука в/с", barcode="9520000000066"),
            good(4, name="Сыр весовой", barcode="2100310000009"),
        ),
    )
    run_import(
        app,
        two,
        list_of(
            good(7, name="ЧАЙ ЧЕРН.100ПАК", barcode="9520000000110"),
            good(8, name="смартфон apple iphone XR красный", model="Apple/iPhone/XR"),
            good(9, name="Мука в/с", barcode="9520000000073"),
            good(10, name="Картофель", barcode="2100310000009"),
        ),
    )

    ours, theirs = offers(app, one), offers(app, two)
    assert ours["1"].product_id == theirs["7"].product_id
    assert ours["2"].product_id == theirs["8"].product_id
    assert ours["3"].product_id != theirs["9"].product_id
    assert ours["4"].product_id != theirs["10"].product_id
    with app.app_context(), transaction():
        assert session().scalar(select(func.count()).select_from(Product)) == 6
        assert session().get(Barcode, ("2100310000009", "1 шт")) is None


def test_a_categorys_number_keeps_what_somebody_mapped_it_to(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1)))
    with app.app_context(), transaction() as current:
        other = Category(name="Телефоны и гаджеты")
        current.add(other)
        current.flush()
        current.scalars(select(SupplierCategory).filter_by(external_id="224")).one().category_id = other.id

    done = run_import(app, supplier, list_of(good(1)))

    assert done.offers_changed == 1
    assert offers(app, supplier)["1"].category_id == other.id


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (list_of(good(1, price=0), 5), "None of the 2 goods"),
        (b"{", "The file is not valid JSON"),
    ],
)
def test_a_failed_list_leaves_the_catalog_as_it_was(app: Flask, supplier: Company, raw: bytes, sentence: str) -> None:
    run_import(app, supplier, list_of(good(1)))

    done = run_import(app, supplier, raw)

    assert done.state == FAILED
    assert done.message
    assert sentence in done.message
    assert offers(app, supplier)["1"].is_listed
    with app.app_context(), transaction():
        assert session().scalar(select(func.count()).select_from(Offer)) == 1
