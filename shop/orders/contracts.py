"""The contract under which a supplier delivers to a buyer: documents between them name it as their basis."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import Company
from shop.auth.tokens import Acting
from shop.database import session
from shop.http.preconditions import check_version
from shop.orders.models import Contract, ContractStatement, Order, SupplierOrder


def state_contract(part: SupplierOrder, contract: str | None, *, by: Acting, version: int | None = None) -> None:
    """With this part's buyer, from the next document on; None where there is none. What is issued stays as it is.

    Whoever states it leaves a line of history; to say again what holds already changes nothing.
    """
    # There may be no row yet to lock: one at a time per supplier.
    session().execute(select(Company.id).where(Company.id == part.supplier_id).with_for_update(key_share=True))
    stated = contract_between(part)
    check_version(stated["version"], version)
    if contract == stated["contract"]:
        return
    between = _between(part)
    session().add(ContractStatement(**between, words=contract, user_id=by.id))
    if contract is None:
        session().execute(delete(Contract).filter_by(**between))
    else:
        new = insert(Contract).values(**between, words=contract)
        session().execute(new.on_conflict_do_update(index_elements=list(between), set_={"words": contract}))


def contract_between(part: SupplierOrder) -> dict[str, Any]:
    """What holds, its version, and who has stated what, in the order of time."""
    statement = select(ContractStatement).filter_by(**_between(part)).order_by(ContractStatement.id)
    history = session().scalars(statement).all()
    contract = contracts_of(part.order, [part]).get(part.supplier_id)
    return {"contract": contract, "version": history[-1].id if history else 0, "history": history}


def contracts_of(order: Order, parts: Sequence[SupplierOrder]) -> dict[int, str]:
    """By the supplier's id."""
    statement = select(Contract.supplier_id, Contract.words).where(
        Contract.buyer_id == order.company_id, Contract.supplier_id.in_([part.supplier_id for part in parts])
    )
    return {row.supplier_id: row.words for row in session().execute(statement)}


def _between(part: SupplierOrder) -> dict[str, int]:
    return {"supplier_id": part.supplier_id, "buyer_id": part.order.company_id}
