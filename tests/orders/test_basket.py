"""Filling a basket by SKU, from a past order and by quick order; what it says of changes and of what is missing."""

import io
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import xlsxwriter
from flask import Flask

from shop.auth.models import SUPPLIER, Company
from shop.catalog.models import Offer, StockLevel
from shop.database import session
from shop.orders.basket import additions
from shop.orders.basket.contents import lock_basket
from shop.orders.basket.order_files import UnreadableQuickOrder
from shop.orders.basket.quick_order import QuickLine, read_quick_order
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def buyer(app: Flask):
    return make_user()


@pytest.fixture
def headers(buyer):
    return bearer(buyer)


def add(client, headers, *lines: dict):
    return client.post("/api/v1/basket/lines", json={"lines": list(lines)}, headers=headers)


def test_a_sku_that_one_supplier_has_is_enough(client, headers) -> None:
    offer = make_offer(sku="000104")
    basket = add(client, headers, {"sku": "000104", "quantity": 2}).json
    assert [(line["offer_id"], line["quantity"]) for line in basket["lines"]] == [(offer.id, 2)]


def test_a_sku_of_several_suppliers_needs_the_supplier(client, headers) -> None:
    first, second = make_offer(sku="12"), make_offer(sku="12")
    answer = add(client, headers, {"sku": "12", "quantity": 1}, {"sku": "13", "quantity": 1})
    assert [error["field"] for error in answer.json["errors"]] == ["lines.0.sku", "lines.1.sku"]
    answer = add(client, headers, {"sku": "12", "supplier_id": second.supplier_id, "quantity": 1})
    assert [line["offer_id"] for line in answer.json["lines"]] == [second.id]
    assert first.id != second.id


def test_a_withdrawn_namesake_is_not_in_the_way(client, headers) -> None:
    make_offer(sku="12", is_listed=False)
    listed = make_offer(sku="12")
    assert add(client, headers, {"sku": "12", "quantity": 1}).json["lines"][0]["offer_id"] == listed.id


@pytest.mark.parametrize(
    "line",
    [{"quantity": 1}, {"offer_id": 1, "sku": "1", "quantity": 1}, {"supplier_id": 1, "offer_id": 1, "quantity": 1}],
)
def test_a_line_names_one_good(client, headers, line) -> None:
    assert add(client, headers, line).status_code == 422


def test_adding_a_good_again_sets_its_quantity(client, headers) -> None:
    offer = make_offer()
    add(client, headers, {"offer_id": offer.id, "quantity": 5})
    basket = add(client, headers, {"offer_id": offer.id, "quantity": 3}).json
    assert [line["quantity"] for line in basket["lines"]] == [3]


def test_lines_stay_in_the_order_in_which_they_were_named(client, headers) -> None:
    offers = [make_offer() for _ in range(3)][::-1]
    basket = add(client, headers, *({"offer_id": offer.id, "quantity": 1} for offer in offers)).json
    assert [line["offer_id"] for line in basket["lines"]] == [offer.id for offer in offers]


def test_a_good_named_twice_in_one_list_is_not_guessed_at(client, headers) -> None:
    offer = make_offer(sku="12")
    answer = add(client, headers, {"offer_id": offer.id, "quantity": 1}, {"sku": "12", "quantity": 3}).json
    assert [result["code"] for result in answer["results"]] == [None, "NamedTwice"]
    assert [line["quantity"] for line in answer["lines"]] == [1]


def test_a_basket_has_an_end(client, headers, monkeypatch) -> None:
    monkeypatch.setattr("shop.orders.basket.additions.MAX_LINES", 2)
    answer = add(client, headers, *({"offer_id": make_offer().id, "quantity": 1} for _ in range(3)))
    assert (answer.status_code, answer.json["code"]) == (409, "BasketFull")
    assert client.get("/api/v1/basket", headers=headers).json["lines"] == []


def test_what_is_in_a_full_basket_can_still_get_another_quantity(client, headers, monkeypatch) -> None:
    monkeypatch.setattr("shop.orders.basket.additions.MAX_LINES", 2)
    held, other = make_offer(), make_offer()
    add(client, headers, {"offer_id": held.id, "quantity": 1})
    answer = add(client, headers, {"offer_id": held.id, "quantity": 5}, {"offer_id": other.id, "quantity": 1})
    assert [line["quantity"] for line in answer.json["lines"]] == [5, 1]
    assert add(client, headers, {"offer_id": make_offer().id, "quantity": 1}).json["code"] == "BasketFull"


@pytest.fixture
def meddle(app: Flask, buyer, monkeypatch):
    """`meddle(times)`: so many times somebody empties the basket after it was looked at and before it is filled."""

    def start(times: int) -> None:
        left = iter(range(times))

        def meddling(results):
            if next(left, None) is not None:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(empty).result()
            return each_once(results)

        monkeypatch.setattr("shop.orders.basket.additions._each_once", meddling)

    def empty() -> None:
        assert app.test_client().delete("/api/v1/basket", headers=bearer(buyer)).status_code == 204

    each_once = additions._each_once
    return start


def test_whoever_meets_a_change_looks_again(client, headers, meddle) -> None:
    first, second = make_offer(), make_offer()
    add(client, headers, {"offer_id": first.id, "quantity": 1})
    meddle(times=1)
    answer = add(client, headers, {"offer_id": second.id, "quantity": 1})
    assert [line["offer_id"] for line in answer.json["lines"]] == [second.id]


def test_a_basket_that_somebody_holds_for_too_long_is_busy(client, headers, buyer, edge) -> None:
    held = make_offer()
    add(client, headers, {"offer_id": held.id, "quantity": 1})
    with ThreadPoolExecutor(1) as pool, edge() as current:
        lock_basket(current.merge(buyer))
        answer = pool.submit(add, client, headers, {"offer_id": held.id, "quantity": 2}).result()
    assert (answer.status_code, answer.json["code"]) == (409, "Busy")
    assert int(answer.headers["Retry-After"]) > 0


def test_says_what_is_missing_to_the_minimum_and_to_free_delivery(client, headers) -> None:
    supplier = make_company(
        SUPPLIER, minimum_order=Decimal(500), delivery_fee=Decimal(60), free_delivery_from=Decimal(1000)
    )
    offer = make_offer(supplier=supplier, price="100.00")
    [part] = add(client, headers, {"offer_id": offer.id, "quantity": 2}).json["suppliers"]
    assert part == {
        "supplier_id": supplier.id,
        "supplier": supplier.name,
        "subtotal": "200.00",
        "delivery_fee": "60.00",
        "missing_to_free_delivery": "800.00",
        "missing_to_minimum": "300.00",
        "total": "260.00",
    }


def test_a_price_without_vat_becomes_a_total_with_it(client, headers) -> None:
    offer = make_offer(supplier=make_company(SUPPLIER, price_includes_vat=False), price="1238.10", vat_rate="5")
    [line] = add(client, headers, {"offer_id": offer.id, "quantity": 1}).json["lines"]
    assert (line["price"], line["net"], line["vat"], line["total"]) == ("1238.10", "1238.10", "61.91", "1300.01")


def test_says_everything_that_changed_since(client, headers, edge) -> None:
    offers = [make_offer(price="10.00") for _ in range(6)]
    add(client, headers, *({"offer_id": offer.id, "quantity": 5} for offer in offers))
    with edge():
        session().get_one(Offer, offers[0].id).price = Decimal(12)
        session().get_one(Offer, offers[1].id).unit = "уп"
        session().get_one(Offer, offers[2].id).is_listed = False
        session().get_one(Company, offers[3].supplier_id).accepts_orders = False
        session().get_one(StockLevel, offers[4].id).on_hand = Decimal(3)
        session().get_one(Offer, offers[5].id).is_quarantined = True
    lines = client.get("/api/v1/basket", headers=headers).json["lines"]
    assert [[change["code"] for change in line["changes"]] for line in lines] == [
        ["PriceChanged"],
        ["UnitChanged"],
        ["OfferWithdrawn"],
        ["SupplierNotAccepting"],
        ["OutOfStock"],
        ["OfferOnHold"],
    ]
    assert [line["is_changed"] for line in lines] == [True, True, False, False, False, False]
    assert [line["is_orderable"] for line in lines] == [True, True, False, False, False, False]


def test_a_past_order_comes_back_as_far_as_it_can(client, buyer, headers, edge) -> None:
    kept, gone = make_offer(), make_offer()
    order = make_order({kept.id: 3, gone.id: 1}, buyer=buyer)
    with edge():
        session().get_one(Offer, gone.id).is_listed = False
    answer = client.post("/api/v1/basket/past-orders", json={"order_id": order.id}, headers=headers)
    assert answer.status_code == 207
    assert [(line["offer_id"], line["quantity"]) for line in answer.json["lines"]] == [(kept.id, 3)]
    foreign = client.post("/api/v1/basket/past-orders", json={"order_id": make_order().id}, headers=headers)
    assert foreign.status_code == 404


def test_filling_takes_a_constant_number_of_statements(client, headers, count_statements) -> None:
    offers = [make_offer() for _ in range(20)]
    counts = []
    for some in (offers[:2], offers):
        with count_statements() as statements:
            add(client, headers, *({"offer_id": offer.id, "quantity": 1} for offer in some))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 3  # the token's is the first


PASTED = """Артикул\tКоличество
000104\t24
Б-1001;12
ХТ 2001 3,5
нет такого 1
000104 без числа
"""


def test_a_pasted_list_fills_the_basket_with_a_report_per_row(client, headers) -> None:
    offers = [make_offer(sku=sku) for sku in ("000104", "Б-1001")]
    half = make_offer(sku="ХТ 2001", unit="кг", quantity_step=Decimal("0.5"), minimum_quantity=Decimal("0.5"))
    report = client.post("/api/v1/basket/quick-order", json={"text": PASTED}, headers=headers).json
    assert [
        (row["row"], (row["result"] or {}).get("status"), (row["result"] or {}).get("code")) for row in report["rows"]
    ] == [
        (2, "added", None),
        (3, "added", None),
        (4, "added", None),
        (5, "refused", "SkuUnknown"),
        (6, None, None),
    ]
    assert "quantity" in report["rows"][4]["problem"]
    quantities = {line["offer_id"]: line["quantity"] for line in report["basket"]["lines"]}
    assert quantities == {offers[0].id: 24, offers[1].id: 12, half.id: 3.5}


def sheet(*rows: tuple) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.xlsx", sheet(("SKU", "Qty"), (12, 24), ("000104", 2))),
        ("list.csv", "SKU;Кол-во\r\n12;24\r\n000104;2\r\n".encode("windows-1251")),
        ("list.txt", "12 24\n\n000104 2".encode("utf-8-sig")),
    ],
)
def test_a_file_fills_the_basket(client, headers, name: str, content: bytes) -> None:
    offers = [make_offer(sku="12"), make_offer(sku="000104")]
    data = {"file": (io.BytesIO(content), name)}
    report = client.post("/api/v1/basket/quick-order/file", data=data, headers=headers).json
    assert {line["offer_id"]: line["quantity"] for line in report["basket"]["lines"]} == {
        offers[0].id: 24,
        offers[1].id: 2,
    }


def test_an_order_form_orders_what_was_filled_in(client, headers) -> None:
    """And neither the price nor what the supplier has, wherever a quantity is blank."""
    offers = [make_offer(sku=sku) for sku in ("A", "B", "C")]
    form = sheet(("Артикул", "Остаток", "Заказ", "Цена"), ("A", 500, "", 96), ("B", 500, 24, 96), ("C", 500, "", 96))
    data = {"file": (io.BytesIO(form), "form.xlsx")}
    report = client.post("/api/v1/basket/quick-order/file", data=data, headers=headers).json
    assert [(line["offer_id"], line["quantity"]) for line in report["basket"]["lines"]] == [(offers[1].id, 24)]
    assert ([row["row"] for row in report["rows"]], report["skipped"]) == ([3], 2)


@pytest.mark.parametrize(
    "content", [b"", b"  \n", b"\x00\x01", b"PK\x03\x04 not a sheet", b"\x98\x98 1", b"a 1\n" * 1001, sheet()]
)
def test_what_is_no_list_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(UnreadableQuickOrder) as refused:
        read_quick_order(content)
    assert len(refused.value.detail) > 10


def lines_of(raw: bytes | str) -> list[QuickLine]:
    return read_quick_order(raw).lines


def test_lines_end_as_any_system_ends_them() -> None:
    rows = lines_of(b"A-1;2\rB-2;3\r\nC-3;4\nD-4;5")
    assert [(line.wanted.sku, line.wanted.quantity) for line in rows] == [
        ("A-1", 2),
        ("B-2", 3),
        ("C-3", 4),
        ("D-4", 5),
    ]


def test_a_cell_without_end_is_reported_by_row() -> None:
    [_, row] = lines_of('A;1\n"' + "9" * 200_000 + '";5')
    assert row.problem == "A line is a SKU and a quantity."


def bombs() -> list[bytes]:
    """A cell in the last corner, and one long text that many cells show."""
    made = []
    for corner in (True, False):
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
            page = book.add_worksheet()
            page.write(0, 0, "12")
            if corner:
                page.write(2**20 - 1, 2**14 - 1, 1)
            for row in range(0 if corner else 2000):
                page.write(row, 1, "x" * 30_000)
        made.append(file.getvalue())
    return made


@pytest.mark.parametrize("bomb", bombs(), ids=["corner", "text"])
def test_a_sheet_that_would_fill_the_memory_is_refused(bomb: bytes) -> None:
    with pytest.raises(UnreadableQuickOrder, match="too large"):
        read_quick_order(bomb)


@pytest.mark.parametrize("quantity", ["0", "-1", "1e3", "10000000001", "0,0001", "NaN", "x"])
def test_a_quantity_that_cannot_be_one_is_reported_by_row(quantity: str) -> None:
    [_, row] = lines_of(f"A 1\nB;{quantity}")
    assert row.wanted is None
    assert row.problem
