"""An invoice on paper: what it says, how it numbers its pages, and that its bytes never change."""

import hashlib
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from shop.orders.documents.amounts_in_words import count_of_goods, money, number, sum_in_words
from shop.orders.documents.fonts import printable
from shop.orders.documents.pdf import render_invoice
from shop.orders.documents.phrases import (
    basis_lines,
    closing_count,
    closing_sum,
    consignee_lines,
    party_lines,
    title_of,
)
from shop.orders.documents.tables import (
    CORRECTION_COLUMNS,
    INVOICE_COLUMNS,
    change_rows,
    change_total,
    line_rows,
    total_row,
    vat_rows,
)

ROOT = Path(__file__).parents[3]


def make_party(name: str = "Молоко", **known: Any) -> dict[str, Any]:
    return {
        "full_name": f"Общество с ограниченной ответственностью «{name}»",
        "short_name": f"ООО «{name}»",
        "inn": "7701234567",
        **dict.fromkeys(("kpp", "ogrn", "address", "bank")),
        **known,
    }


def make_line(position: int = 1, **differs: Any) -> dict[str, Any]:
    line = {
        "position": position,
        "sku": f"{position:06d}",
        "barcode": None,
        "name": "Йогурт «Живой» 2,5 %",
        "unit": "шт",
        "okei": "796",
        "packs": "2",
        "quantity": "24.000",
        "price": "78.4000",
        "net_price": "71.2727",
        "net": "1710.55",
        "vat_rate": "10",
        "vat": "171.05",
        "total": "1881.60",
    }
    return line | differs


def make_invoice(lines: int = 1, **differs: Any) -> Any:
    totals = {"net": "1710.55", "vat": "171.05", "total": "1881.60"}
    invoice = {
        "kind": "invoice",
        "number": "МП-26-000123",
        "issued_on": "2026-11-22",
        "time_zone": "Europe/Moscow",
        "order_number": "2026-000042",
        **dict.fromkeys(("client_reference", "contract", "shipment_on", "delivery")),
        "currency": "RUB",
        "seller": make_party("Молоко"),
        "payer": make_party("Сеть"),
        "consignee": {"name": "Магазин 001", "address": None, "phone": None},
        "lines": [make_line(position) for position in range(1, lines + 1)],
        "totals": {"quantity": None, **totals, "vat_by_rate": [{"rate": "10", **totals}], "lines": lines},
    }
    return invoice | differs


def make_amounts(quantity: str, vat: str, total: str) -> dict[str, str]:
    return {"quantity": quantity, "net": "0.00", "vat": vat, "total": total}


def make_change(**differs: Any) -> dict[str, Any]:
    change = {
        "position": 1,
        "sku": "000104",
        "name": "Йогурт",
        "unit": "шт",
        "vat_rate": "10",
        "was": make_amounts("24.000", "171.05", "1881.60"),
        "became": make_amounts("20.000", "142.55", "1568.00"),
        "difference": make_amounts("-4.000", "-28.50", "-313.60"),
    }
    return change | differs


def make_correction(*changes: dict[str, Any]) -> Any:
    earlier = {"number": "МП-26-000123", "issued_on": "2026-11-20"}
    return make_invoice(
        0, kind="correction", number="МПК-26-000004", corrects=earlier, changes=list(changes or [make_change()])
    )


def pages_of(data: Any) -> list[str]:
    reader = PdfReader(io.BytesIO(render_invoice(data)))
    return [page.extract_text().replace("\xa0", " ") for page in reader.pages]


def text_of(data: Any) -> str:
    return " ".join("\n".join(pages_of(data)).split())


def plain(values: Any) -> list[str]:
    return [value.replace("\xa0", " ") for value in values]


def test_names_the_document_the_parties_and_the_basis() -> None:
    bank = {"name": "ПАО Банк", "bik": "044525225", "account": "4070281", "correspondent_account": "3010181"}
    said = text_of(
        make_invoice(
            seller=make_party("Молоко", kpp="770101001", address="г. Москва", bank=bank),
            consignee={"name": "Магазин 001", "address": "ул. Новая, 1", "phone": "+7 495 1234567"},
            contract="Договор № 5 от 01.02.2026",
            client_reference="PO-1",
            shipment_on="2026-11-24",
        )
    )
    for expected in (
        "Товарная накладная № МП-26-000123 от 22.11.2026",
        "ИНН 7701234567, КПП 770101001",
        "р/с 4070281, в банке ПАО Банк, БИК 044525225, к/с 3010181",
        "ул. Новая, 1",
        "тел. +7 495 1234567",
        "Договор № 5 от 01.02.2026",
        "Заказ № 2026-000042",
        "PO-1",
        "Плановая поставка: 24.11.2026",
        "российский рубль",
    ):
        assert expected in said


def test_leaves_no_trace_of_what_is_not_known() -> None:
    data = make_invoice(
        lines=1, seller=make_party(short_name=None, bank={"name": None, "bik": "044525225"}), annulled=None
    )
    data["lines"][0] |= {"barcode": None, "okei": None, "packs": None}
    assert "None" not in text_of(data)
    assert plain(party_lines(data["seller"]))[-1] == "БИК 044525225"
    assert consignee_lines(data["consignee"], data["payer"]) == [data["payer"]["full_name"], "Магазин 001"]
    assert plain(basis_lines(data)) == ["Заказ № 2026-000042"]


@pytest.mark.parametrize("data", [make_invoice(), make_correction()], ids=["invoice", "correction"])
def test_never_calls_itself_a_vat_invoice(data: Any) -> None:
    assert "фактур" not in text_of(data).lower()


def test_signs_beside_a_line_of_goods_however_many_there_are() -> None:
    delivery = {"name": "Доставка", "net": "409.84", "vat_rate": "22", "vat": "90.16", "total": "500.00"}
    for lines in range(8, 45):
        *_, last = pages = pages_of(make_invoice(lines, delivery=delivery if lines % 2 else None))
        assert "Всего по накладной" in last
        assert "Отпуск разрешил" in last
        assert "Йогурт" in last, f"of {lines} lines none is on the page that is signed"
        assert "".join(pages).count("Йогурт") == lines


def test_asks_for_every_signature() -> None:
    said = text_of(make_invoice())
    for role in (
        "Отпуск разрешил",
        "Главный бухгалтер",
        "Отпуск груза произвёл",
        "Груз принял",
        "Груз получил",
        "М.П.",
    ):
        assert role in said


def test_prints_a_line_in_thirteen_cells() -> None:
    [row] = line_rows(make_invoice(lines=1))
    assert len(row) == len(INVOICE_COLUMNS)
    assert plain(row) == [
        *("1", "000001", "Йогурт «Живой» 2,5 %", "—", "шт", "796", "2", "24"),
        *("71,2727", "1 710,55", "10 %", "171,05", "1 881,60"),
    ]


def test_tells_free_of_vat_from_zero_rate() -> None:
    free = make_line(1, vat_rate="none", vat="0.00")
    zero = make_line(2, vat_rate="0", vat="0.00")
    cells = [plain(row)[10:12] for row in line_rows(make_invoice() | {"lines": [free, zero]})]
    assert cells == [["без НДС", "—"], ["0 %", "0,00"]]


def test_prints_delivery_last_as_a_service() -> None:
    delivery = {"name": "Доставка", "net": "409.84", "vat_rate": "22", "vat": "90.16", "total": "500.00"}
    data = make_invoice(lines=2, delivery=delivery)
    last = plain(line_rows(data)[-1])
    assert (last[0], last[2], last[9:]) == ("3", "Доставка (услуга)", ["409,84", "22 %", "90,16", "500,00"])
    assert closing_count(data) == "Накладная содержит 2 (два) наименования товара и услугу доставки."


def test_sums_packs_only_when_all_are_known() -> None:
    data = make_invoice(lines=2)
    assert plain(total_row(data))[6:] == ["4", "—", "Х", "1 710,55", "Х", "171,05", "1 881,60"]
    data["lines"][1]["packs"] = None
    assert total_row(data)[6] == "—"


def test_splits_vat_by_rate() -> None:
    rows = vat_rows(make_invoice()["totals"])
    assert [plain(row) for row in rows] == [
        ["10 %", "1 710,55", "171,05", "1 881,60"],
        ["Всего", "1 710,55", "171,05", "1 881,60"],
    ]


def test_shows_no_sum_of_vat_where_nothing_is_taxed() -> None:
    data = make_invoice()
    data["totals"] |= {
        "vat": "0.00",
        "vat_by_rate": [data["totals"]["vat_by_rate"][0] | {"rate": "none", "vat": "0.00"}],
    }
    assert (plain(total_row(data))[11], plain(vat_rows(data["totals"])[-1])[2]) == ("—", "—")
    data["totals"]["vat_by_rate"][0]["rate"] = "0"
    assert (plain(total_row(data))[11], plain(vat_rows(data["totals"])[-1])[2]) == ("0,00", "0,00")


def test_says_the_total_and_its_vat_in_words() -> None:
    assert closing_sum(make_invoice()) == (
        "Всего на сумму: Одна тысяча восемьсот восемьдесят один рубль 60 копеек, "
        "в том числе НДС: сто семьдесят один рубль 05 копеек."
    )


def test_says_that_nothing_is_taxed() -> None:
    data = make_invoice()
    data["totals"]["vat_by_rate"][0]["rate"] = "none"
    assert closing_sum(data).endswith(", НДС не облагается.")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0", "Ноль рублей 00 копеек"),
        ("1.01", "Один рубль 01 копейка"),
        ("2.02", "Два рубля 02 копейки"),
        ("5.05", "Пять рублей 05 копеек"),
        ("11.11", "Одиннадцать рублей 11 копеек"),
        ("21.21", "Двадцать один рубль 21 копейка"),
        ("112.14", "Сто двенадцать рублей 14 копеек"),
        ("120.50", "Сто двадцать рублей 50 копеек"),
        ("1200.00", "Одна тысяча двести рублей 00 копеек"),
        ("2000001.99", "Два миллиона один рубль 99 копеек"),
    ],
)
def test_says_rubles_and_kopecks_in_words(value: str, words: str) -> None:
    assert sum_in_words(value) == words


def test_says_a_foreign_sum_with_its_code() -> None:
    assert sum_in_words("10.50", "BYN") == "Десять 50/100 BYN"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 (одно) наименование"),
        (2, "2 (два) наименования"),
        (5, "5 (пять) наименований"),
        (12, "12 (двенадцать) наименований"),
        (21, "21 (двадцать одно) наименование"),
    ],
)
def test_says_the_number_of_lines_in_words(count: int, words: str) -> None:
    assert count_of_goods(count) == words


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (number("1450.500"), "1 450,5"),
        (number("24.000"), "24"),
        (number("0.250"), "0,25"),
        (number("5", signed=True), "+5"),
        (number("0.000", signed=True), "0"),
        (money("1234.5"), "1 234,50"),
        (money("71.2727"), "71,2727"),
        (money("78.4000"), "78,40"),
        (money("-1234567.80"), "−1 234 567,80"),
    ],
)
def test_writes_numbers_the_russian_way(printed: str, expected: str) -> None:
    assert printed.replace("\xa0", " ") == expected


def test_prints_names_as_they_are_and_not_as_markup() -> None:
    data = make_invoice()
    name = "Чай <b>&amp; <para> </font> & «Нури»"
    data["lines"][0]["name"] = name + " и ещё очень много слов" * 8  # wrapped, so drawn as a Paragraph
    data["seller"]["full_name"] = name
    assert text_of(data).count(name) == 2


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\x00b\x1b[31m\u202ec", "ab[31mc"),
        ("в\tдве\nстроки", "в две строки"),
        ("и\u0306огурт", "йогурт"),
        ("мо\u00adло\u200bко", "молоко"),
        ("产品🥛\ufe0f", "???"),
        ("①\u2010Ⅳ", "1-IV"),
        ("1\u202f000 № ₽ ё Қ ½", "1\xa0000 № ₽ ё Қ ½"),
    ],
)
def test_shows_what_the_font_has_and_a_stand_in_for_the_rest(given: str, shown: str) -> None:
    assert printable(given) == shown


def test_survives_the_longest_names_and_largest_sums() -> None:
    data = make_invoice(lines=2)
    data["lines"][1] |= {"name": "Слово" * 3000, "sku": "S" * 200, "barcode": "9" * 60}
    data["lines"][1] |= dict.fromkeys(("quantity", "net_price", "net", "vat", "total"), "99999999999.9999")
    data["payer"]["full_name"] = "Длинное 产品 имя " * 500
    assert "Груз получил" in pages_of(data)[-1]


def test_numbers_each_page_under_the_documents_number() -> None:
    pages = pages_of(make_invoice(lines=60))
    assert len(pages) > 1
    for at, page in enumerate(pages, start=1):
        assert f"Страница {at} из {len(pages)}" in page
        assert "№ МП-26-000123 от 22.11.2026" in page


def test_prints_three_hundred_lines_under_a_repeated_heading() -> None:
    pages = [page for page in pages_of(make_invoice(lines=300)) if "Йогурт" in page]
    assert len(pages) > 5
    assert all("штрихкод" in page for page in pages)
    assert all(any(f"{position:06d}" in page for page in pages) for position in (1, 150, 300))


def test_stamps_every_page_of_an_annulled_invoice() -> None:
    annulled = {"on": "2026-11-23", "reason": "Отказ <покупателя>"}
    pages = pages_of(make_invoice(lines=60, annulled=annulled))
    assert len(pages) > 1
    assert all("АННУЛИРОВАНА" in page for page in pages)
    assert "Аннулирована 23.11.2026. Причина: Отказ <покупателя>" in pages[0]
    assert not any("АННУЛИРОВАНА" in page for page in pages_of(make_invoice()))


def test_prints_a_correction_as_was_became_and_difference() -> None:
    untaxed = make_change(
        vat_rate="none",
        was=make_amounts("2.500", "0.00", "500.00"),
        became=make_amounts("0.000", "0.00", "0.00"),
        difference=make_amounts("-2.500", "0.00", "-500.00"),
    )
    data = make_correction(make_change(), untaxed)
    [taxed, free] = change_rows(data["changes"])
    assert len(taxed) == len(free) == len(CORRECTION_COLUMNS)
    assert plain(taxed)[4:] == [
        *("24", "20", "−4", "10 %"),
        *("171,05", "142,55", "−28,50"),
        *("1 881,60", "1 568,00", "−313,60"),
    ]
    assert plain(free)[4:] == ["2,5", "0", "−2,5", "без НДС", "—", "—", "—", "500,00", "0,00", "−500,00"]
    assert plain(change_total(data["changes"]))[8:] == [
        *("171,05", "142,55", "−28,50"),
        *("2 381,60", "1 568,00", "−813,60"),
    ]
    assert closing_sum(data) == "Сумма накладной уменьшена на: Восемьсот тринадцать рублей 60 копеек."


def test_a_correction_survives_the_largest_sums() -> None:
    amounts = dict.fromkeys(("quantity", "net", "vat", "total"), "99999999999.99")
    change = make_change(name="Слово" * 500, sku="S" * 200, was=amounts, became=amounts, difference=amounts)
    assert "С изменением согласен" in pages_of(make_correction(change))[-1]


def test_calls_a_correction_by_both_numbers() -> None:
    title = "Корректировочная накладная № МПК-26-000004 от 22.11.2026 к накладной № МП-26-000123 от 20.11.2026"
    assert title_of(make_correction()).replace("\xa0", " ") == title
    assert title in text_of(make_correction())


def test_makes_the_same_bytes_in_any_process() -> None:
    data = make_invoice(lines=40, annulled={"on": "2026-11-23", "reason": "Ошибка"})
    program = (
        "import hashlib, json, sys; from shop.orders.documents.pdf import render_invoice as r; "
        "print(hashlib.sha256(r(json.load(sys.stdin))).hexdigest())"
    )
    strange = {"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    other = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(data),
        cwd=ROOT,
        env=os.environ | strange,
        capture_output=True,
        text=True,
        check=True,
    )
    render_invoice(make_invoice())  # what was printed before must not matter either
    assert other.stdout.strip() == hashlib.sha256(render_invoice(data)).hexdigest()


def test_makes_the_same_bytes_from_reordered_keys_and_in_threads() -> None:
    data = make_invoice(lines=5)
    expected = render_invoice(data)
    with ThreadPoolExecutor(4) as threads:
        rendered = list(threads.map(render_invoice, [dict(reversed(data.items()))] * 8))
    assert set(rendered) == {expected}


def test_dates_the_file_by_the_document() -> None:
    reader = PdfReader(io.BytesIO(render_invoice(make_invoice())))
    assert reader.metadata is not None
    assert reader.metadata.creation_date_raw == "D:20261122000000Z"
    assert reader.metadata.title == title_of(make_invoice())
    assert reader.metadata.author == "ООО «Молоко»"
