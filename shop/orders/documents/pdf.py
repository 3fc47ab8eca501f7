"""A frozen document as paper: `render_invoice` turns its data into a PDF, the same bytes every time."""

import json
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, cast

from reportlab.platypus import Flowable, Spacer, Table

from shop.money import NBSP
from shop.orders.documents.document_data import InvoiceData
from shop.orders.documents.layout import WIDTH, Closed, Signatures, beside, build, ledger, summary, text
from shop.orders.documents.phrases import (
    annulment,
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
    VAT_COLUMNS,
    change_rows,
    change_total,
    line_rows,
    total_row,
    vat_rows,
)

CURRENCIES = {"RUB": "российский рубль, код 643"}

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

SEAL = f"М.П.{NBSP * 12}«____» ____________________ 20____ г."

# Fonts live in a registry of the whole process: two threads at their first document would register them twice,
# and the second registration takes the font, with the letters used so far, from under the first one's drawing.
_one_at_a_time = Lock()


def render_invoice(data: Mapping[str, Any]) -> bytes:
    """A4 landscape after the form ТОРГ-12, on our own terms; `data` has the shape of InvoiceData."""
    invoice = cast(InvoiceData, data)
    with _one_at_a_time:
        return build(
            [*_top(invoice), *_middle(invoice)],
            title=title_of(invoice),
            author=invoice["seller"].get("short_name") or invoice["seller"]["full_name"],
            made_on=invoice["issued_on"],
            identity=json.dumps(data, sort_keys=True).encode(),
            stamp="АННУЛИРОВАНА" if invoice.get("annulled") else "",
        )


def _top(invoice: InvoiceData) -> Iterable[Flowable]:
    yield text(title_of(invoice), "title")
    if annulled := invoice.get("annulled"):
        yield Spacer(0, 3)
        yield text(annulment(annulled), "alarm")
    yield Spacer(0, 7)
    half = WIDTH / 2
    seller = _box("Поставщик (продавец) и грузоотправитель", party_lines(invoice["seller"]))
    payer = _box("Покупатель (плательщик)", party_lines(invoice["payer"]))
    consignee = _box("Грузополучатель", consignee_lines(invoice["consignee"], invoice["payer"]))
    basis = _box("Основание", basis_lines(invoice))
    yield beside([[seller, payer], [consignee, basis]], [half, half], framed=True)


def _box(caption: str, lines: list[str]) -> list[Flowable]:
    return [text(caption, "caption"), *(text(line, "text" if at else "name") for at, line in enumerate(lines))]


def _middle(invoice: InvoiceData) -> Iterable[Flowable]:
    currency = invoice["currency"]
    yield Spacer(0, 5)
    yield text(f"Валюта: {CURRENCIES.get(currency, currency)}", "caption right")
    yield Spacer(0, 2)
    yield Closed(_ledger(invoice), list(_closing(invoice)))


def _ledger(invoice: InvoiceData) -> Table:
    if invoice["kind"] == "invoice":
        a_good_and_delivery = 2 if invoice.get("delivery") else 1
        return ledger(INVOICE_COLUMNS, line_rows(invoice), total_row(invoice), kept=a_good_and_delivery)
    changes = invoice.get("changes", [])
    return ledger(CORRECTION_COLUMNS, change_rows(changes), change_total(changes))


def _closing(invoice: InvoiceData) -> Iterable[Flowable]:
    """Sums in words, VAT by rate and signatures."""
    left, gap = WIDTH * 0.56, 16.0
    right = WIDTH - left - gap
    said = [text(closing_count(invoice)), Spacer(0, 2), text(closing_sum(invoice), "name")]
    vat = summary(VAT_COLUMNS, vat_rows(invoice["totals"]), right)
    yield Spacer(0, 8)
    yield beside([[said, "", vat]], [left, gap, right])
    yield Signatures(SIGNATURES[invoice["kind"]], SEAL)
