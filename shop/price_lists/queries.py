"""Price lists and what was wrong with them, for those who may see them."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, select, tuple_

from shop.auth.models import SUPPLIER, Company, User
from shop.database import session
from shop.errors import NotFound
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor
from shop.price_lists.imports.pipeline import PriceListNotFound
from shop.price_lists.models import PriceList, PriceListIssue


class SupplierNotFound(NotFound):
    code = "SupplierNotFound"
    message = "There is no such supplier."


def price_lists(user: User, *, limit: int, cursor: str | None) -> tuple[list[PriceList], str | None]:
    """The newest first: a supplier's own, a manager's all."""
    after = read_cursor(cursor, scope="price-lists", types=(cursor_id,))
    statement = _visible(user).order_by(PriceList.id.desc()).limit(limit + 1)
    if after:
        statement = statement.where(PriceList.id < after[0])
    rows = session().scalars(statement).all()
    return page_of(rows, limit=limit, cursor_of=lambda last: make_cursor(scope="price-lists", key=[last.id]))


def price_list_of(user: User, price_list_id: int) -> PriceList:
    found = session().scalar(_visible(user).where(PriceList.id == price_list_id))
    if found is None:
        raise PriceListNotFound(price_list_id=price_list_id)
    return found


def issues_of(price_list: PriceList, *, limit: int, cursor: str | None) -> tuple[Sequence[PriceListIssue], str | None]:
    """In the order of the file's rows; row 0 is the list as a whole."""
    scope = f"issues:{price_list.id}"
    after = read_cursor(cursor, scope=scope, types=(cursor_id, cursor_id))
    place: Callable[[PriceListIssue], list[Any]] = lambda issue: [issue.row, issue.id]  # noqa: E731
    statement = (
        select(PriceListIssue)
        .where(PriceListIssue.price_list_id == price_list.id)
        .order_by(PriceListIssue.row, PriceListIssue.id)
        .limit(limit + 1)
    )
    if after:
        statement = statement.where(tuple_(PriceListIssue.row, PriceListIssue.id) > tuple_(*after))
    rows = session().scalars(statement).all()
    return page_of(rows, limit=limit, cursor_of=lambda last: make_cursor(scope=scope, key=place(last)))


def supplier_for(user: User, supplier_id: int | None) -> Company:
    """Whose list `user` uploads: a supplier's own, a manager's for the supplier named."""
    if user.is_manager:
        supplier = session().get(Company, supplier_id) if supplier_id else None
    else:
        supplier = user.company if supplier_id in (None, user.company_id) else None
    if supplier is None or supplier.kind != SUPPLIER:
        raise SupplierNotFound(supplier_id=supplier_id)
    return supplier


def _visible(user: User) -> Select[PriceList]:
    statement = select(PriceList)
    return statement if user.is_manager else statement.where(PriceList.supplier_id == user.company_id)
