"""Offers are found by words, codes and filters, page by page, in one statement."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from shop.auth.models import BLOCKED, PENDING, SUPPLIER
from shop.catalog.models import ON_ORDER, UNKNOWN, Offer
from shop.catalog.search.filters import OfferFilter
from shop.catalog.search.pages import RELEVANCE, SORTS, Search, scope_of, search_offers
from shop.http.pagination import BadCursor
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_offer, shown

PHONE = "Смартфон Apple iPhone XS Max 512GB (золотистый)"


@pytest.fixture
def found(edge: Callable[[], Any]) -> Callable[..., list[str]]:
    """The names of what a search finds."""

    def find(sort: str | None = "name", **wanted: Any) -> list[str]:
        with edge():
            return [offer["name"] for offer in shown(search_offers(OfferFilter(**wanted), sort=sort).items)]

    return find


@pytest.mark.parametrize(
    "q", ["iPhone XS Max", "смартфоны apple", "iphone", "смартфон золотист", "iph", "000042", "9520000000011", "xs-max"]
)
def test_finds_by_words_their_beginnings_and_codes(app: Flask, found: Callable[..., list[str]], q: str) -> None:
    make_offer(name=PHONE, model="apple/iphone/xs-max", sku="000042", barcodes=["9520000000011"])
    make_offer(name="Чайник электрический", sku="7", external_id="7")

    assert found(q=q) == [PHONE]


@pytest.mark.parametrize(
    "q", ["nokia", "42", "9520000000028", "-iphone -чайник", "' OR 1=1 --", "!!!", "и", '"', "(", "\\", ":*"]
)
def test_finds_nothing_and_survives(app: Flask, found: Callable[..., list[str]], q: str) -> None:
    make_offer(name=PHONE, sku="000042", barcodes=["9520000000011"])
    make_offer(name="Чайник электрический")

    assert found(q=q) == []


def test_filters(app: Flask, found: Callable[..., list[str]]) -> None:
    supplier, category = make_company(SUPPLIER), make_category()
    make_offer(name="a", price="10.00", supplier=supplier, sku="0001")
    make_offer(name="b", price="20.00", category=category, on_hand=0, barcodes=["9520000000011"])
    make_offer(name="c", price="30.00", stock_kind=UNKNOWN, on_hand=0)
    make_offer(name="d", price="40.00", stock_kind=ON_ORDER, on_hand=0, is_listed=True)
    make_offer(name="gone", is_listed=False)

    assert found() == ["a", "b", "c", "d"]
    assert found(supplier=(supplier.id,)) == ["a"]
    assert found(category=(category.id,)) == ["b"]
    assert found(category=(category.id, 999), supplier=(supplier.id,)) == []
    assert found(price_min=Decimal(20), price_max=Decimal("30.00")) == ["b", "c"]
    assert found(in_stock=True) == ["a", "c"]
    assert found(in_stock=False) == ["b", "d"]
    assert found(sku="0001") == ["a"]
    assert found(barcode="9520000000011") == ["b"]
    assert found(barcode="no barcode") == []
    assert found(sort="-price") == ["d", "c", "b", "a"]
    assert found(sort="newest") == ["d", "c", "b", "a"]


@pytest.mark.parametrize("status", [PENDING, BLOCKED])
def test_hides_offers_of_suppliers_who_are_not_active(app: Flask, found: Callable[..., list[str]], status: str) -> None:
    make_offer(supplier=make_company(SUPPLIER, status=status))

    assert found() == []


@pytest.mark.parametrize("sort", list(SORTS))
def test_pages_hold_every_offer_once(app: Flask, edge: Callable[[], Any], sort: str) -> None:
    supplier = make_company(SUPPLIER)
    ids = {make_offer(supplier=supplier, price=f"{i % 3 + 1}.00", name=f"{'Я' * 400} {i % 4}").id for i in range(11)}

    seen, cursor = [], None
    with edge():
        for _ in range(4):
            wanted = OfferFilter(q="я" * 400) if sort == RELEVANCE else OfferFilter()
            page = search_offers(wanted, sort=sort, limit=3, cursor=cursor)
            seen, cursor = [*seen, *(offer["id"] for offer in shown(page.items))], page.next_cursor

    assert cursor is None
    assert len(seen) == len(ids)
    assert set(seen) == ids


@pytest.mark.parametrize(
    "key",
    [
        ["\x00", 1],
        ["a\ud800", 1],
        [1, 1],
        ["a", 2**70],
        ["a", "b"],
        ["a"],
        ["a", True],
        ["a", None],
        ["a", 1.5],
        {},
        [],
    ],
)
def test_refuses_a_cursor_that_somebody_made_up(app: Flask, edge: Callable[[], Any], key: Any) -> None:
    wanted = OfferFilter()
    forged = base64.urlsafe_b64encode(json.dumps([scope_of(wanted, "name"), False, *key]).encode()).decode()

    with edge(), pytest.raises(BadCursor):
        search_offers(wanted, sort="name", cursor=forged)


@pytest.mark.parametrize("others", [{"sort": "price"}, {"wanted": OfferFilter(q="товар")}])
def test_refuses_the_cursor_of_another_search(app: Flask, edge: Callable[[], Any], others: dict[str, Any]) -> None:
    make_offer()
    make_offer()
    with edge():
        cursor = search_offers(OfferFilter(), sort="name", limit=1).next_cursor

    with edge(), pytest.raises(BadCursor):
        search_offers(**({"wanted": OfferFilter(), "sort": "name"} | others), cursor=cursor)


def test_needs_one_statement(app: Flask, edge: Callable[[], Any], count_statements: Callable[[], Any]) -> None:
    for _ in range(5):
        make_offer(category=make_category())

    with edge(), count_statements() as statements:
        assert len(search_offers(OfferFilter(q="товар", in_stock=True), sort="price").items) == 5

    assert len(statements) == 1


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Молоко 3,2% пастеризованное", "молока"),
        ("Молоко 3,2% пастеризованное", "пастеризованного молоком"),
        ("Чай чёрный байховый", "черный чай"),
        ("Чай черный байховый", "ЧЁРНЫЙ"),
        ("Gaming keyboards with lights", "keyboard light"),
        ("Диван ikea/klippan серый", "klippan"),
        ("Диван ikea/klippan серый", "диваны ikea klippan"),
        ("Сок 0,95 л", "0.95"),
    ],
)
def test_finds_words_in_any_form(app: Flask, found: Callable[..., list[str]], name: str, q: str) -> None:
    make_offer(name=name)
    make_offer(name="Лампа настольная")

    assert found(q=q) == [name]


@pytest.mark.parametrize("q", ["FX506", "506hcb", "fx506-hcb", "Б-10", "б1033", "1033-7"])
def test_finds_a_part_of_a_model_number_or_sku(app: Flask, found: Callable[..., list[str]], q: str) -> None:
    make_offer(name="Ноутбук", model="asus/tuf-gaming-f15-fx506hcb-hn141", sku="Б-1033/7")
    make_offer(name="Планшет", model="asus/tab", sku="000001")

    assert found(q=q) == ["Ноутбук"]


def test_forgives_a_slip_only_when_nothing_else_is_found(app: Flask, edge: Callable[[], Any]) -> None:
    for name in ("Молоко цельное", "Молоко топлёное", "Мороженое", "Кефир"):
        make_offer(name=name)

    with edge():
        mistyped = search_offers(OfferFilter(q="малако"), limit=1)
        rest = search_offers(OfferFilter(q="малако"), limit=1, cursor=mistyped.next_cursor)
        exact = search_offers(OfferFilter(q="молока"))
        filtered = search_offers(OfferFilter(q="молоко", price_min=Decimal(500)))
        article = search_offers(OfferFilter(q="000099999"))

    assert (mistyped.is_approximate, rest.is_approximate, exact.is_approximate) == (True, True, False)
    assert {offer["name"] for offer in shown(mistyped.items + rest.items)} == {"Молоко цельное", "Молоко топлёное"}
    assert rest.next_cursor is None
    assert (filtered.items, filtered.is_approximate) == ([], False)
    assert article.items == []


@pytest.mark.parametrize("q", ["смортфон", "смартфн", "смартфоон", "iphome", "телефно смартфон"])
def test_knows_what_was_meant(app: Flask, found: Callable[..., list[str]], q: str) -> None:
    make_offer(name=PHONE + " телефон")
    make_offer(name="Чайник электрический")

    assert found(q=q) == [PHONE + " телефон"]


def test_words_that_begin_as_typed_were_meant(app: Flask, found: Callable[..., list[str]]) -> None:
    for name in ("Молоко цельное", "Спички, блок 10 коробков"):
        make_offer(name=name)

    assert found(q="млоко") == ["Молоко цельное"]
    assert found(q="плок") == ["Спички, блок 10 коробков"]


def test_statements_do_not_grow_with_forgiveness(
    app: Flask, edge: Callable[[], Any], count_statements: Callable[[], Any]
) -> None:
    for _ in range(5):
        make_offer(name="Молоко")

    with edge(), count_statements() as statements:
        assert len(search_offers(OfferFilter(q="малако")).items) == 5

    assert len(statements) == 3


def test_the_best_comes_first(app: Flask, found: Callable[..., list[str]]) -> None:
    make_offer(name="Кабель для чайника, чайник не входит, длинное имя товара", sku="1")
    make_offer(name="Чайник", sku="2")
    make_offer(name="Подставка", sku="ЧАЙНИК")
    make_offer(name="Фильтр", model="xчайникx", sku="3")

    assert found(sort=None, q="ЧАЙНИК")[0] == "Подставка"
    assert found(sort=RELEVANCE, q="чайники")[0] == "Чайник"


def test_names_sort_without_case_and_with_yo_as_ye(app: Flask, found: Callable[..., list[str]]) -> None:
    for name in ("ель", "Жук", "Ёлка", "дом", "ежевика"):
        make_offer(name=name)

    assert found(sort="name") == ["дом", "ежевика", "Ёлка", "ель", "Жук"]


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"Цвет": ("белый",)}, ["a", "b"]),
        ({"Цвет": ("белый", "чёрный")}, ["a", "b", "c"]),
        ({"Цвет": ("белый",), "Память": ("16",)}, ["a"]),
        ({"Память": ("16.0",)}, ["a"]),
        ({"Память": ("16 ГБ",)}, ["b"]),
        ({"Диагональ": ("15,6",)}, ["a"]),
        ({"Wi-Fi": ("true",)}, ["a"]),
        ({"Wi-Fi": ("нет",)}, ["c"]),
        ({"Вес": ("1.5",)}, ["c"]),
        ({"Цвет": ("бел",)}, []),
        ({"цвет": ("белый",)}, []),
        ({"' OR 1=1 --": ("x",)}, []),
    ],
)
def test_filters_by_free_parameters(
    app: Flask, found: Callable[..., list[str]], parameters: dict[str, Any], names: list[str]
) -> None:
    make_offer(name="a", parameters={"Цвет": "белый", "Память": 16, "Диагональ": 15.6, "Wi-Fi": True})
    make_offer(name="b", parameters={"Цвет": "белый", "Память": "16 ГБ"})
    make_offer(name="c", parameters={"Цвет": "чёрный", "Wi-Fi": False, "Вес": {"value": 1.5, "unit": "кг"}})

    assert found(parameters=parameters) == names


def test_finds_what_can_be_ordered(app: Flask, found: Callable[..., list[str]]) -> None:
    make_offer(name="a")
    make_offer(name="b", on_hand=4, minimum_quantity=5)
    make_offer(name="c", on_hand=0, stock_kind=ON_ORDER)
    make_offer(name="d", supplier=make_company(SUPPLIER, accepts_orders=False))
    make_offer(name="e", is_quarantined=True)

    assert found(orderable=True) == ["a", "c"]
    assert found(orderable=False) == ["b", "d", "e"]


@pytest.mark.parametrize("sort", ["newest", "name", "price", "-price"])
def test_a_page_reads_an_index_in_order(app: Flask, edge: Callable[[], Any], sort: str) -> None:
    """Without an index the database would have to sort; told not to, it shows whether it has another way."""
    make_offer()
    with edge() as session:
        session.execute(text("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off"))
        page = Search(OfferFilter(), None, sort, 40, is_first=True).statement()
        compiled = page.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(row[0] for row in session.connection().exec_driver_sql(f"EXPLAIN {compiled}"))

    assert "Sort" not in plan


@pytest.mark.parametrize("q", ["ЧАЙ-1", "чай1", "100-ЧАЙ", "4601234567893"])
def test_a_code_comes_first_however_much_a_word_finds(
    app: Flask, edge: Callable[[], Any], found: Callable[..., list[str]], q: str
) -> None:
    """The oldest of all: the newest 1,000 hits do not hold it."""
    wanted = make_offer(name="Он", sku="ЧАЙ-1", model="100-чай", barcodes=["4601234567893"])
    make_many(edge, wanted, name=f"Чай 100 чай1 {q}", count=1100)

    assert found(sort=None, q=q)[0] == "Он"


def test_relevance_reaches_over_a_thousand_hits(app: Flask, edge: Callable[[], Any]) -> None:
    wanted = make_offer(name="Он", sku="ЧАЙ")
    make_many(edge, wanted, name="Чай", count=1100)

    seen, cursor = [], None
    for _ in range(3):
        with edge():
            page = search_offers(OfferFilter(q="чай"), limit=400, cursor=cursor)
        seen, cursor = [*seen, *(offer["id"] for offer in shown(page.items))], page.next_cursor

    assert (seen[0], len(seen), len(set(seen)), cursor) == (wanted.id, 1000, 1000, None)


def make_many(edge: Callable[[], Any], like: Offer, *, name: str, count: int) -> None:
    with edge() as session:
        session.execute(
            text(
                "INSERT INTO offers (product_id, supplier_id, external_id, sku, name, price)"
                " SELECT product_id, supplier_id, 'x' || n, 'x' || n, :name, price"
                " FROM offers, generate_series(1, :count) AS n WHERE id = :id"
            ),
            {"id": like.id, "name": name, "count": count},
        )
