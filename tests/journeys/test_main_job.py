"""The main job from end to end, with real processes: a list goes in, an order comes out, its invoice is mailed."""

import re
from pathlib import Path

import pytest

from tests.factories.auth import PASSWORD, make_company, make_user, token_of
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.journeys.product import Hold, Mailbox, Product, eventually

REAL_LIST = Path(__file__).parents[3] / "shared" / "data" / "pricelists" / "shop1.yaml"
OWN_LIST = """
shop: Связной
categories: [{id: 224, name: Смартфоны}]
goods:
  - {id: 4216292, category: 224, model: apple/iphone/xs-max, price: 110000, price_rrc: 116990, quantity: 14,
     name: Смартфон Apple iPhone XS Max 512GB (золотистый), parameters: {"Цвет": золотистый}}
"""


@pytest.fixture
def price_list() -> bytes:
    """The real list where it is at hand, else one good of the same shape."""
    return REAL_LIST.read_bytes() if REAL_LIST.exists() else OWN_LIST.encode()


def test_from_registration_and_price_list_to_the_mailed_invoice(
    product: Product, mailbox: Mailbox, price_list: bytes
) -> None:
    product.start("worker")
    supplier = token_of(make_user("supplier", company=make_company("supplier")))
    manager = token_of(make_user("manager"))
    buyer = _register(product, mailbox)

    uploaded = product.upload(supplier, "shop1.yaml", price_list)
    path = f"/api/v1/catalog/price-lists/{uploaded['id']}"
    eventually(lambda: product.expect(200, "GET", path, token=supplier)["state"] == "applied")

    found = product.expect(200, "GET", "/api/v1/catalog/offers?q=iPhone%20XS%20Max", token=buyer)["items"]
    offer = next(offer for offer in found if offer["price"] == "110000.00")
    order = _order(product, buyer, offer["id"])

    product.expect(200, "POST", f"/api/v1/orders/{order['id']}/fulfill", token=manager, body={})
    eventually(lambda: len(mailbox.about(order["number"], "confirmed")) == 2)
    mails = mailbox.about(order["number"], "confirmed")
    assert {mail["To"] for mail in mails} == {"new@buyer.example", "admin@shop.example"}
    assert len({mail["Message-ID"] for mail in mails}) == 2
    for mail in mails:
        [pdf] = mail.iter_attachments()
        assert pdf.get_content_type() == "application/pdf"
        assert pdf.get_content().startswith(b"%PDF")
    assert product.expect(200, "GET", f"/api/v1/orders/{order['id']}", token=buyer)["state"] == "confirmed"
    product.expect(204, "POST", "/api/v1/auth/logout", token=buyer)
    product.expect(401, "GET", "/api/v1/orders", token=buyer)


def test_a_worker_killed_while_it_mails_still_ends_in_exactly_one_mail_each(
    product: Product, mailbox: Mailbox, price_list: bytes
) -> None:
    order = make_order({make_offer().id: 1})
    hold = Hold()
    manager = token_of(make_user("manager"))
    product.start("worker")
    eventually(lambda: len(mailbox.about(order.number, "new")) >= 2)

    mailbox.before_accepting = hold
    product.expect(200, "POST", f"/api/v1/orders/{order.id}/fulfill", token=manager, body={})
    assert hold.begun.wait(30)
    product.kill("worker")
    mailbox.before_accepting = lambda _message: None
    product.start("worker")

    eventually(lambda: len({mail["Message-ID"] for mail in mailbox.about(order.number, "confirmed")}) == 2)
    hold.released.set()
    mails = mailbox.about(order.number, "confirmed")
    assert {mail["To"] for mail in mails} == {order.user.email, "admin@shop.example"}
    assert len(mails) <= 3  # one each, and at most one repeated by the one kill


def _register(product: Product, mailbox: Mailbox) -> str:
    """Registers, opens the mailed link's token, logs in; the access token."""
    body = {
        "email": "new@buyer.example",
        "password": PASSWORD,
        "first_name": "Анна",
        "last_name": "Новикова",
        "role": "buyer",
        "company": "Сеть «Новая»",
    }
    product.expect(202, "POST", "/api/v1/auth/register", body=body)
    mail = eventually(lambda: next((mail for mail in mailbox.messages if mail["To"] == body["email"]), None))
    token = re.search(r"token=([\w.\-]+)", mail.get_body(("plain",)).get_content())
    assert token
    product.expect(200, "POST", "/api/v1/auth/confirm-email", body={"token": token[1]})
    credentials = {"email": body["email"], "password": body["password"]}
    return product.expect(200, "POST", "/api/v1/auth/login", body=credentials)["access_token"]


def _order(product: Product, buyer: str, offer_id: int) -> dict:
    contact = product.expect(
        201,
        "POST",
        "/api/v1/auth/contacts",
        token=buyer,
        body={"name": "001", "city": "Москва", "street": "ул. Лесная", "house": "5", "phone": "8 (495) 123-45-67"},
    )
    lines = {"lines": [{"offer_id": offer_id, "quantity": 1}]}
    product.expect(200, "POST", "/api/v1/basket/lines", token=buyer, body=lines)
    body = {"contact_id": contact["id"], "comment": "second floor", "client_reference": "PO-1"}
    key = {"Idempotency-Key": "journey"}
    first, again = (
        product.expect(201, "POST", "/api/v1/orders", token=buyer, body=body, headers=key) for _ in range(2)
    )
    assert first == again
    return first
