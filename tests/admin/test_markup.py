"""What people type stays text, wherever it goes: on every page of the desk, in every mail, in every document.

One case fills every free-text field with markup; then everything that shows any of it is parsed as a browser parses it.
"""

import io
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from shop.admin import VIEWS
from shop.admin.base import ManagedView
from shop.auth.models import Company, LegalEntity, User
from shop.companies.approval import block
from shop.database import now, session
from shop.mail.models import MailMessage
from shop.orders.models import Invoice, SupplierOrder
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import move_part
from shop.orders.parts.receipt import Received, receive_part
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.queries import find_part
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.models import PriceList
from tests.auth.conftest import mailbox
from tests.factories.auth import make_company, make_contact, make_user
from tests.factories.catalog import make_category, make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook
from tests.price_lists.lists import good, list_of, run_import

__all__ = ["mailbox"]

ATTACKS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></textarea><svg/onload=alert(1)>{{7*7}}${7*7}",
    "<b>жирно</b>&lt;i&gt;<a href='javascript:alert(1)'>x</a>",
)


class Elements(HTMLParser):
    """What a browser makes of a page: its text, and what in it could act or comes from what was typed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.wrong = "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        is_foreign_script = tag == "script" and not (named.get("src") or "").startswith("/admin/assets/")
        if tag == "img" or is_foreign_script:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().casefold().startswith("javascript:"):
                self.wrong.append(f"<{tag} {name}={value}>")
            self.text += f"\n{value}\n"

    def handle_data(self, data: str) -> None:
        self.text += data
        if data.strip() == "жирно":
            self.wrong.append("<b>")


@pytest.fixture(params=ATTACKS)
def attack(request) -> str:
    return request.param


@pytest.fixture
def filled(app: Flask, edge, desk, drain, mailbox, attack: str) -> SupplierOrder:
    """Every free-text field, by the stories that take it; the part of an order that went all the way."""
    supplier, other = make_company("supplier", name=attack), make_company("supplier", name=attack)
    company = make_company(name=attack)
    owner = make_user("supplier", company=supplier, first_name=attack, last_name=attack)
    make_user("supplier", company=other, first_name=attack, last_name=attack)
    person = {"first_name": attack, "last_name": attack, "position": attack}
    buyer = make_user("buyer", company=company, **person)
    contact = make_contact(buyer, name=attack, city=attack, street=attack, house="1", receiving_hours=attack)
    texts = {"name": attack, "sku": attack[:40], "model": attack, "unit": "шт", "parameters": {attack: attack}}
    offers = [
        make_offer(supplier=supplier, category=make_category(f"{attack} {n}"), external_id=f"{n} {attack}", **texts)
        for n in (1, 2)
    ]
    order = make_order(
        {offer.id: 3 for offer in offers},
        buyer=buyer,
        contact=contact,
        comment=attack,
        client_reference=attack[:60],
    )
    lost = make_order({make_offer(supplier=other, name=attack).id: 1}, buyer=buyer, comment=attack)
    with edge() as current:
        entities = current.scalars(select(LegalEntity).where(LegalEntity.company_id.in_((supplier.id, company.id))))
        for entity in entities:
            entity.full_name = entity.short_name = entity.legal_address = entity.bank_name = attack
    for story in (_confirm, _send, _receive):
        with edge() as current:
            by = current.merge(desk.user)
            story(find_part(order.parts[0].id, by=by), by, attack)
    with edge() as current:
        by = current.merge(desk.user)
        move_part(lost.parts[0].id, to="canceled", by=by, reason=attack)
    _send_lists(app, edge, supplier, other, attack)
    drain()
    webhook = make_webhook(owner, description=attack, off_at=now(), off_reason="paused")  # nothing leaves for it
    make_delivery(webhook, data={"order_id": order.id, "client_reference": attack})
    with edge() as current:
        block(current.get_one(Company, other.id), by=current.merge(desk.user), reason=attack)
    desk.post(f"/admin/users/{owner.id}/block", reason=attack)
    return order.parts[0]


def _confirm(part: SupplierOrder, by: User, attack: str) -> None:
    confirm_part(part.id, by=by, cuts={part.lines[0].id: Cut(part.lines[0].quantity - 1, attack)})


def _send(part: SupplierOrder, by: User, attack: str) -> None:
    send_part(part.id, by=by, cuts={part.lines[0].id: Cut(part.lines[0].quantity - 1, attack)}, reason=attack)


def _receive(part: SupplierOrder, by: User, attack: str) -> None:
    receive_part(part.id, by=by, receipt={part.lines[1].id: Received(part.lines[1].quantity - 1, attack)})


def _send_lists(app: Flask, edge, supplier: Company, other: Company, attack: str) -> None:
    """Applied, held, failed, and one with a rejected row; each named as the attacker likes."""
    for company, rows in (
        (other, (good(1, name=attack), good(2, name=attack, price=attack))),
        (other, (good(attack),)),
    ):
        categories = [{"id": 224, "name": attack}]
        run_import(app, company, list_of(*rows, categories=categories))
    run_import(app, supplier, b"goods: [" + attack.encode())
    with edge() as current:
        to = current.get_one(Company, supplier.id)
        receive_price_list(to, file_name=f"{attack}.yaml", raw=list_of(good(1)), mode="full", by=None)


def pages(app: Flask) -> Iterator[str]:
    """Every list and every page of every thing."""
    yield "/admin/"
    for view in VIEWS:
        yield f"/admin/{view.slug}/"
        if issubclass(view, ManagedView) and view.details:
            with app.app_context():
                ids = session().scalars(select(view.model.id).order_by(view.model.id)).all()
            yield from (f"/admin/{view.slug}/{id_}/" for id_ in ids)


def test_on_every_page_of_the_desk(app: Flask, desk, drain, filled, attack: str) -> None:
    drain()
    seen = []
    for address in pages(app):
        answer = desk.get(address)
        if answer.status_code == 404:  # a buyer is no supplier
            continue
        assert answer.status_code == 200, address
        page = Elements(answer.text)
        assert page.wrong == [], address
        if attack in page.text:
            seen.append(address.rstrip("0123456789/"))
    shows_it = {
        "/admin",
        "/admin/orders",
        "/admin/price_lists",
        "/admin/offers",
        "/admin/products",
        "/admin/categories",
    }
    shows_it |= {"/admin/suppliers", "/admin/companies", "/admin/users", "/admin/deliveries", "/admin/audit"}
    assert shows_it <= set(seen)


def test_in_every_part_of_a_change_set(app: Flask, desk, filled) -> None:
    with app.app_context():
        ids = session().scalars(select(PriceList.id)).all()
    for tab, id_ in product(("new", "changed", "withdrawn", "quarantined", "issues"), ids):
        assert Elements(desk.get(f"/admin/price_lists/{id_}/", tab=tab).text).wrong == [], (tab, id_)


def test_in_what_the_desk_answers_to_what_is_typed(desk, filled, attack: str) -> None:
    for view in VIEWS:
        asked = desk.get(f"/admin/{view.slug}/", search=attack, since=attack, state=attack, name=attack)
        assert asked.status_code == 200
        assert Elements(asked.text).wrong == [], view.slug
    for address in (f"/admin/{attack}", "/admin/login?next=" + attack, "/admin/social/log-in?error=" + attack):
        assert Elements(desk.client.get(address).text).wrong == [], address


def test_in_every_mail(edge, drain, mailbox, filled, attack: str) -> None:
    drain()
    with edge():
        kinds = set(session().scalars(select(MailMessage.kind)))
    assert {"order_placed", "order_received", "invoice", "correction", "part_moved", "company_moved"} <= kinds
    assert len(mailbox) >= len(kinds)
    shown = 0
    for mail in mailbox:
        html = mail.get_body(("html",)).get_content()
        found = Elements(html)
        assert found.wrong == [], mail["Subject"]
        assert all("\n" not in value for value in mail.values())
        shown += attack in found.text
    assert shown > 3


def test_in_every_document(app: Flask, desk, edge, filled, attack: str) -> None:
    with edge():
        kinds = session().execute(select(Invoice.id, Invoice.kind).order_by(Invoice.id)).all()
    assert {kind for _, kind in kinds} == {"invoice", "correction"}
    for id_, kind in kinds:
        pdf = PdfReader(io.BytesIO(desk.get(f"/admin/orders/invoices/{id_}.pdf").data))
        words = "".join("".join(page.extract_text() for page in pdf.pages).split())
        assert "".join(attack.split()) in words, kind
        assert not any("/Annots" in page for page in pdf.pages), kind
        assert "/JavaScript" not in str(pdf.trailer["/Root"]), kind
