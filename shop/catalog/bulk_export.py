"""The whole catalog as one compressed file, written row by row as the database gives them."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import Connection, RowMapping

from shop.catalog.export_files import ExportFile, export_file
from shop.catalog.feed import AS_OF
from shop.catalog.models import Offer
from shop.catalog.offers import select_offers
from shop.database import db
from shop.spreadsheets.writers import write_csv

Partitions = Iterable[Sequence[RowMapping]]

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
        for part in _compressed(_FORMATS[file_format](_partitions(connection, with_vat))):
            file.write(part)
    return as_of


def _partitions(connection: Connection, with_vat: bool) -> Iterator[Sequence[RowMapping]]:
    statement = select_offers(with_vat=with_vat).where(Offer.is_listed).order_by(Offer.id)
    return connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE}).mappings().partitions()


def _ndjson(partitions: Partitions) -> Iterator[bytes]:
    for rows in partitions:
        yield "".join(f"{row['answer']}\n" for row in rows).encode()


def _csv(partitions: Partitions) -> Iterator[bytes]:
    return write_csv(chain([COLUMNS], (_cells(row) for rows in partitions for row in rows)))


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
    values = (answer[name] for name in COLUMNS)
    return [str(value) if isinstance(value, bool) else value for value in values]  # True, as it has always been here


def _compressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(FAST, zlib.DEFLATED, GZIP)
    for part in parts:
        compressed = compressor.compress(part)
        if compressed:
            yield compressed
    yield compressor.flush()


_FORMATS: dict[str, Callable[[Partitions], Iterator[bytes]]] = {NDJSON: _ndjson, CSV: _csv}
