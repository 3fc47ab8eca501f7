"""A supplier's current list, written so that importing it again changes nothing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import RowMapping, func, select

from shop.auth.models import FREE, Company
from shop.catalog.models import AT_LEAST, BOUND_KINDS, EXACT, ON_ORDER, Category, Offer, StockLevel
from shop.catalog.stock import stated_stock
from shop.database import session
from shop.money import money_text, number_text
from shop.price_lists.reading.original_rows import column_of_parameter
from shop.spreadsheets.cells import APOSTROPHES, FORMULA, NUMBER, WORDS
from shop.spreadsheets.writers import BYTE_ORDER_MARK, CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx

PLAIN = ("sku", "category", "model", "name", "unit", "units_per_pack", "quantity_step", "minimum_quantity", "vat_rate")
COLUMNS = ("id", *PLAIN, "barcode", "price", "price_rrc", "currency", "quantity")
PIECE = 5000
CODE_LIKE = re.compile(r"'*\d+[.,]\d+")

Good = dict[str, Any]


@dataclass(frozen=True)
class Export:
    content_type: str
    file_name: str
    pieces: Iterable[bytes]


def export_price_list(supplier: Company, form: str) -> Export:
    """Listed offers in the order of their ids: yaml, csv or xlsx."""
    write, content_type = FORMATS[form]
    return Export(content_type, f"price-list.{form}", write(supplier))


def _goods(supplier: Company) -> Iterator[Good]:
    last = 0
    while rows := session().execute(_page(supplier, last)).mappings().all():
        last = rows[-1]["offer_id"]
        yield from map(_good, rows)


def _page(supplier: Company, last: int) -> Any:
    return (
        select(
            Offer.id.label("offer_id"),
            Offer.external_id.label("id"),
            *(getattr(Offer, name) for name in PLAIN if name != "category"),
            *(Offer.price, Offer.price_rrc, Offer.currency, Offer.barcodes, Offer.parameters),
            Category.name.label("category"),
            func.coalesce(StockLevel.kind, EXACT).label("stock_kind"),
            func.coalesce(stated_stock(is_free=supplier.stock_means == FREE), 0).label("stock"),
        )
        .outerjoin(Category, Category.id == Offer.category_id)
        .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
        .where(Offer.supplier_id == supplier.id, Offer.is_listed, Offer.id > last)
        .order_by(Offer.id)
        .limit(PIECE)
    )


def _good(row: RowMapping) -> Good:
    good = {name: row[name] for name in ("id", *PLAIN)} | {"currency": row["currency"]}
    for name in ("units_per_pack", "quantity_step", "minimum_quantity"):
        good[name] = None if row[name] is None else number_text(row[name])
    good["price"] = money_text(row["price"])
    good["price_rrc"] = None if row["price_rrc"] is None else money_text(row["price_rrc"])
    good["quantity"] = _stock(row["stock_kind"], row["stock"])
    return good | {"barcodes": row["barcodes"], "parameters": row["parameters"]}


def _stock(kind: str, stock: Decimal) -> str:
    if kind in BOUND_KINDS:
        return f"{'>' if kind == AT_LEAST else ''}{number_text(stock)}"
    return "под заказ" if kind == ON_ORDER else "есть"


def _yaml(supplier: Company) -> Iterator[bytes]:
    """Every text in quotes, as JSON writes it, which is YAML, too."""
    names = (
        select(Category.name)
        .join(Offer, Offer.category_id == Category.id)
        .where(Offer.supplier_id == supplier.id, Offer.is_listed)
        .group_by(Category.name)
        .order_by(Category.name)
    )
    yield b"shop: " + orjson.dumps(supplier.name) + b"\ncategories:"
    categories = list(session().scalars(names))
    yield b"".join(b"\n  - id: %b\n    name: %b" % ((orjson.dumps(name),) * 2) for name in categories) or b" []"
    empty = True
    for good in _goods(supplier):
        yield (b"\ngoods:\n" if empty else b"") + _yaml_good(good)
        empty = False
    if empty:
        yield b"\ngoods: []\n"


def _yaml_good(good: Good) -> bytes:
    parameters = good.pop("parameters")
    lines = [f"{name}: {_json(value)}" for name, value in good.items() if value not in (None, "", [])]
    if parameters:
        lines += ["parameters:", *(f"  {_json(name)}: {_json(value)}" for name, value in parameters.items())]
    return ("  - " + "\n    ".join(lines) + "\n").encode()


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _csv(supplier: Company) -> Iterator[bytes]:
    return write_csv(_table(supplier), delimiter=";", mark=BYTE_ORDER_MARK)


def _xlsx(supplier: Company) -> Iterator[bytes]:
    return write_xlsx(_table(supplier), sheet="price list")


def _table(supplier: Company) -> Iterator[list[Any]]:
    parameters = _parameter_names(supplier)
    yield [*COLUMNS, *map(column_of_parameter, parameters)]
    for good in _goods(supplier):
        yield _cells(good, parameters)


def _parameter_names(supplier: Company) -> list[str]:
    keys = (
        select(func.jsonb_object_keys(Offer.parameters).label("name"))
        .where(Offer.supplier_id == supplier.id, Offer.is_listed)
        .subquery()
    )
    return list(session().scalars(select(keys.c.name).distinct().order_by(keys.c.name)))


def _cells(good: Good, parameters: Sequence[str]) -> list[Any]:
    known = good | {"barcode": ", ".join(good["barcodes"])}
    cells: list[Any] = [_code(known[name]) for name in ("id", "sku")]
    cells += [_text(known[name]) for name in COLUMNS[2:]]
    return cells + [_parameter(good["parameters"], name) for name in parameters]


def _code(text: str) -> str:
    """12.0 is an article number here, not a spreadsheet's 12."""
    return _quoted(text) if CODE_LIKE.fullmatch(text) or APOSTROPHES.match(text) else text


def _text(value: Any) -> Any:
    """An apostrophe that is the supplier's own must not be taken for ours."""
    return _quoted(value) if isinstance(value, str) and APOSTROPHES.match(value) else value or None


def _parameter(parameters: Mapping[str, Any], name: str) -> Any:
    """Text that looks like a number or a truth says that it is text."""
    value = parameters.get(name)
    if not isinstance(value, str):
        return value
    plain = value.lstrip("'")
    is_like = not plain or NUMBER.fullmatch(plain) or plain.casefold() in WORDS or CODE_LIKE.fullmatch(plain)
    return _quoted(value) if is_like else value


def _quoted(text: str) -> str:
    """By one apostrophe; what looks like a formula gets it from the writer."""
    return text if FORMULA.match(text) else f"'{text}"


FORMATS: Mapping[str, tuple[Callable[[Company], Iterator[bytes]], str]] = {
    "yaml": (_yaml, "application/yaml"),
    "csv": (_csv, CSV_TYPE),
    "xlsx": (_xlsx, XLSX_TYPE),
}
