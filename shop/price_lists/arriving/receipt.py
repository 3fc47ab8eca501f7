"""A supplier's list arrives as a file, which is kept as it is, or as an address; a worker imports it."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from shop.auth.models import SUPPLIER, Company, User
from shop.catalog.events import PriceListReceived
from shop.database import session
from shop.errors import Conflict, Invalid
from shop.http.outgoing import check_url
from shop.outbox.events import publish
from shop.price_lists.import_terms import terms_for
from shop.price_lists.models import PriceList

LONGEST_FILE_NAME = 255


class EmptyFile(Invalid):
    code = "EmptyFile"
    message = "The file is empty."


class NotASupplier(Invalid):
    code = "NotASupplier"
    message = "Only a supplier has price lists; say whose list this is."


class SupplierNotApproved(Conflict):
    """Anybody can register; what nobody has looked at yet does not reach the one catalog that all share."""

    code = "SupplierNotApproved"
    message = "Your company is waiting for approval. Send price lists once it is approved."


def receive_price_list(
    supplier: Company,
    *,
    file_name: str,
    raw: bytes,
    mode: str | None = None,
    layout: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    source: str = "upload",
    by: User | None,
) -> PriceList:
    """Mode full withdraws what the list does not name, update leaves it, the others take prices and stock, or stock.

    `layout` (columns, headings) says what a table's columns mean. What is left out is as it was the last time. A
    `dry_run` only shows what the list would do, and nothing of it is remembered.
    """
    if not raw.strip():
        raise EmptyFile
    return _receive(
        supplier,
        mode=mode,
        layout=layout,
        dry_run=dry_run,
        source=source,
        by=by,
        file_name=_clean(file_name),
        sha256=hashlib.sha256(raw).digest(),
        raw=raw,
    )


def receive_address(
    supplier: Company,
    *,
    url: str,
    mode: str | None = None,
    layout: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    by: User | None,
) -> PriceList:
    """The same for a file that a worker will fetch."""
    check_url(url)
    name = _clean(urlsplit(url).path)
    values = {"source": "url", "file_name": name, "url": url}
    return _receive(supplier, mode=mode, layout=layout, dry_run=dry_run, by=by, **values)


def _receive(
    supplier: Company,
    *,
    mode: str | None,
    layout: Mapping[str, Any] | None,
    dry_run: bool,
    by: User | None,
    **values: Any,
) -> PriceList:
    if supplier.kind != SUPPLIER:
        raise NotASupplier
    if not supplier.is_active:
        raise SupplierNotApproved
    terms = terms_for(supplier)
    kept_as = "mode" if values["source"] == "url" else "upload_mode"
    chosen = _chosen(kept_as, mode, layout or {})
    if not dry_run:
        for name, value in chosen.items():
            setattr(terms, name, value)
    taken = {name: getattr(terms, name) for name in (kept_as, "columns", "headings")} | chosen
    price_list = PriceList(
        supplier_id=supplier.id,
        user_id=by.id if by else None,
        mode=taken[kept_as],
        layout={"columns": taken["columns"], "headings": taken["headings"]},
        is_dry_run=dry_run,
        **values,
    )
    session().add(price_list)
    session().flush()
    publish(PriceListReceived(price_list_id=price_list.id))
    return price_list


def _chosen(kept_as: str, mode: str | None, layout: Mapping[str, Any]) -> dict[str, Any]:
    """What columns mean is the same for all files of a supplier; the mode of files is not that of its address."""
    columns, headings = layout.get("columns"), layout.get("headings")
    given = {kept_as: mode, "columns": None if columns is None else dict(columns), "headings": headings}
    return {name: value for name, value in given.items() if value is not None}


def _clean(file_name: str) -> str:
    """Only ever shown: no folders, nothing that cannot be stored."""
    name = file_name.replace("\\", "/").rpartition("/")[2].encode(errors="replace").decode()
    return "".join(character for character in name if character.isprintable())[:LONGEST_FILE_NAME] or "price list"
