"""Loads the demo through the product's own stories. Killed in the middle, it goes on where it stopped."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from ryaml import loads
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from shop.auth.models import ACTIVE, MANAGER, Company, LegalEntity, User
from shop.auth.passwords import hash_password
from shop.catalog.models import Offer
from shop.companies.models import Contact
from shop.config import Settings
from shop.database import now, session, transaction
from shop.orders.parts.lifecycle import move
from shop.orders.parts.row_locks import lock_order
from shop.orders.placing.placement import place_order
from shop.orders.states import ASSEMBLED, CANCELED, CONFIRMED, DELIVERED, SENT
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.pipeline import import_price_list
from shop.price_lists.models import FULL, PriceList

DATA = Path(__file__).parent / "data"
PASSWORD = "demo-password-1234"  # noqa: S105 - published on purpose, and refused in production
WAY = (CONFIRMED, ASSEMBLED, SENT, DELIVERED)

Say = Callable[[str], None]


def is_loaded() -> bool:
    """The manager comes last, together with the orders."""
    return session().scalar(select(User.id).filter_by(role=MANAGER, email="manager@demo.example")) is not None


def load_demo_data(settings: Settings, *, say: Say) -> None:
    companies = _read("companies.yaml")
    with transaction():
        _make_companies(companies)
        _make_people(user for user in companies["users"] if user["role"] != MANAGER)
    for supplier in companies["suppliers"]:
        say(f"  {supplier['name']}: {_import(supplier, settings)}")
    with transaction():
        [manager] = _make_people(user for user in companies["users"] if user["role"] == MANAGER)
        orders = _read("orders.yaml")["orders"]
        for order in orders:
            _place(order, manager)
    say(f"  {len(orders)} orders in different states")


def _read(name: str) -> Any:
    return loads((DATA / name).read_text("utf-8"))


def _make_companies(companies: Any) -> None:
    known = set(session().scalars(select(Company.name)))
    for kind in ("supplier", "buyer"):
        for data in companies[f"{kind}s"]:
            if data["name"] not in known:
                session().add(_company(kind, data))
    session().flush()


def _company(kind: str, data: Any) -> Company:
    company = Company(kind=kind, name=data["name"], status=ACTIVE)
    for sum_field in ("delivery_fee", "free_delivery_from", "minimum_order"):
        if data.get(sum_field) is not None:
            setattr(company, sum_field, Decimal(str(data[sum_field])))
    for field in ("accepts_orders", "stock_means", "price_includes_vat"):
        if field in data:
            setattr(company, field, data[field])
    company.legal_entities = [_legal_entity(data["legal_entity"])]
    session().add(company)
    session().flush()
    for contact in data.get("contacts", ()):
        session().add(_contact(company, contact))
    return company


def _legal_entity(data: Any) -> LegalEntity:
    bank = data.get("bank") or {}
    plain = ("full_name", "short_name", "inn", "kpp", "ogrn", "legal_address", "time_zone", "document_prefix")
    rate = data.get("default_vat_rate")
    return LegalEntity(
        **{field: data[field] for field in plain if data.get(field) is not None},
        default_vat_rate=None if rate is None else str(rate),
        vat_deducted=data.get("vat_deducted", False),
        bank_name=bank.get("name"),
        bank_bik=bank.get("bik"),
        bank_account=bank.get("account"),
        correspondent_account=bank.get("correspondent_account"),
    )


def _contact(company: Company, data: Any) -> Contact:
    fields = ("city", "street", "house", "structure", "building", "apartment", "phone", "receiving_hours")
    return Contact(
        company_id=company.id,
        name=_contact_name(data),
        **{field: str(data[field]) for field in fields if data.get(field)},
    )


def _contact_name(data: Any) -> str:
    return f"{data['code']} {data['name']}" if data.get("code") else str(data["name"])


def _make_people(people: Any) -> list[User]:
    companies = {company.name: company for company in session().scalars(select(Company))}
    known = {user.email: user for user in session().scalars(select(User))}
    owned = {user.company_id for user in known.values()}
    made = []
    password_hash = hash_password(PASSWORD)
    for person in people:
        values = {key: value for key, value in person.items() if key != "company"}
        company = companies.get(person.get("company"))
        user = known.get(person["email"]) or User(
            **values,
            company_id=company and company.id,
            is_owner=company is not None and company.id not in owned,
            email_confirmed_at=now(),
            password_hash=password_hash,
        )
        session().add(user)
        owned.add(user.company_id)
        made.append(user)
    session().flush()
    return made


def _import(supplier: Any, settings: Settings) -> str:
    with transaction():
        company = session().scalars(select(Company).filter_by(name=supplier["name"])).one()
        raw = (DATA / supplier["price_list"]).read_bytes()
        price_list = receive_price_list(
            company, file_name=supplier["price_list"], raw=raw, mode=FULL, source="cli", by=None
        )
        session().flush()
        price_list_id = price_list.id
    import_price_list(price_list_id, settings)
    with transaction():
        done = session().get_one(PriceList, price_list_id)
        return f"{done.state}, {done.offers_new} offers, {done.rows_rejected} rows refused"


def _place(data: Any, manager: User) -> None:
    buyer = session().scalars(select(User).filter_by(email=data["buyer"]).options(joinedload(User.company))).one()
    contact = _find_contact(buyer, str(data["contact"]))
    order_id = place_order(
        buyer,
        contact=contact,
        comment=data["comment"],
        client_reference=data["client_reference"] or None,
        lines={_offer_id(line): Decimal(str(line["quantity"])) for line in data["lines"]},
    )
    order = lock_order(order_id, by=manager)
    for state in _way_to(data["state"], data.get("canceled_in")):
        move(order, order.parts, to=state, by=manager, reason="Демонстрация" if state == CANCELED else "")


def _way_to(state: str, canceled_in: str | None) -> tuple[str, ...]:
    if state == CANCELED:
        return (*_way_to(canceled_in or "new", None), CANCELED)
    return WAY[: WAY.index(state) + 1] if state in WAY else ()


def _find_contact(buyer: User, wanted: str) -> Contact:
    contacts = session().scalars(select(Contact).filter_by(company_id=buyer.company_id)).all()
    return next(contact for contact in contacts if contact.name == wanted or contact.name.split()[0] == wanted)


def _offer_id(line: Any) -> int:
    statement = (
        select(Offer.id)
        .join(LegalEntity, LegalEntity.company_id == Offer.supplier_id)
        .where(LegalEntity.document_prefix == line["supplier"], Offer.sku == line["sku"])
    )
    return session().scalars(statement).one()
