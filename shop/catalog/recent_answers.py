"""The finished answers of offers that were looked at lately, each kept under the versions of what it is made of.

A row's xmin names the transaction that wrote it, and the catalog's generation follows its suppliers and categories. So
whatever changes what an offer shows gives the answer another key: an old one is not found any more. Finding the
versions of a page takes PostgreSQL a fifth of the time that finishing its answers takes.
"""

from collections.abc import Sequence
from typing import Any, cast

from psycopg.rows import tuple_row
from sqlalchemy import BigInteger, any_, literal_column, select

from shop.catalog.models import CatalogGeneration, Offer
from shop.catalog.offers import select_offers
from shop.db import given_list
from shop.prepared import Prepared
from shop.recent import Recent

VERSIONED: tuple[Any, ...] = (
    Offer.id,
    literal_column("offers.xmin").label("offer_version"),
    literal_column("stock_levels.xmin").label("stock_version"),
    select(CatalogGeneration.number).scalar_subquery().label("generation"),
)
SECONDS = 60  # a database that was set back, or a standby that took over, counts its transactions and snapshots anew
MOST = 20_000  # of some 700 bytes

Key = tuple[Any, ...]  # the values of VERSIONED

BY_ID = Prepared(
    select_offers(*VERSIONED).where(Offer.id == any_(given_list("ids", BigInteger))), row_factory=tuple_row
)

_recent: Recent[Key, str] = Recent(seconds=SECONDS, most=MOST)


def answers_of(keys: Sequence[Key]) -> list[str] | None:
    """In the same order; None where an offer has changed since its key was read, as all must be of one moment.

    Of what is committed alone: a transaction may change its own row twice, and the version stays.
    """
    known = _recent.fresh()
    found = [known.get(key) for key in keys]
    missing = [key[0] for key, answer in zip(keys, found, strict=True) if answer is None] if None in found else ()
    if missing:
        read = {row[:-1]: row[-1] for row in BY_ID.rows({"ids": missing})}
        known |= read
        found = [answer or read.get(key) for key, answer in zip(keys, found, strict=True)]
    return None if None in found else cast(list[str], found)
