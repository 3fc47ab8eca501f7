"""A supplier's file arrives: it is kept as it is, and a worker imports it."""

import hashlib

from shop.auth.models import SUPPLIER, Company, User
from shop.catalog.events import PriceListReceived
from shop.catalog.price_lists.models import FULL, PriceList
from shop.db import session
from shop.errors import Invalid
from shop.outbox.events import publish

LONGEST_FILE_NAME = 255


class EmptyFile(Invalid):
    code = "EmptyFile"
    message = "The file is empty."


class NotASupplier(Invalid):
    code = "NotASupplier"
    message = "Only a supplier has price lists; say whose list this is."


def receive_price_list(
    supplier: Company, *, file_name: str, raw: bytes, mode: str = FULL, source: str = "upload", by: User | None
) -> PriceList:
    """Mode full withdraws what the list does not name, update leaves it, stock_only takes nothing but quantities."""
    if supplier.kind != SUPPLIER:
        raise NotASupplier
    if not raw.strip():
        raise EmptyFile
    price_list = PriceList(
        supplier_id=supplier.id,
        user_id=by.id if by else None,
        source=source,
        mode=mode,
        file_name=_clean(file_name),
        sha256=hashlib.sha256(raw).digest(),
        raw=raw,
    )
    session().add(price_list)
    session().flush()
    publish(PriceListReceived(price_list_id=price_list.id))
    return price_list


def _clean(file_name: str) -> str:
    """Only ever shown: no folders, nothing that cannot be stored."""
    name = file_name.replace("\\", "/").rpartition("/")[2].encode(errors="replace").decode()
    return "".join(character for character in name if character.isprintable())[:LONGEST_FILE_NAME] or "price list"
