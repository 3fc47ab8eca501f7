"""The whole catalog as one compressed file, written row by row as the database gives them."""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import Connection, RowMapping

from shop.catalog.export_files import ExportFile, export_file
from shop.catalog.feed import AS_OF
from shop.catalog.models import Offer
from shop.catalog.offers import select_offers
from shop.database import db

Rows = Sequence[RowMapping]

NDJSON, CSV = "ndjson", "csv"
ROWS_AT_ONCE = 200
GZIP = 31  # zlib's word for a gzip header
FAST = 4

COLUMNS = (
    "id", "product_id", "supplier_id", "supplier", "external_id", "sku", "name", "model", "category_id", "category",
    "price", "price_rrc", "currency", "vat_rate", "price_includes_vat", "unit", "unit_code", "quantity_step",
    "minimum_quantity", "units_per_pack", "base_price", "base_unit", "barcodes", "stock_kind", "available",
    "is_orderable", "revision", "updated_at", "parameters", "price_with_vat", "compare_price", "compare_includes_vat",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_catalog(file_format: str, *, generation: int, folder: Path, with_vat: bool = True) -> ExportFile:
    """Listed offers of active suppliers by id, as gzip. One statement, so one moment: never half a price list.

    To be called outside of a transaction: who waits here while another writes the file must hold no connection.
    """
    return export_file(
        folder,
        generation=generation,
        suffix=f"{'' if with_vat else 'net.'}{file_format}.gz",
        write=lambda file: _write(file, file_format, with_vat),
    )


def _write(file: BinaryIO, file_format: str, with_vat: bool) -> datetime:
    """The moment is read before the data."""
    with db.engine.connect() as connection:
        as_of: datetime = connection.scalar(AS_OF)
        for part in _compressed(map(_FORMATS[file_format], _partitions(connection, with_vat))):
            file.write(part)
    return as_of


def _partitions(connection: Connection, with_vat: bool) -> Iterator[Rows | None]:
    """None first: the place of a heading."""
    yield None
    statement = select_offers(with_vat=with_vat).where(Offer.is_listed).order_by(Offer.id)
    yield from connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE}).mappings().partitions()


def _ndjson(rows: Rows | None) -> bytes:
    return "".join(f"{row['answer']}\n" for row in rows or ()).encode()


def _csv(rows: Rows | None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([COLUMNS] if rows is None else (_cells(row) for row in rows))
    return text.getvalue().encode()


def _cells(row: RowMapping) -> list[Any]:
    answer = orjson.loads(row["answer"])
    stock, category = answer["stock"], answer["category"] or {"id": None, "name": None}
    answer |= {
        "supplier": answer["supplier"]["name"],
        "supplier_id": answer["supplier"]["id"],
        "category": category["name"],
        "category_id": category["id"],
        "barcodes": " ".join(answer["barcodes"]),
        "stock_kind": stock["kind"],
        "available": stock["available"],
        "parameters": orjson.dumps(answer["parameters"]).decode(),
    }
    return [_cell(answer[name]) for name in COLUMNS]


def _cell(value: Any) -> Any:
    """A spreadsheet runs what looks like a formula; an apostrophe before it makes it text."""
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA) else value


def _compressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(FAST, zlib.DEFLATED, GZIP)
    for part in parts:
        compressed = compressor.compress(part)
        if compressed:
            yield compressed
    yield compressor.flush()


_FORMATS: dict[str, Callable[[Rows | None], bytes]] = {NDJSON: _ndjson, CSV: _csv}
