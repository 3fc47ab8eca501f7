"""The managers' desk in a browser, with the product behind it as real processes."""

import re

import pytest
from playwright.sync_api import expect

from tests.extra.conftest import Desk
from tests.factories.auth import make_company, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.journeys.product import Mailbox, Product, eventually

ATTACKS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)//{{7*7}}")


@pytest.fixture
def manager():
    return make_user("manager", locale="en")


def test_an_order_is_confirmed_and_its_invoice_goes_out(
    desk: Desk, product: Product, mailbox: Mailbox, manager
) -> None:
    product.start("worker")
    order = make_order()
    desk.log_in(manager)
    desk.page.get_by_role("link", name=re.compile("parts of orders not confirmed")).click()
    desk.page.get_by_role("link", name=order.number).click()
    desk.press("Confirm")
    expect(desk.page.locator(".note.good")).to_contain_text("confirmed")
    mails = eventually(lambda: len(found := mailbox.about(order.number, "confirmed")) == 2 and found)
    assert {mail["To"] for mail in mails} == {order.user.email, "admin@shop.example"}
    assert all(pdf.get_content().startswith(b"%PDF") for mail in mails for pdf in mail.iter_attachments())
    eventually(lambda: desk.page.reload() or desk.page.locator("section", has_text="Mails").get_by_text("sent").count())


def test_a_parked_mail_is_sent_again(desk: Desk, product: Product, mailbox: Mailbox, manager) -> None:
    mailbox.before_accepting = lambda _message: "550 the mailbox is full"
    product.start("worker")
    order = make_order()
    desk.log_in(manager)
    desk.open("mails/?state=parked")
    eventually(lambda: desk.reads("the mailbox is full") and desk.page.locator("tbody tr").count() == 2)
    mailbox.before_accepting = lambda _message: None
    desk.page.get_by_label("Mark all").check()
    desk.press("Send again")
    expect(desk.page.locator(".note.good")).to_contain_text("Send again, done")
    assert desk.dialogs == ["Do this with everything marked?"]
    eventually(lambda: len(mailbox.about(order.number)) == 2)


def test_a_buyer_is_refused(desk: Desk) -> None:
    desk.log_in(make_user("buyer"))
    expect(desk.page.get_by_role("alert")).to_contain_text("Only managers work here.")
    desk.open("orders/")
    expect(desk.page).to_have_url(re.compile("/admin/login"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_people_type_stays_text(desk: Desk, manager, attack: str) -> None:
    supplier = make_company("supplier", name=attack)
    buyer = make_user("buyer", company=make_company(name=attack), first_name=attack, last_name=attack, position=attack)
    contact = make_contact(buyer, name=attack, street=attack)
    offer = make_offer(name=attack, supplier=supplier)
    order = make_order({offer.id: 1}, buyer=buyer, contact=contact, comment=attack, client_reference=attack)
    desk.log_in(manager)
    for path in (
        "",
        "orders/",
        f"orders/{order.id}/",
        "companies/",
        f"companies/{buyer.company_id}/",
        "users/",
        f"users/{buyer.id}/",
    ):
        desk.open(path)
        assert attack in desk.page.inner_text("main"), path
        assert desk.page.locator("main script, main img").count() == 0
    desk.open(f"companies/{buyer.company_id}/")
    desk.page.get_by_text("Block…", exact=True).click()
    desk.page.get_by_label("Reason").fill(attack)
    desk.press("Block")
    expect(desk.page.locator("main")).to_contain_text(attack)
    desk.open("audit/")
    assert attack in desk.page.inner_text("main")
    assert desk.dialogs == []
