"""Large lists take turns: one at a time in the whole shop, so that there is always a worker for the small ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import case, func, select

from shop.config import Settings
from shop.database import claimed, session, transaction
from shop.price_lists.models import PriceList

LARGE = "catalog.large_price_list"  # the claim
MIB = 2**20
PACKED = (b"PK", b"\x1f\x8b")  # XLSX and gzip, which hold about so many times their size
UNPACKS_TO = 8


class OthersTurn(Exception):  # noqa: N818 - nothing is wrong
    """Another large list is being imported."""


@contextmanager
def own_turn(price_list_id: int, settings: Settings) -> Iterator[None]:
    """At once for a small list. A large one has its turn, or OthersTurn is raised; a killed worker's turn is over."""
    if not _is_large(price_list_id, settings):
        yield
        return
    with claimed(LARGE, 0) as is_claimed:
        if not is_claimed:
            raise OthersTurn
        yield


def _is_large(price_list_id: int, settings: Settings) -> bool:
    """By its file; a list that is rolled back by that one's, and one whose file is gone may have been large."""
    times = case((func.substr(PriceList.raw, 1, 2).in_(PACKED), UNPACKS_TO), else_=1)
    undone = select(func.coalesce(PriceList.rolls_back_id, PriceList.id)).where(PriceList.id == price_list_id)
    size = select(func.octet_length(PriceList.raw) * times).where(PriceList.id == undone.scalar_subquery())
    with transaction():
        found = session().scalar(size)
    return found is None or found >= settings.large_price_list_mib * MIB
