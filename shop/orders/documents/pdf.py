"""A frozen invoice as paper: `render_invoice` turns its data into a PDF, the same bytes every time."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from threading import Lock
from typing import Any, Literal, NotRequired, TypedDict, cast

from reportlab.platypus import Flowable, KeepTogether, Spacer

from shop.orders.documents.layout import WIDTH, Column, beside, build, ledger, signature, summary, text
from shop.orders.documents.words import (
    NBSP,
    count_of_goods,
    day,
    money,
    number,
    sum_in_words,
    vat_rate,
)


class Bank(TypedDict):
    name: str | None
    bik: str | None
    account: str | None
    correspondent_account: str | None


class Party(TypedDict):
    full_name: str
    short_name: str | None
    inn: str
    kpp: str | None
    ogrn: str | None
    address: str | None
    bank: Bank | None


class Consignee(TypedDict):
    name: str
    address: str | None
    phone: str | None


class Line(TypedDict):
    """`price` is the agreed one, for the record; paper shows `net_price`. `vat_rate` is a percentage or "none"."""

    position: int
    sku: str
    barcode: str | None
    name: str
    unit: str
    okei: str | None
    packs: str | None
    quantity: str
    price: str
    net_price: str
    net: str
    vat_rate: str
    vat: str
    total: str


class Delivery(TypedDict):
    name: str
    net: str
    vat_rate: str
    vat: str
    total: str


class VatByRate(TypedDict):
    rate: str
    net: str
    vat: str
    total: str


class Totals(TypedDict):
    """With delivery in every sum; `lines` counts goods alone. In a correction: as the sums BECAME."""

    quantity: str | None
    net: str
    vat: str
    total: str
    vat_by_rate: list[VatByRate]
    lines: int


class Corrected(TypedDict):
    number: str
    issued_on: str


class Change(TypedDict):
    """One corrected line; sums are with VAT. Delivery has neither unit nor quantities."""

    position: int
    sku: str | None
    name: str
    unit: str | None
    quantity_was: str | None
    quantity_became: str | None
    quantity_difference: str | None
    total_was: str
    total_became: str
    total_difference: str


class Annulled(TypedDict):
    on: str
    reason: str | None


class InvoiceData(TypedDict):
    """What an invoice remembers, as its JSONB column holds it: money as decimal strings, days as ISO strings."""

    kind: Literal["invoice", "correction"]
    number: str
    issued_on: str
    time_zone: str
    order_number: str
    client_reference: str | None
    contract: str | None
    shipment_on: str | None
    currency: str
    seller: Party
    payer: Party
    consignee: Consignee
    lines: list[Line]
    delivery: Delivery | None
    totals: Totals
    corrects: NotRequired[Corrected]
    changes: NotRequired[list[Change]]
    annulled: NotRequired[Annulled | None]


NOTHING = "—"
NOT_SUMMED = "Х"
CURRENCIES = {"RUB": "российский рубль, код 643"}

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
    Column("Наименование товара", 150, "left", stretches=True),
    Column("Ед. изм.", 30, "center", most=44),
    *(Column(title, 50, group="Количество") for title in ("было", "стало", "разница")),
    *(Column(title, 62, group="Сумма с НДС") for title in ("было", "стало", "разница")),
)
VAT_COLUMNS = ("Ставка НДС", "Сумма без НДС", "НДС", "Сумма с НДС")

PERSON = ("должность", "подпись", "расшифровка подписи")
SIGNATURES = {
    "invoice": (
        (("Отпуск разрешил", PERSON), ("Груз принял", PERSON)),
        (("Главный бухгалтер", PERSON[1:]), ("Груз получил", PERSON)),
        (("Отпуск груза произвёл", PERSON), ("По доверенности", ("номер, дата", "кем и кому выдана"))),
    ),
    "correction": (
        (("Изменение разрешил", PERSON), ("С изменением согласен", PERSON)),
        (("Главный бухгалтер", PERSON[1:]), ("Главный бухгалтер", PERSON[1:])),
    ),
}

# Fonts live in a registry of the whole process: two threads at their first document would register them twice,
# and the second registration takes the font, with the letters used so far, from under the first one's drawing.
_one_at_a_time = Lock()


def render_invoice(data: Mapping[str, Any]) -> bytes:
    """A4 landscape after the form ТОРГ-12, on our own terms; `data` has the shape of InvoiceData."""
    invoice = cast(InvoiceData, data)
    with _one_at_a_time:
        return build(
            [*_top(invoice), *_middle(invoice), _bottom(invoice)],
            title=title_of(invoice),
            author=invoice["seller"].get("short_name") or invoice["seller"]["full_name"],
            made_on=invoice["issued_on"],
            identity=json.dumps(data, sort_keys=True).encode(),
            stamp="АННУЛИРОВАНА" if invoice.get("annulled") else "",
        )


def title_of(invoice: InvoiceData) -> str:
    own = f"№{NBSP}{invoice['number']} от{NBSP}{day(invoice['issued_on'])}"
    if invoice["kind"] == "invoice":
        return f"Товарная накладная {own}"
    earlier = invoice["corrects"]
    return (
        f"Корректировочная накладная {own} к{NBSP}накладной №{NBSP}{earlier['number']} от{NBSP}"
        f"{day(earlier['issued_on'])}"
    )


def _top(invoice: InvoiceData) -> Iterable[Flowable]:
    yield text(title_of(invoice), "title")
    if annulled := invoice.get("annulled"):
        yield Spacer(0, 3)
        yield text(_annulment(annulled), "alarm")
    yield Spacer(0, 7)
    half = WIDTH / 2
    seller = _box("Поставщик (продавец) и грузоотправитель", party_lines(invoice["seller"]))
    payer = _box("Покупатель (плательщик)", party_lines(invoice["payer"]))
    consignee = _box("Грузополучатель", consignee_lines(invoice["consignee"]))
    basis = _box("Основание", basis_lines(invoice))
    yield beside([[seller, payer], [consignee, basis]], [half, half], framed=True)


def _annulment(annulled: Annulled) -> str:
    reason = annulled.get("reason")
    return f"Аннулирована {day(annulled['on'])}" + (f". Причина: {reason}" if reason else "")


def _box(caption: str, lines: list[str]) -> list[Flowable]:
    return [text(caption, "caption"), *(text(line, "text" if at else "name") for at, line in enumerate(lines))]


def party_lines(party: Party) -> list[str]:
    """The name first, then what is known of registration, address and bank."""
    registered = _known(("ИНН", party["inn"]), ("КПП", party.get("kpp")), ("ОГРН", party.get("ogrn")))
    name = party["full_name"] or party.get("short_name")
    return [line for line in (name, registered, party.get("address"), _bank_line(party.get("bank"))) if line]


def _bank_line(bank: Bank | None) -> str:
    if bank is None:
        return ""
    return _known(
        ("р/с", bank.get("account")),
        ("в банке", bank.get("name")),
        ("БИК", bank.get("bik")),
        ("к/с", bank.get("correspondent_account")),
    )


def _known(*facts: tuple[str, str | None]) -> str:
    return ", ".join(f"{label}{NBSP}{value}" for label, value in facts if value)


def consignee_lines(consignee: Consignee) -> list[str]:
    phone = _known(("тел.", consignee.get("phone")))
    return [line for line in (consignee["name"], consignee.get("address"), phone) if line]


def basis_lines(invoice: InvoiceData) -> list[str]:
    theirs, planned = invoice.get("client_reference"), invoice.get("shipment_on")
    lines = (
        invoice.get("contract"),
        f"Заказ №{NBSP}{invoice['order_number']}",
        f"Номер заказа у покупателя: {theirs}" if theirs else None,
        f"Плановая отгрузка: {day(planned)}" if planned else None,
    )
    return [line for line in lines if line]


def _middle(invoice: InvoiceData) -> Iterable[Flowable]:
    currency = invoice["currency"]
    yield Spacer(0, 5)
    yield text(f"Валюта: {CURRENCIES.get(currency, currency)}", "caption right")
    yield Spacer(0, 2)
    if invoice["kind"] == "correction":
        changes = invoice.get("changes", [])
        yield ledger(CORRECTION_COLUMNS, change_rows(changes), change_total(changes))
    else:
        yield ledger(INVOICE_COLUMNS, line_rows(invoice), total_row(invoice))


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
    return vat_rate(rate), NOTHING if rate == "none" else money(vat)


def _number_or_nothing(value: str | None, *, signed: bool = False) -> str:
    return NOTHING if value is None else number(value, signed=signed)


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
        money(totals["vat"]),
        money(totals["total"]),
    )


def change_rows(changes: list[Change]) -> list[tuple[str, ...]]:
    """A cell for each of CORRECTION_COLUMNS."""
    return [
        (
            str(change["position"]),
            change.get("sku") or NOTHING,
            change["name"],
            change.get("unit") or NOTHING,
            _number_or_nothing(change["quantity_was"]),
            _number_or_nothing(change["quantity_became"]),
            _number_or_nothing(change["quantity_difference"], signed=True),
            money(change["total_was"]),
            money(change["total_became"]),
            money(change["total_difference"], signed=True),
        )
        for change in changes
    ]


def change_total(changes: list[Change]) -> tuple[str, ...]:
    was, became = (sum((Decimal(c[key]) for c in changes), Decimal()) for key in ("total_was", "total_became"))
    sums = (money(was), money(became), money(became - was, signed=True))
    return ("", "", "Всего по изменённым строкам", "", *[NOT_SUMMED] * 3, *sums)


def _bottom(invoice: InvoiceData) -> Flowable:
    """Sums in words, VAT by rate and signatures, which stay on one page together."""
    left, gap = WIDTH * 0.56, 16.0
    right = WIDTH - left - gap
    said = [text(closing_count(invoice)), Spacer(0, 2), text(closing_sum(invoice), "name")]
    vat = summary(VAT_COLUMNS, vat_rows(invoice["totals"]), right)
    return KeepTogether([Spacer(0, 8), beside([[said, "", vat]], [left, gap, right]), *_signatures(invoice["kind"])])


def closing_count(invoice: InvoiceData) -> str:
    if invoice["kind"] == "correction":
        return f"Изменено строк накладной: {len(invoice.get('changes', []))}. Справа: суммы после корректировки."
    delivery = " и услугу доставки" if invoice.get("delivery") else ""
    return f"Накладная содержит {count_of_goods(invoice['totals']['lines'])} товара{delivery}."


def closing_sum(invoice: InvoiceData) -> str:
    totals, currency = invoice["totals"], invoice["currency"]
    if invoice["kind"] == "correction":
        return _closing_difference(invoice.get("changes", []), currency)
    taxed = any(row["rate"] != "none" for row in totals["vat_by_rate"])
    vat = sum_in_words(totals["vat"], currency)
    tail = f"в том числе НДС: {vat[:1].lower()}{vat[1:]}" if taxed else "НДС не облагается"
    return f"Всего на сумму: {sum_in_words(totals['total'], currency)}, {tail}."


def _closing_difference(changes: list[Change], currency: str) -> str:
    difference = sum((Decimal(change["total_difference"]) for change in changes), Decimal())
    if not difference:
        return "Сумма накладной не изменилась."
    direction = "увеличена" if difference > 0 else "уменьшена"
    return f"Сумма накладной {direction} на: {sum_in_words(difference, currency)}."


def vat_rows(totals: Totals) -> list[tuple[str, ...]]:
    """A cell for each of VAT_COLUMNS, the sum of all rates last."""
    rates = [
        (*_vat_cells(row["rate"], row["vat"]), money(row["net"]), money(row["total"])) for row in totals["vat_by_rate"]
    ]
    rows = [(rate, net, vat, total) for rate, vat, net, total in rates]
    return [*rows, ("Всего", money(totals["net"]), money(totals["vat"]), money(totals["total"]))]


def _signatures(kind: str) -> Iterable[Flowable]:
    gap = 28.0
    half = (WIDTH - gap) / 2
    yield Spacer(0, 4)
    for row in SIGNATURES[kind]:
        ours, theirs = (signature(label, captions, half) for label, captions in row)
        yield beside([[ours, "", theirs]], [half, gap, half])
    seal = text(f"М.П.{NBSP * 12}«____» ____________________ 20____ г.")
    yield Spacer(0, 8)
    yield beside([[seal, "", seal]], [half, gap, half])
