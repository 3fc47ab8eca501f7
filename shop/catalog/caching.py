"""Answers of the catalog are kept so that nobody gets them as they were.

Categories, suppliers and facets under the catalog's generation, among all processes. It changes in the very commit that
changes the catalog (see CatalogGeneration), so a process that dies can leave nothing stale.

Any answer that is not too long under the database's snapshot, in this process: two that are equal see the same rows, as
no transaction has ended between them.

Both are read before the data: what is computed meanwhile is at least as new as its key says.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request
from sqlalchemy import Text, cast, func, literal_column, select

from shop.auth.access import caller
from shop.auth.models import LegalEntity, User
from shop.catalog.models import CatalogGeneration
from shop.catalog.offer_cache import SECONDS
from shop.database.fast_read import Prepared
from shop.expiring_cache import Recent
from shop.http.caching import Versioned, finished, not_modified, remembered, send

SNAPSHOT = cast(func.pg_current_snapshot(), Text)
GENERATION = func.coalesce(select(CatalogGeneration.number).scalar_subquery(), 0)  # 0: never was anything written
STATE = func.concat(GENERATION, " ", SNAPSHOT)
DEDUCTS_VAT = (  # of the company that who is calling belongs to
    select(LegalEntity.vat_deducted)
    .where(LegalEntity.company_id == User.company_id)
    .order_by(LegalEntity.id)
    .limit(literal_column("1"))
    .correlate(User)
    .scalar_subquery()
)
ALONG = func.concat(STATE, " ", DEDUCTS_VAT)
STATE_OF_REQUEST = "shop.catalog_state"
READ_STATE = Prepared(select(STATE.label("state")))
MOST, LONGEST = 300, 2**16  # bytes
LIFETIME = 15 * 60
LIFETIME_WITH_STOCK = 60  # stock moves with every order and does not raise the generation


def deducts_vat() -> bool:
    """Whether who is calling buys for a company that gets back the VAT it pays: it compares prices without."""
    return _along().endswith(" t")


def catalog_generation() -> int:
    return _generation(_read_state())


def known_answer(compute: Callable[[], Any]) -> Response:
    """To this address and query, whoever asks that compares with VAT or without it as this caller does.

    Computed where anything was written since it was computed last.
    """
    return send(_known() or _keep(finished(compute())))


def cached_answer(
    name: str, compute: Callable[[], Any], *, varies_by: Any = None, depends_on_stock: bool = False
) -> Response:
    """`name` and `varies_by` are all that the answer depends on, besides the catalog."""
    if known := _known():
        return send(known)
    digest = hashlib.blake2b(orjson.dumps(varies_by, default=str, option=orjson.OPT_SORT_KEYS), digest_size=12)
    key = f"catalog:{_generation(_state())}:{name}:{digest.hexdigest()}"
    etag = None if depends_on_stock else hashlib.blake2b(key.encode(), digest_size=12).hexdigest()
    if etag and (unchanged := not_modified(etag)):
        return unchanged
    seconds = LIFETIME_WITH_STOCK if depends_on_stock else LIFETIME
    text = remembered(key, lambda: orjson.dumps(compute()).decode(), seconds=seconds)
    answer = finished(text, etag=etag)
    return send(answer if depends_on_stock else _keep(answer))  # what is a minute old shall not get older


def _known() -> Versioned | None:
    state, answer = _recent.fresh().get(_asked(), (None, None))
    return answer if state == _state() else None


def _keep(answer: Versioned) -> Versioned:
    if len(answer.body) <= LONGEST:
        _recent[_asked()] = _state(), answer
    return answer


def _asked() -> tuple[str, bytes, bool]:
    return request.path, request.query_string, deducts_vat()


def _state() -> str:
    """Of the database as it was before this request read anything else."""
    kept: dict[str, str] = request.environ
    if STATE_OF_REQUEST not in kept:
        kept[STATE_OF_REQUEST] = _read_state()
    return kept[STATE_OF_REQUEST]


def _read_state() -> str:
    """The generation and the snapshot: read with the token, or now where there is none."""
    return _along().rpartition(" ")[0] or str(READ_STATE.rows()[0]["state"])


def _along() -> str:
    """What was read with the token: ALONG."""
    found = caller()
    return str(found.along) if found and found.along else ""


def _generation(state: str) -> int:
    return int(state.partition(" ")[0])


_recent: Recent[tuple[str, bytes, bool], tuple[str, Versioned]] = Recent(seconds=SECONDS, most=MOST)
