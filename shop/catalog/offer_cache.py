"""The finished answers of offers that were looked at lately, each kept under the versions of what it is made of.

A row's xmin names the transaction that wrote it, and the catalog's generation follows its suppliers and categories. So
whatever changes what an offer shows gives the answer another key: an old one is not found any more. Finding the
versions of a page takes PostgreSQL a fifth of the time that finishing its answers takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from psycopg.rows import tuple_row
from sqlalchemy import BigInteger, any_, literal_column, select

from shop.catalog.models import CatalogGeneration, Offer
from shop.catalog.offers import select_offers
from shop.database import given_list
from shop.database.fast_read import Prepared
from shop.expiring_cache import Recent

VERSIONED: tuple[Any, ...] = (
    Offer.id,
    literal_column("offers.xmin").label("offer_version"),
    literal_column("stock_levels.xmin").label("stock_version"),
    select(CatalogGeneration.number).scalar_subquery().label("generation"),
)
SECONDS = 60  # a database that was set back, or a standby that took over, counts its transactions and snapshots anew
MOST = 20_000  # of some 700 bytes

Key = tuple[Any, ...]  # the values of VERSIONED

BY_ID = {
    with_vat: Prepared(
        select_offers(*VERSIONED, with_vat=with_vat).where(Offer.id == any_(given_list("ids", BigInteger))),
        row_factory=tuple_row,
    )
    for with_vat in (True, False)
}

_recent: Mapping[bool, Recent[Key, str]] = {
    with_vat: Recent(seconds=SECONDS, most=MOST // 2) for with_vat in (True, False)
}


def answers_of(keys: Sequence[Key], *, with_vat: bool = True) -> list[str] | None:
    """In the same order; None where an offer has changed since its key was read, as all must be of one moment.

    Of what is committed alone: a transaction may change its own row twice, and the version stays.
    """
    known = _recent[with_vat].fresh()
    found = [known.get(key) for key in keys]
    missing = [key[0] for key, answer in zip(keys, found, strict=True) if answer is None] if None in found else ()
    if missing:
        read = {row[:-1]: row[-1] for row in BY_ID[with_vat].rows({"ids": missing})}
        known |= read
        found = [answer or read.get(key) for key, answer in zip(keys, found, strict=True)]
    return None if None in found else cast(list[str], found)
