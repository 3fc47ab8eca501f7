"""What is taken of a good, and what is said about the rest."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from shop.price_lists.models import FULL, STOCK_ONLY
from shop.price_lists.reading import parse_price_list
from shop.price_lists.reading.row_checks import Checked, check_categories, check_goods, unread_fields
from shop.price_lists.reading.row_reader import Row
from shop.price_lists.row_issues import Issue, problem_text

CATEGORIES = {"224": "Смартфоны", "15": "Аксессуары"}
GOOD: dict[str, Any] = {"id": 7, "name": "Товар", "price": 100}


def check(*goods: Any, mode: str = FULL) -> list[Checked]:
    return list(check_goods(enumerate(goods, start=1), dict(CATEGORIES), mode))


def check_one(**fields: Any) -> Checked:
    [checked] = check(GOOD | fields)
    return checked


def english(issue: Issue) -> str:
    return problem_text(issue.field, issue.code, issue.facts, "en")


def codes(checked: Checked) -> list[tuple[str, str]]:
    return [(issue.severity, issue.code) for issue in checked.issues]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"id": None}, "id_missing"),
        ({"id": " "}, "id_missing"),
        ({"id": True}, "id_not_text"),
        ({"id": [1]}, "id_not_text"),
        ({"id": 1.5}, "id_not_text"),
        ({"id": "x" * 101}, "id_too_long"),
        ({"name": None}, "name_missing"),
        ({"name": "\u00a0\t "}, "name_missing"),
        ({"name": False}, "name_not_text"),
        ({"name": {"ru": "Товар"}}, "name_not_text"),
        ({"name": "x" * 501}, "name_too_long"),
        ({"price": None}, "price_missing"),
        ({"price": ""}, "price_missing"),
        ({"price": "сто"}, "price_not_a_number"),
        ({"price": "0x10"}, "price_not_a_number"),
        ({"price": "1e3"}, "price_not_a_number"),
        ({"price": "١٢"}, "price_not_a_number"),
        ({"price": "1-2"}, "price_not_a_number"),
        ({"price": "9" * 50}, "price_not_a_number"),
        ({"price": True}, "price_not_a_number"),
        ({"price": [1]}, "price_not_a_number"),
        ({"price": float("nan")}, "price_not_a_number"),
        ({"price": float("inf")}, "price_not_a_number"),
        ({"price": 0}, "price_not_positive"),
        ({"price": "-5,00"}, "price_not_positive"),
        ({"price": 0.00001}, "price_too_fine"),
        ({"price": "12.34567"}, "price_too_fine"),
        ({"price": 10**10}, "price_too_large"),
        ({"price": "1,450"}, "price_ambiguous"),
        ({"currency": "USD"}, "currency_unknown"),
    ],
)
def test_rejects(fields: dict[str, Any], code: str) -> None:
    checked = check_one(**fields)

    is_of_price = code.startswith(("price_", "currency_"))
    assert checked.is_rejected
    assert checked.row == (Row(1, "7", name="Товар", is_price_refused=True) if is_of_price else None)
    assert ("error", code) in codes(checked)


@pytest.mark.parametrize(
    ("fields", "code", "taken"),
    [
        ({"category": 999}, "category_undeclared", {"category": None}),
        ({"category": [1]}, "category_not_text", {"category": None}),
        ({"model": True}, "model_not_text", {"model": None}),
        ({"sku": 1.10}, "sku_not_text", {"sku": None}),
        ({"name": "То\x00вар\x07"}, "name_broken_characters", {"name": "То вар"}),
        ({"name": "Товар\ud800"}, "name_broken_characters", {"name": "Товар"}),
        ({"price_rrc": "дорого"}, "price_rrc_not_a_number", {"price_rrc": None}),
        ({"quantity": -5}, "quantity_negative", {"stock_kind": "exact", "stock": 0}),
        ({"quantity": "абв"}, "quantity_not_a_number", {"stock_kind": None, "stock": None}),
        ({"quantity": ">абв"}, "quantity_not_a_number", {"stock_kind": None, "stock": None}),
        ({"quantity": 10**12}, "quantity_too_large", {"stock_kind": None, "stock": None}),
        ({"quantity": float("nan")}, "quantity_not_a_number", {"stock_kind": None, "stock": None}),
        ({"vat_rate": 20}, "vat_rate_unknown_rate", {"vat_rate": None}),
        ({"vat_rate": "много"}, "vat_rate_not_a_number", {"vat_rate": None}),
        ({"unit": "999"}, "unit_unknown", {"unit": None, "unit_code": None}),
        ({"unit": True}, "unit_not_text", {"unit": None, "unit_code": None}),
        ({"quantity_step": 0}, "quantity_step_not_positive", {"quantity_step": None}),
        ({"quantity_step": "0.0001"}, "quantity_step_too_fine", {"quantity_step": None}),
        ({"minimum_quantity": 5, "quantity_step": 2}, "minimum_quantity_not_a_multiple", {"minimum_quantity": 5}),
        ({"units_per_pack": -1}, "units_per_pack_not_positive", {"units_per_pack": None}),
        ({"barcode": "9520000000012"}, "barcode_invalid", {"barcodes": None}),
        ({"barcode": {"ean": 1}}, "barcode_invalid", {"barcodes": None}),
        ({"barcodes": ["9520000000011", "0000000000000"]}, "barcode_invalid", {"barcodes": ["9520000000011"]}),
        ({"parameters": [1]}, "parameters_not_a_group", {"parameters": {}}),
        ({"parameters": {"a": None, "b": 1}}, "parameters_not_a_value", {"parameters": {"b": 1}}),
        ({"parameters": {"a": {"b": 1}}}, "parameters_not_a_value", {"parameters": {}}),
        ({"parameters": {"a": float("inf")}}, "parameters_not_a_value", {"parameters": {}}),
        ({"parameters": {"a": "x" * 1001}}, "parameters_too_long", {"parameters": {}}),
        ({"parameters": {"x" * 101: 1}}, "parameters_too_long", {"parameters": {}}),
        ({"parameters": {None: 1}}, "parameters_missing", {"parameters": {}}),
        (
            {"unit": "пар", "quantity_step": 0.5},
            "quantity_step_not_whole",
            {"quantity_step": None, "minimum_quantity": None},
        ),
        ({"unit": "ящ", "units_per_pack": 2.5}, "units_per_pack_not_whole", {"units_per_pack": None}),
        ({"unit": "бут", "quantity": "более 10,5"}, "quantity_not_whole", {"stock_kind": "at_least", "stock": 10}),
    ],
)
def test_takes_the_good_without(fields: dict[str, Any], code: str, taken: dict[str, Any]) -> None:
    checked = check_one(**fields)

    assert codes(checked) == [("warning", code)]
    assert checked.row is not None
    assert {name: getattr(checked.row, name) for name in taken} == taken


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"id": "00012"}, {"external_id": "00012", "sku": None}),
        ({"id": 5, "sku": "ХТ-2001"}, {"external_id": "5", "sku": "ХТ-2001"}),
        ({"name": 3310}, {"name": "3310"}),
        ({"name": "  Два\r\n  слова "}, {"name": "Два слова"}),
        ({"price": "1 450,5"}, {"price": Decimal("1450.5")}),
        ({"price": "1\u00a0450,50 руб."}, {"price": Decimal("1450.50")}),
        ({"price": "1.450,50"}, {"price": Decimal("1450.50")}),
        ({"price": "1,234,567.50"}, {"price": Decimal("1234567.50")}),
        ({"price": 302.8600000000001}, {"price": Decimal("302.86")}),
        ({"price": "61.7250"}, {"price": Decimal("61.7250")}),
        ({"category": "смартфоны"}, {"category": "224"}),
        ({"category": "224"}, {"category": "224"}),
        ({"quantity": "1 450,5"}, {"stock_kind": "exact", "stock": Decimal("1450.5")}),
        ({"quantity": "148,350", "price": "96,50"}, {"stock_kind": "exact", "stock": Decimal("148.350")}),
        ({"quantity": ">1 000"}, {"stock_kind": "at_least", "stock": 1000}),
        ({"quantity": "более 50 "}, {"stock_kind": "at_least", "stock": 50}),
        ({"quantity": "100+"}, {"stock_kind": "at_least", "stock": 100}),
        ({"quantity": "Есть"}, {"stock_kind": "unknown", "stock": 0}),
        ({"quantity": "+"}, {"stock_kind": "unknown", "stock": 0}),
        ({"quantity": None}, {"stock_kind": None, "stock": None}),
        ({"quantity": "под заказ"}, {"stock_kind": "on_order", "stock": 0}),
        ({"quantity": "нет"}, {"stock_kind": "exact", "stock": 0}),
        ({"quantity": "-"}, {"stock_kind": "exact", "stock": 0}),
        ({"vat_rate": 10}, {"vat_rate": "10"}),
        ({"vat_rate": "22 %"}, {"vat_rate": "22"}),
        ({"vat_rate": 0}, {"vat_rate": "0"}),
        ({"vat_rate": "Без НДС"}, {"vat_rate": "none"}),
        ({"unit": "кг"}, {"unit": "кг", "unit_code": "166"}),
        ({"unit": 6}, {"unit": "м", "unit_code": "006"}),
        ({"unit": "Рул."}, {"unit": "рул", "unit_code": "736"}),
        ({"unit": "меш"}, {"unit": "меш", "unit_code": None}),
        (
            {"unit": "кг", "quantity_step": "0,5", "quantity": 10.5},
            {"quantity_step": Decimal("0.5"), "stock": Decimal("10.5")},
        ),
        ({"unit": "тыс. шт", "quantity_step": "0,001"}, {"quantity_step": Decimal("0.001")}),
        ({"quantity_step": "2,5"}, {"quantity_step": Decimal("2.5"), "minimum_quantity": None}),
        ({"barcode": 9520000000011}, {"barcodes": ["9520000000011"]}),
        ({"barcodes": ["036000291452", "00036000291452"]}, {"barcodes": ["0036000291452"]}),
        ({"barcode": "2100310000009"}, {"barcodes": ["2100310000009"]}),
        (
            {"parameters": {"Цвет": "чёрный", 5: 6.5, "ГОСТ": True}},
            {"parameters": {"Цвет": "чёрный", "5": 6.5, "ГОСТ": True}},
        ),
        ({"name": "Чёрный ящик, 2-й", "model": "A/1"}, {"match_key": "черный ящик 2 й|a 1"}),
    ],
)
def test_reads(fields: dict[str, Any], taken: dict[str, Any]) -> None:
    checked = check_one(**fields)

    assert checked.issues == []
    assert checked.row is not None
    assert {name: getattr(checked.row, name) for name in taken} == taken


def test_leaves_out_a_step_and_a_minimum_that_divide_a_piece() -> None:
    checked = check_one(unit="шт", quantity_step="0,5", minimum_quantity="1,5")

    assert checked.row is not None
    assert (checked.row.quantity_step, checked.row.minimum_quantity) == (None, None)
    assert codes(checked) == [("warning", f"{name}_not_whole") for name in ("quantity_step", "minimum_quantity")]
    assert english(checked.issues[0]) == "quantity_step is no whole number of «шт»"


def test_names_row_and_id_of_a_repeated_good_and_of_what_is_none() -> None:
    first, second, third = check(GOOD, GOOD | {"price": 5}, "товар")

    assert (first.row is not None, second.row, third.row) == (True, None, None)
    [repeated] = second.issues
    assert (repeated.row, repeated.external_id, repeated.code) == (2, "7", "id_duplicate")
    assert english(repeated) == "id is the same as in row 1, which was taken"
    assert codes(third) == [("error", "not_a_good")]


def test_a_list_of_stock_needs_only_ids_and_quantities() -> None:
    taken, rejected = check({"id": 1, "quantity": "3"}, {"id": 2, "quantity": -1}, mode=STOCK_ONLY)

    assert taken.row is not None
    assert (taken.row.stock, taken.row.price) == (3, None)
    assert rejected.row is None


def test_reports_categories_that_mean_nothing() -> None:
    entries = [{"id": 1, "name": "Одна"}, {"id": 1, "name": "Другая"}, {"id": 2}, 5, {"id": "1", "name": "Одна"}]

    names, issues = check_categories(entries)

    assert names == {"1": "Одна"}
    assert [issue.code for issue in issues] == ["category_duplicate", "category_incomplete", "category_not_a_category"]


def test_reports_fields_that_nobody_reads() -> None:
    unread: Counter[str] = Counter()
    list(check_goods([(1, GOOD | {"prise": 1}), (2, GOOD | {"prise": 2}), (3, 5)], {}, FULL, unread=unread))
    [issue] = unread_fields(unread)

    assert (issue.row, issue.severity, issue.field, issue.code) == (0, "warning", "prise", "field_unknown")


def test_takes_numbers_as_they_are_written() -> None:
    """YAML would make 12E4 a number, 0012 an octal one and 1.10 the same as 1.1."""
    raw = b"goods:\n- id: 0012\n  sku: 12E4\n  model: 1.10\n  name: 1e3\r\n  price: 5.50 # net\n  barcode: 96385074\n"

    [checked] = check_goods(parse_price_list(raw).goods, {}, FULL)

    assert checked.row is not None
    row = checked.row
    assert (row.external_id, row.sku, row.model, row.name) == ("0012", "12E4", "1.10", "1e3")
    assert (row.price, row.barcodes) == (Decimal("5.50"), ["96385074"])
