"""The managers' desk in a browser, with the product behind it as real processes."""

import re
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import expect

from shop.admin import VIEWS
from tests.extra.conftest import Desk
from tests.factories.auth import make_company, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook
from tests.journeys.product import Mailbox, Product, eventually
from tests.price_lists.lists import good, list_of, offers, run_import

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


def test_a_held_price_list_is_read_and_applied(desk: Desk, app: Flask, product: Product, manager, tmp_path) -> None:
    """Chosen by name, followed live, read as a diff, applied; the catalog then says what the list says."""
    supplier = make_company("supplier", name="ООО Рога и копыта")
    assert run_import(app, supplier, list_of(*map(good, range(1, 11)))).state == "applied"
    product.start("worker")
    raised = [good(number, price="117.50") for number in range(4, 11)]
    (tmp_path / "morning.yaml").write_bytes(list_of(*raised))
    desk.log_in(manager)
    desk.open("price_lists/")
    desk.page.get_by_role("link", name="Send a price list").click()
    desk.page.get_by_label("Supplier").press_sequentially("рога")
    desk.page.get_by_role("option", name="ООО Рога и копыта").click()
    desk.page.get_by_label("File", exact=True).set_input_files(tmp_path / "morning.yaml")
    desk.press("Send")
    expect(desk.page.locator("#price-list .head .badge")).to_have_text("held")  # without a reload by the person
    expect(desk.page.locator("#price-list .note")).to_contain_text("3 of 10")
    change = desk.page.locator("tr", has_text="Товар 4").locator(".change")
    expect(change).to_contain_text("100.00")
    expect(change).to_contain_text("117.50")
    expect(change).to_contain_text("+17.5 %")
    desk.page.get_by_role("link", name=re.compile("^withdrawn")).click()
    expect(desk.page.locator("tbody tr")).to_have_count(3)
    assert {offer.price for offer in offers(app, supplier).values()} == {100}
    desk.press("Apply the whole list")
    expect(desk.page.locator("#price-list .head .badge")).to_have_text("applied")
    assert desk.dialogs == ["Change the catalog as this list says?"]
    found = offers(app, supplier)
    assert [found[str(number)].is_listed for number in (1, 2, 3, 4)] == [False, False, False, True]
    assert found["4"].price == Decimal("117.50")
    desk.open("audit/?what=price_list.apply")
    assert "morning.yaml" in desk.page.inner_text("main")


def test_a_buyer_is_refused(desk: Desk) -> None:
    desk.log_in(make_user("buyer"))
    expect(desk.page.get_by_role("alert")).to_contain_text("Only managers work here.")
    desk.open("orders/")
    expect(desk.page).to_have_url(re.compile("/admin/login"))


def test_the_browser_keeps_the_rules_of_the_pages(desk: Desk, app: Flask, manager) -> None:
    """Every list and page: nothing that the policy forbids, nothing from elsewhere, no error of the script."""
    supplier = make_company("supplier")
    run_import(app, supplier, list_of(good(1)))
    order = make_order()
    delivery = make_delivery(make_webhook(make_user("supplier", company=supplier)), attempts=1)
    asked, complaints = [], []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    desk.page.on("pageerror", lambda error: complaints.append(str(error)))
    desk.log_in(manager)
    lists = [view.slug + "/" for view in VIEWS]
    things = [f"orders/{order.id}/", f"deliveries/{delivery.id}/", "price_lists/1/", "price_lists/new/", "offers/1/"]
    things += ["products/1/", f"suppliers/{supplier.id}/", f"companies/{supplier.id}/", f"users/{manager.id}/"]
    for path in ("", "account", *lists, *things):
        desk.open(path)
        expect(desk.page.locator("main h1")).to_be_visible()
    assert complaints == []
    assert {urlsplit(url).netloc for url in asked} == {f"127.0.0.1:{desk.product.port}"}


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
