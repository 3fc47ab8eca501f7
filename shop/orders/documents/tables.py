"""The tables of a document, cell by cell: goods, changes, VAT by rate."""

from decimal import Decimal
from typing import Literal

from shop.money import NO_VAT
from shop.orders.documents.amounts_in_words import money, number, vat_rate
from shop.orders.documents.document_data import Change, Delivery, InvoiceData, Line, Totals, is_taxed
from shop.orders.documents.layout import Column

NOTHING = "—"
NOT_SUMMED = "Х"

VERSIONS = ("было", "стало", "разница")

INVOICE_COLUMNS = (
    Column("№", 19, "center"),
    Column("артикул", 40, "left", "Товар", most=68),
    Column("наименование", 150, "left", "Товар", stretches=True),
    Column("штрихкод", 40, "left", "Товар", most=64),
    Column("наим.", 26, "center", "Единица", most=44),
    Column("код по ОКЕИ", 27, "center", "Единица", most=30),
    Column("Мест", 27),
    Column("Количество", 46),
    Column("Цена без НДС", 42),
    Column("Сумма без НДС", 50),
    Column("ставка", 36, "center", "НДС", most=40),
    Column("сумма", 40, group="НДС"),
    Column("Сумма с НДС", 50),
)
CORRECTION_COLUMNS = (
    Column("№", 19, "center"),
    Column("Артикул", 40, "left", most=68),
    Column("Наименование товара", 130, "left", stretches=True),
    Column("Ед. изм.", 30, "center", most=44),
    *(Column(title, 44, group="Количество") for title in VERSIONS),
    Column("Ставка НДС", 36, "center", most=40),
    *(Column(title, 48, group="Сумма НДС") for title in VERSIONS),
    *(Column(title, 56, group="Сумма с НДС") for title in VERSIONS),
)
VAT_COLUMNS = ("Ставка НДС", "Сумма без НДС", "НДС", "Сумма с НДС")


def line_rows(invoice: InvoiceData) -> list[tuple[str, ...]]:
    """The table as it will be printed, a cell for each of INVOICE_COLUMNS; delivery comes last, as a service."""
    rows = [_line_row(line) for line in invoice["lines"]]
    if delivery := invoice.get("delivery"):
        rows.append(_delivery_row(delivery, len(rows) + 1))
    return rows


def _line_row(line: Line) -> tuple[str, ...]:
    return (
        str(line["position"]),
        line["sku"] or NOTHING,
        line["name"],
        line.get("barcode") or NOTHING,
        line["unit"],
        line.get("okei") or NOTHING,
        _number_or_nothing(line.get("packs")),
        number(line["quantity"]),
        money(line["net_price"]),
        money(line["net"]),
        *_vat_cells(line["vat_rate"], line["vat"]),
        money(line["total"]),
    )


def _delivery_row(delivery: Delivery, position: int) -> tuple[str, ...]:
    return (
        str(position),
        NOTHING,
        f"{delivery['name']} (услуга)",
        *[NOTHING] * 6,
        money(delivery["net"]),
        *_vat_cells(delivery["vat_rate"], delivery["vat"]),
        money(delivery["total"]),
    )


def _vat_cells(rate: str, vat: str) -> tuple[str, str]:
    """Free of VAT and taxed at 0 % are different things: only the second has a sum."""
    return vat_rate(rate), NOTHING if rate == NO_VAT else money(vat)


def _number_or_nothing(value: str | None) -> str:
    return NOTHING if value is None else number(value)


def total_row(invoice: InvoiceData) -> tuple[str, ...]:
    totals, packs = invoice["totals"], [line.get("packs") for line in invoice["lines"]]
    known = [Decimal(count) for count in packs if count is not None]
    return (
        *("", "", "Всего по накладной", "", "", ""),
        number(sum(known, Decimal())) if packs and len(known) == len(packs) else NOTHING,
        _number_or_nothing(totals.get("quantity")),
        NOT_SUMMED,
        money(totals["net"]),
        NOT_SUMMED,
        _vat_of(totals),
        money(totals["total"]),
    )


def _vat_of(totals: Totals) -> str:
    return money(totals["vat"]) if is_taxed(totals) else NOTHING


def change_rows(changes: list[Change]) -> list[tuple[str, ...]]:
    """A cell for each of CORRECTION_COLUMNS."""
    return [_change_row(change) for change in changes]


def _change_row(change: Change) -> tuple[str, ...]:
    was, became, difference = change["was"], change["became"], change["difference"]
    taxed = change["vat_rate"] != NO_VAT
    vat = (money(was["vat"]), money(became["vat"]), money(difference["vat"], signed=True))
    return (
        str(change["position"]),
        change["sku"] or NOTHING,
        change["name"],
        change["unit"],
        *(number(was["quantity"]), number(became["quantity"]), number(difference["quantity"], signed=True)),
        vat_rate(change["vat_rate"]),
        *(vat if taxed else [NOTHING] * 3),
        *(money(was["total"]), money(became["total"]), money(difference["total"], signed=True)),
    )


def change_total(changes: list[Change]) -> tuple[str, ...]:
    vat, total = _sums(changes, "vat"), _sums(changes, "total")
    return ("", "", "Всего по изменённым строкам", "", *[NOT_SUMMED] * 4, *vat, *total)


def _sums(changes: list[Change], what: Literal["vat", "total"]) -> tuple[str, str, str]:
    was = sum((Decimal(change["was"][what]) for change in changes), Decimal())
    became = sum((Decimal(change["became"][what]) for change in changes), Decimal())
    return money(was), money(became), money(became - was, signed=True)


def vat_rows(totals: Totals) -> list[tuple[str, ...]]:
    """A cell for each of VAT_COLUMNS, the sum of all rates last."""
    rates = [
        (*_vat_cells(row["rate"], row["vat"]), money(row["net"]), money(row["total"])) for row in totals["vat_by_rate"]
    ]
    rows = [(rate, net, vat, total) for rate, vat, net, total in rates]
    return [*rows, ("Всего", money(totals["net"]), _vat_of(totals), money(totals["total"]))]
