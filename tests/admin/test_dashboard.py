"""The first page: figures of real rows, what waits, and where it leads."""

import re
from datetime import timedelta

from sqlalchemy import update

from shop.database import now
from shop.mail.models import MailMessage
from shop.orders.models import Order
from shop.orders.parts.lifecycle import cancel_order
from tests.factories.auth import make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook


def test_it_counts_what_was_ordered_and_not_canceled(desk, edge) -> None:
    make_order({make_offer(price="1234.50").id: 1})
    order = make_order({make_offer(price="1000.00").id: 1})
    with edge() as current:
        by = current.merge(desk.user)
        cancel_order(order.id, by=by)
    page = desk.get("/admin/")
    assert page.text.count("1,234.50\u00a0₽") >= 2


def test_it_leads_to_what_waits(desk, edge) -> None:
    make_company("buyer", status="pending")
    order = make_order(requested_delivery_on=now().date() + timedelta(days=1))
    with edge() as current:
        current.execute(update(Order).values(requested_delivery_on=now().date() - timedelta(days=1)))
        current.add(
            MailMessage(
                dedupe_key="k",
                message_id="m",
                kind="invoice",
                locale="ru",
                recipient="a@b.example",
                context={},
                state="parked",
            )
        )
    page = re.sub(r"\s+", " ", desk.get("/admin/").text)
    for words in (
        "<b>1</b> parts of orders not confirmed",
        "<b>1</b> orders due and not sent",
        "<b>1</b> companies to approve",
        "<b>1</b> mails parked",
        "<b>1</b> suppliers without a price list today",
    ):
        assert words in page, words
    for address in re.findall(r'<li><a href="(/admin/orders/\?[^"]+)"', page):
        assert order.number in desk.client.get(address.replace("&amp;", "&")).text, address


def test_it_names_what_is_sold_out_though_ordered(desk) -> None:
    gone = make_offer(name="Молоко 3,2 %", on_hand=3)
    make_order({gone.id: 3})
    make_order({make_offer(name="Кефир").id: 3})
    page = desk.get("/admin/").text
    assert "Молоко 3,2 %" in page
    assert "Кефир" not in page


def test_charts_say_in_words_what_they_show(desk) -> None:
    make_order({make_offer(price="1234.50", supplier=make_company("supplier", name="ООО Рога")).id: 1})
    page = desk.get("/admin/").text
    assert "<title>ООО Рога: 1,234.50\u00a0₽</title>" in page
    assert page.count('role="img"') == 2


def test_it_is_computed_once_a_minute_by_few_statements(desk, count_statements) -> None:
    for _ in range(3):
        make_order()
    counts = []
    for _ in range(2):
        with count_statements() as statements:
            desk.get("/admin/")
        counts.append(len(statements))
    assert counts[0] <= 8
    assert counts[1] == 2  # the token, its user


def test_figures_lead_to_the_orders_that_they_count(desk, edge) -> None:
    kept, canceled = make_order(), make_order()
    with edge() as current:
        by = current.merge(desk.user)
        cancel_order(canceled.id, by=by)
    page = desk.get("/admin/").text
    addresses = re.findall(r'<section class="card tile"><a href="([^"]+)"', page)
    addresses += re.findall(r'<a href="(/admin/orders/\?[^"]+)"><g class="bar">', page)[-2:]
    assert len(addresses) == 4
    for address in addresses:
        listed = desk.client.get(address.replace("&amp;", "&")).text
        assert kept.number in listed, address
        assert canceled.number not in listed, address


def test_it_says_which_webhooks_were_not_taken(desk) -> None:
    make_delivery(make_webhook(make_user("buyer")), state="failed")
    page = re.sub(r"\s+", " ", desk.get("/admin/").text)
    assert "<b>1</b> webhooks not taken in 7 days" in page
