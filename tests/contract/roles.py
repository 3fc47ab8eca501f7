"""Somebody of each role, in a world where there is something of everything."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from shop.auth.models import AccessToken, User
from shop.catalog.models import Offer, SupplierCategory
from shop.companies.invitations import invite_member
from shop.database import session, transaction
from shop.orders.models import Invoice, OrderLine
from shop.orders.parts.lifecycle import fulfill_order
from tests.factories.auth import bearer, make_api_key, make_company, make_contact, make_user
from tests.factories.orders import make_order
from tests.price_lists.lists import good, list_of, run_import

ROLES = ("anonymous", "buyer", "supplier", "manager")


@dataclass(frozen=True)
class World:
    """`ids` are of what exists, by the names that parameters and fields have."""

    app: Flask
    role: str
    users: dict[str, User]
    ids: dict[str, Any]

    def headers(self) -> dict[str, str]:
        """A session of its own each time: an operation that ends one does not silence those after it."""
        return {} if self.role == "anonymous" else bearer(self.users[self.role])

    def fill(self, values: Any) -> Any:
        """What was invented, with the ids of this world in place of invented ones."""
        if isinstance(values, dict):
            return {name: self.ids.get(name, self.fill(value)) for name, value in values.items()}
        return [self.fill(value) for value in values] if isinstance(values, list) else values


def make_world(app: Flask, role: str) -> World:
    company = make_company()
    users = {"buyer": make_user("buyer", company=company), "supplier": make_user("supplier")}
    users["manager"] = make_user("manager")
    supplier = users["supplier"].company
    assert supplier
    run_import(app, supplier, list_of(good(1, sku="000104"), good(2), good(3, price="no price")))
    held = run_import(app, supplier, list_of(good(1, price="900.00", sku="000104"), good(2)))
    contact = make_contact(users["buyer"])
    with app.app_context():
        offer_ids = session().scalars(select(Offer.id).order_by(Offer.id)).all()
    order = make_order({offer_ids[1]: 2}, buyer=users["buyer"], contact=contact)
    make_order({offer_ids[1]: 3}, buyer=users["buyer"], contact=contact)
    ids = {
        "offer_id": offer_ids[1],
        "offer_ids": [offer_ids[1]],
        "supplier_id": supplier.id,
        "company_id": make_company("supplier", status="pending").id,
        "contact_id": contact.id,
        "order_id": order.id,
        "part_id": order.parts[0].id,
        "user_id": make_user(company=company).id,
        "price_list_id": held.id,
        "provider": "google",
        "sku": "000104",
        "columns": {"Цена": "price"},
        "If-Match": "*",
    }
    make_api_key(users["buyer"], "account:read")
    bearer(users["buyer"])
    with app.app_context(), transaction() as current:
        manager, owner = current.merge(users["manager"]), current.merge(users["buyer"])
        fulfill_order(order.id, by=manager)
        ids["invitation_id"] = invite_member("x@chain.example", lifetime=timedelta(hours=1), locale="ru", by=owner).id
        ids |= _read_ids(owner, offer_ids[1])
    return World(app, role, users, ids)


def _read_ids(buyer: User, offer_id: int) -> dict[str, Any]:
    offer = session().get_one(Offer, offer_id)
    tokens = select(AccessToken.id).filter_by(user_id=buyer.id).order_by(AccessToken.id)
    api_key_id, session_id = session().scalars(tokens)
    return {
        "product_id": offer.product_id,
        "category_id": offer.category_id,
        "supplier_category_id": session().scalars(select(SupplierCategory.id)).first(),
        "invoice_id": session().scalars(select(Invoice.id)).one(),
        "line_id": session().scalars(select(OrderLine.id).order_by(OrderLine.id)).first(),
        "api_key_id": api_key_id,
        "session_id": session_id,
    }
