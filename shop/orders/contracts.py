"""The contract under which a supplier delivers to a buyer: documents between them name it as their basis."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from shop.db import session
from shop.orders.models import Contract, Order, SupplierOrder


def state_contract(part: SupplierOrder, contract: str | None) -> None:
    """With this part's buyer, from the next document on; None where there is none. What is issued stays as it is."""
    between = {"supplier_id": part.supplier_id, "buyer_id": part.order.company_id}
    if contract is None:
        session().execute(delete(Contract).filter_by(**between))
    else:
        stated = insert(Contract).values(**between, words=contract)
        session().execute(stated.on_conflict_do_update(index_elements=list(between), set_={"words": contract}))


def contracts_of(order: Order, parts: Sequence[SupplierOrder]) -> dict[int, str]:
    """By the supplier's id."""
    statement = select(Contract.supplier_id, Contract.words).where(
        Contract.buyer_id == order.company_id, Contract.supplier_id.in_([part.supplier_id for part in parts])
    )
    return {row.supplier_id: row.words for row in session().execute(statement)}
