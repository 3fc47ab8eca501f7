"""Who hears of what happens to an order, in which words, with which document."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import event as engine_event
from sqlalchemy import select

from shop.auth.account_closing import erase
from shop.auth.models import Company, User
from shop.auth.row_locks import lock_user
from shop.companies.approval import block
from shop.database import db, now, session
from shop.mail.tasks import deliver_all
from shop.orders.events import OrderPlaced
from shop.orders.models import Invoice
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import cancel_order, fulfill_order, move
from shop.orders.parts.receipt import Received, receive_part
from shop.orders.parts.row_locks import lock_order
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.tasks import announce_order
from shop.outbox.models import OutboxEvent
from tests.conftest import make_settings
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.journeys.product import Mailbox


@pytest.fixture
def mailbox(app: Flask, settings, monkeypatch):
    box = Mailbox()
    changed = make_settings(
        settings.database_url, settings.redis_url, smtp_host="127.0.0.1", smtp_port=box.controller.port
    )
    monkeypatch.setitem(app.extensions, "settings", changed)
    yield box
    box.controller.stop()


def text_of(message) -> str:
    return message.get_body(("plain",)).get_content()


@pytest.mark.parametrize(("locale", "says"), [("ru", "взята ваша"), ("en", "your own was taken")])
def test_a_supplier_reads_where_the_companys_vat_rate_was_taken(edge, drain, mailbox, locale, says) -> None:
    person = make_user("supplier", locale=locale)
    unknown = make_offer(supplier=person.company, name="Сито", vat_rate=None)
    make_order({unknown.id: 1, make_offer(supplier=person.company, vat_rate="10").id: 1})
    drain()
    [told] = [text_of(message) for message in mailbox.messages if message["To"] == person.email]
    assert says in told
    assert [line for line in told.splitlines() if "%" in line] == ["1. Сито — 22 %"]


def act(edge, order, what, **others) -> None:
    manager = make_user("manager")
    with edge() as current:
        by = current.merge(manager)
        what(order.id, by=by, **others)


@pytest.mark.parametrize(("locale", "price"), [("ru", "0,4855 руб"), ("en", "0.4855 RUB")])
def test_a_price_below_a_kopeck_is_not_rounded_in_any_language(edge, drain, mailbox, locale: str, price: str) -> None:
    supplier = make_company("supplier")
    person = make_user("supplier", company=supplier, locale=locale)
    order = make_order({make_offer(supplier=supplier, price="0.4855").id: 100})
    drain()
    [told] = [text_of(mail) for mail in mailbox.about(order.number, "new") if mail["To"] == person.email]
    assert price in told


def test_a_new_order_is_told_to_buyer_administrator_and_each_supplier_his_part(edge, drain, mailbox) -> None:
    companies = [make_company("supplier") for _ in range(2)]
    people = [
        make_user("supplier", company=company, locale=locale)
        for company, locale in zip(companies, ("ru", "en"), strict=True)
    ]
    make_user("supplier", company=companies[0], email_confirmed_at=None)
    offers = [make_offer(supplier=company, name=f"Товар <{company.id}>") for company in companies]
    order = make_order({offer.id: 2 for offer in offers}, client_reference="PO-77", comment="второй этаж")
    drain()
    told = {message["To"]: text_of(message) for message in mailbox.about(order.number, "new")}
    assert told.keys() == {order.user.email, "admin@shop.example", *(person.email for person in people)}
    for person, mine, other in zip(people, offers, offers[::-1], strict=True):
        assert mine.name in told[person.email]
        assert other.name not in told[person.email]
        assert "второй этаж" in told[person.email]
    assert "PO-77" in told[order.user.email]


@pytest.mark.parametrize(("locale", "words"), [("ru", "Накладная"), ("en", "Invoice")])
def test_the_mail_about_confirmation_is_the_invoice_mail_of_each_part(edge, drain, mailbox, locale, words) -> None:
    buyer = make_user(locale=locale)
    order = make_order({make_offer().id: 1, make_offer().id: 1}, buyer=buyer)
    act(edge, order, fulfill_order)
    drain()
    mails = mailbox.about(order.number, "confirmed")
    assert sorted(mail["To"] for mail in mails) == sorted([buyer.email, "admin@shop.example"] * 2)
    assert len({mail["Message-ID"] for mail in mails}) == 4
    assert all(mail["Subject"].startswith(words) for mail in mails if mail["To"] == buyer.email)
    for mail in mails:
        [pdf] = mail.iter_attachments()
        assert pdf.get_filename().endswith(".pdf")
        assert pdf.get_content().startswith(b"%PDF")


def test_both_mails_and_a_download_are_one_file_and_so_is_the_stamped_one(edge, drain, mailbox, client) -> None:
    order = make_order()
    for story, said in ((fulfill_order, "confirmed"), (cancel_order, "canceled")):
        act(edge, order, story)
        drain()
        files = [pdf.get_content() for mail in mailbox.about(order.number, said) for pdf in mail.iter_attachments()]
        with edge():
            id_, paper = session().execute(select(Invoice.id, Invoice.paper)).one()
        assert files == [paper, paper]
        assert client.get(f"/api/v1/invoices/{id_}", headers=bearer(order.user)).data == paper


@pytest.mark.parametrize("locale", ["ru", "en"])
def test_the_invoice_mail_says_what_the_supplier_cut_and_why(edge, drain, mailbox, locale: str) -> None:
    part = make_order({make_offer(name="Сыр").id: 10, make_offer().id: 1}, buyer=make_user(locale=locale)).parts[0]
    manager = make_user("manager")
    with edge() as current:
        by = current.merge(manager)
        cut = {part.lines[0].id: Cut(Decimal(4), "осталось 4")}
        confirm_part(part.id, by=by, cuts=cut)
    drain()
    text = next(text_of(mail) for mail in mailbox.about(part.order.number, "confirmed") if "admin" not in mail["To"])
    assert "Сыр: " in text
    assert "осталось 4" in text
    assert "10" in text


@pytest.mark.parametrize(("locale", "state"), [("ru", "отменён"), ("en", "canceled")])
def test_every_other_move_is_told_to_the_buyer(edge, drain, mailbox, locale: str, state: str) -> None:
    buyer = make_user(locale=locale)
    order = make_order(buyer=buyer)
    drain()
    act(edge, order, cancel_order)
    drain()
    [mail] = mailbox.about(order.number, "canceled")
    assert mail["To"] == buyer.email
    assert state in mail["Subject"]


def test_each_step_is_its_own_mail_and_none_is_sent_twice(edge, drain, mailbox) -> None:
    order = make_order()

    def advance(order_id, *, by) -> None:
        found = lock_order(order_id, by=by)
        for state in ("confirmed", "assembled", "sent", "delivered"):
            move(found, found.parts, to=state, by=by)

    act(edge, order, advance)
    drain()
    drain()
    to_buyer = [mail["X-Order-Event"] for mail in mailbox.about(order.number) if mail["To"] == order.user.email]
    assert sorted(to_buyer) == ["assembled", "confirmed", "delivered", "new", "sent"]


def test_a_correction_is_mailed_to_those_who_have_the_invoice(edge, drain, mailbox) -> None:
    buyer, manager = make_user(locale="en"), make_user("manager")
    part = make_order({make_offer(name="Сыр").id: 10}, buyer=buyer).parts[0]
    act(edge, part.order, fulfill_order)
    with edge() as current:
        by = current.merge(manager)
        send_part(part.id, by=by, cuts={part.lines[0].id: Cut(Decimal(7), "бой")})
    drain()
    mails = {mail["To"]: mail for mail in mailbox.about(part.order.number, "corrected")}
    assert mails.keys() == {buyer.email, "admin@shop.example"}
    for mail, words in ((mails[buyer.email], "10 шт before, 7 shipped"), (mails["admin@shop.example"], "отгружено 7")):
        assert words in text_of(mail)
        assert "Сыр — бой" in text_of(mail)
        [pdf] = mail.iter_attachments()
        assert "-К-" in pdf.get_filename()


@pytest.mark.parametrize(("locale", "words"), [("ru", "аннулирована"), ("en", "annulled")])
def test_an_annulled_invoice_is_mailed_stamped(edge, drain, mailbox, locale: str, words: str) -> None:
    company = make_company("supplier")
    seller, buyer = make_user("supplier", company=company), make_user(locale=locale)
    order = make_order({make_offer(supplier=company).id: 1}, buyer=buyer)
    act(edge, order, fulfill_order)
    act(edge, order, cancel_order, reason="передумали")
    drain()
    mails = {mail["To"]: mail for mail in mailbox.about(order.number, "canceled")}
    assert mails.keys() == {buyer.email, seller.email, "admin@shop.example"}
    assert words in text_of(mails[buyer.email])
    assert "передумали" in text_of(mails[buyer.email])
    [pdf] = mails[buyer.email].iter_attachments()
    assert "АННУЛИРОВАНА" in PdfReader(io.BytesIO(pdf.get_content())).pages[0].extract_text()


@pytest.mark.parametrize(("locale", "words"), [("ru", "получено 3"), ("en", "3 received")])
def test_shortages_at_the_door_are_told_to_both_sides(edge, drain, mailbox, locale: str, words: str) -> None:
    company = make_company("supplier")
    seller, buyer = (
        make_user("supplier", company=company, locale=locale),
        make_user(locale=locale),
    )
    part = make_order({make_offer(supplier=company).id: 5}, buyer=buyer).parts[0]
    act(edge, part.order, fulfill_order)
    with edge() as current:
        by = current.merge(buyer)
        manager = make_user("manager")
        send_part(part.id, by=current.merge(manager))
    with edge() as current:
        by = current.merge(buyer)
        receive_part(part.id, by=by, receipt={part.lines[0].id: Received(Decimal(3), "разбито")})
    drain()
    mails = {mail["To"]: text_of(mail) for mail in mailbox.about(part.order.number, "delivered")}
    assert mails.keys() == {buyer.email, seller.email, "admin@shop.example"}
    for to in (buyer.email, seller.email):
        assert words in mails[to]
        assert "разбито" in mails[to]


def test_a_line_break_in_a_name_reaches_no_header(edge, drain, mailbox) -> None:
    company = make_company("supplier", name="ООО Хитрость\r\nBcc: everybody@test.example")
    order = make_order({make_offer(supplier=company).id: 1}, client_reference="PO\r\nX-Order-Event: sent")
    act(edge, order, cancel_order)
    drain()
    [mail] = mailbox.about(order.number, "canceled")
    assert mail["Bcc"] is None
    assert mail.get_all("X-Order-Event") == ["canceled"]
    assert "Хитрость Bcc: everybody@test.example" in mail["Subject"]


def test_a_block_ends_the_mails_of_a_supplier_and_not_the_papers_of_who_has_ordered(edge, drain, mailbox) -> None:
    """Who may not log in hears nothing of the company's trade; what is on its way has its papers all the same."""
    working, blocked = make_company("supplier"), make_company("supplier")
    people = [make_user("supplier", company=company) for company in (working, blocked)]
    dismissed = make_user("supplier", company=working, blocked_at=now())
    order = make_order({make_offer(supplier=company).id: 1 for company in (working, blocked)})
    with edge() as current:
        buyer = current.get_one(User, order.user_id)
        for company_id in (blocked.id, buyer.company_id):
            block(current.get_one(Company, company_id), by=None)
    act(edge, order, cancel_order)
    drain()
    told = {mail["To"] for mail in mailbox.about(order.number)}
    assert people[0].email in told
    assert {people[1].email, dismissed.email}.isdisjoint(told)
    assert {buyer.email, "admin@shop.example"} <= told


@pytest.fixture
def ordered_by_a_member(edge, drain):
    """A fulfilled order of a company whose member ordered and then closed the account; order and owner."""
    company = make_company()
    owner = make_user(company=company, locale="en")
    order = make_order(buyer=make_user(company=company))
    drain()
    with edge():
        erase(lock_user(session().get_one(User, order.user_id)))
    return order, owner


def test_the_owner_hears_of_an_order_whose_buyer_has_left(edge, drain, mailbox, ordered_by_a_member) -> None:
    order, owner = ordered_by_a_member
    mailbox.messages.clear()
    act(edge, order, fulfill_order)
    act(edge, order, cancel_order)
    drain()
    told = [(mail["To"], mail["X-Order-Event"]) for mail in mailbox.about(order.number)]
    everybody = ("admin@shop.example", owner.email)
    assert sorted(told) == sorted((to, event) for to in everybody for event in ("confirmed", "canceled"))


def test_nobody_hears_of_an_order_whose_company_has_nobody_left(edge, drain, mailbox, ordered_by_a_member) -> None:
    order, owner = ordered_by_a_member
    with edge():
        erase(lock_user(session().get_one(User, owner.id)))
    act(edge, order, fulfill_order)
    act(edge, order, cancel_order)
    drain()
    assert [mail["To"] for mail in mailbox.messages if mail["To"].endswith(".invalid")] == []
    for event in ("confirmed", "canceled"):
        assert {mail["To"] for mail in mailbox.about(order.number, event)} == {"admin@shop.example"}


def test_the_mails_of_an_order_cost_few_statements_transactions_and_connections(
    app, edge, drain, mailbox, count_statements
) -> None:
    """Five mails of an order of three suppliers. Its statements are compiled by then."""
    companies = [make_company("supplier") for _ in range(3)]
    for company in companies:
        make_user("supplier", company=company)
    lines = {make_offer(supplier=company).id: 2 for company in companies}
    make_order(lines)
    drain()
    mailbox.messages.clear()
    order = make_order(lines)
    with edge() as current:
        placed = current.scalars(select(OutboxEvent).filter_by(type=OrderPlaced.type, handled_at=None)).one()
        placed.pending = [announce_order.name]
    with count_statements() as announcing, count_transactions(app) as announced:
        announce_order(placed.id)
    with edge() as current:
        queued = current.scalars(select(OutboxEvent).filter_by(handled_at=None)).one()
        queued.pending = [deliver_all.name]
    with count_statements() as delivering, count_transactions(app) as delivered:
        deliver_all(queued.id)
    assert len(mailbox.about(order.number)) == 5
    assert len(announcing) <= 7  # begin, note, customer, suppliers, mails, event, finish
    assert len(delivering) <= 6 + 2 * (2 + 1) + 3 * (3 + 1)  # of each mail what it says, and that it was sent
    assert len(announced) <= 3  # begin, note, and all that it does
    assert len(delivered) <= 4 + 5  # the same, that each mail was sent, finish
    assert len(mailbox.connections) == 1


def test_what_the_mails_of_one_invoice_say_is_read_once(edge, drain, mailbox, count_statements) -> None:
    order = make_order()
    act(edge, order, fulfill_order)
    with count_statements() as statements:
        drain()
    assert len(mailbox.about(order.number, "confirmed")) == 2
    found = [each for each in statements if "invoices.paper" in each and each.startswith("SELECT")]
    assert len(found) == 1


@contextmanager
def count_transactions(app: Flask) -> Iterator[list[object]]:
    counted: list[object] = []

    def note(connection: object) -> None:
        counted.append(connection)

    with app.app_context():
        engine = db.engine
    engine_event.listen(engine, "commit", note)
    try:
        yield counted
    finally:
        engine_event.remove(engine, "commit", note)
