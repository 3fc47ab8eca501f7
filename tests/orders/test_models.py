"""The tables of orders: what they refer to cannot be deleted, whatever a later story tries."""

import pytest
from flask import Flask
from sqlalchemy import ForeignKeyConstraint, and_, delete, exists, select
from sqlalchemy.exc import IntegrityError

from shop.database import Base, session, transaction
from shop.orders.parts.lifecycle import fulfill_order
from tests.factories.auth import make_user
from tests.factories.orders import make_order

KEPT = ("orders", "supplier_orders", "order_lines", "order_events", "invoices")


@pytest.mark.parametrize("name", KEPT)
def test_the_database_deletes_nothing_that_an_order_refers_to(app: Flask, name: str) -> None:
    order, manager = make_order(), make_user("manager")
    with app.app_context(), transaction() as current:
        by = current.merge(manager)
        fulfill_order(order.id, by=by)
    references = Base.metadata.tables[name].foreign_key_constraints
    assert references
    for reference in references:
        target = reference.referred_table
        referred = exists().where(and_(*_pairs(reference)))
        with app.app_context():
            assert session().execute(select(target).where(referred)).first(), f"no {target.name} to try it with"
        with pytest.raises(IntegrityError, match="foreign key"), app.app_context(), transaction() as current:
            current.execute(delete(target).where(referred))


def _pairs(reference: ForeignKeyConstraint) -> list:
    return [element.parent == element.column for element in reference.elements]
