"""Mails, webhooks and events at the desk: what did not get through is found with its reason, and set going again."""

from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select, update

from shop.admin.models import AuditEntry
from shop.database import now, session
from shop.mail.erasure import ERASED
from shop.mail.models import MailMessage
from shop.outbox.models import OutboxEvent
from shop.webhooks.models import WebhookAttempt, WebhookDelivery
from tests.factories.auth import make_company, make_user
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook

_numbers = count(1)


@pytest.fixture
def add_mail(edge):
    def add(state: str = "sent", **others) -> MailMessage:
        number = next(_numbers)
        values = {"kind": "order_placed", "locale": "ru", "recipient": f"to{number}@test.example", "context": {}}
        with edge() as current:
            keys = {"dedupe_key": f"key {number}", "message_id": f"<{number}@test>"}
            mail = MailMessage(**keys, state=state, **(values | others))
            current.add(mail)
        return mail

    return add


@pytest.fixture
def add_event(edge):
    def add(kind: str = "test.event", **others) -> OutboxEvent:
        with edge() as current:
            event = OutboxEvent(type=kind, payload={"order_id": 7}, **others)
            current.add(event)
        return event

    return add


def parked(**others) -> dict[str, object]:
    return {
        "parked_at": now(),
        "attempts": 14,
        "pending": ["test.task"],
        "last_error": "ValueError: no paper",
        **others,
    }


def mail_now(edge, mail: MailMessage) -> MailMessage:
    with edge() as current:
        return current.get_one(MailMessage, mail.id)


def event_now(edge, event: OutboxEvent) -> OutboxEvent:
    with edge() as current:
        return current.get_one(OutboxEvent, event.id)


def actions(edge) -> list[str]:
    with edge():
        return list(session().scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_parked_mails_are_found_from_the_first_page_with_their_reason(desk, add_mail) -> None:
    mail = add_mail("parked", last_error="SMTPDataError: (550, b'mailbox full')", attempts=14)
    other = add_mail("sent")
    assert "/admin/mails/?state=parked" in desk.get("/admin/").text
    page = desk.get("/admin/mails/", state="parked").text
    assert "1 in all" in page
    assert "mailbox full" in page
    assert mail.recipient in page
    assert other.recipient not in page


@pytest.mark.parametrize(
    "query",
    [{"search": "wanted@"}, {"recipient": "WANTED"}, {"kind": "invoice"}, {"reason": "550"}, {"search": "накладная 7"}],
)
def test_filters_narrow_the_mails(desk, add_mail, query: dict[str, str]) -> None:
    add_mail(recipient="wanted@test.example", kind="invoice", last_error="550 no", subject="Накладная 7")
    other = add_mail()
    page = desk.get("/admin/mails/", **query).text
    assert "wanted@test.example" in page
    assert other.recipient not in page


def test_the_page_of_a_mail_leads_to_what_it_is_about(desk, add_mail) -> None:
    order = make_order()
    mail = add_mail("parked", context={"order_id": order.id, "supplier_order_id": 5}, last_error="550 no")
    page = desk.get(f"/admin/mails/{mail.id}/").text
    assert f"/admin/orders/{order.id}/" in page
    assert "550 no" in page
    assert mail.dedupe_key not in page
    assert f"/admin/mails/{mail.id}/resend" in page
    waiting = add_mail("queued")
    assert f"/admin/mails/{waiting.id}/resend" not in desk.get(f"/admin/mails/{waiting.id}/").text
    assert desk.get("/admin/mails/999/").status_code == 404


def test_it_is_told_by_names_what_a_mail_is_about(desk, add_mail) -> None:
    order, person = make_order(), make_user("buyer", first_name="Борис", last_name="Годунов")
    ids = {"user_id": person.id, "supplier_order_id": order.parts[0].id, "to_state": "sent", "order_id": 999}
    page = desk.get(f"/admin/mails/{add_mail(context=ids).id}/").text
    assert f'<a href="/admin/users/{person.id}/">Борис Годунов</a>' in page
    assert f">{order.number} · " in page
    part = desk.get(f"/admin/orders/parts/{order.parts[0].id}/")
    assert part.location == f"/admin/orders/{order.id}/#part-{order.parts[0].id}"
    assert "<title>Борис Годунов" in desk.get(f"/admin/users/{person.id}/").text


def test_one_mail_is_sent_again(desk, edge, add_mail) -> None:
    mail = add_mail("parked", attempts=14, last_error="550 no")
    page = desk.post(f"/admin/mails/{mail.id}/resend").text
    assert f"The mail to {mail.recipient} is queued again." in page
    again = mail_now(edge, mail)
    assert (again.state, again.attempts, again.last_error) == ("queued", 0, None)
    with edge():
        assert session().scalar(select(OutboxEvent.payload).where(OutboxEvent.type == "mails.queued")) == {
            "mail_ids": [mail.id]
        }
    assert actions(edge) == ["mail.resend"]


def test_several_are_sent_again_with_a_result_for_each(desk, edge, add_mail) -> None:
    mails = [add_mail("parked") for _ in range(2)]
    forgotten = add_mail("parked", recipient=ERASED)
    page = desk.post("/admin/mails/action/", action="resend", rowid=[mail.id for mail in [*mails, forgotten]]).text
    assert {mail_now(edge, mail).state for mail in mails} == {"queued"}
    assert mail_now(edge, forgotten).state == "parked"
    assert "has closed the account" in page
    assert actions(edge) == ["mail.resend"] * 2


def test_events_show_what_waits_and_why(desk, add_event) -> None:
    add_event("test.parked", **parked())
    add_event("test.late", created_at=now() - timedelta(minutes=5))
    add_event("test.fresh")
    add_event("test.handled", handled_at=now())
    assert "/admin/events/?parked=1" in desk.get("/admin/").text
    page = desk.get("/admin/events/").text
    assert all(kind in page for kind in ("test.parked", "test.late", "test.fresh", "ValueError: no paper"))
    assert "test.handled" not in page
    for query, kind in (
        ({"parked": "1"}, "test.parked"),
        ({"late": "1"}, "test.late"),
        ({"type": "fre"}, "test.fresh"),
    ):
        page = desk.get("/admin/events/", **query).text
        assert [other for other in ("test.parked", "test.late", "test.fresh") if other in page] == [kind]


def test_parked_events_are_replayed(desk, edge, add_event) -> None:
    event, handled = add_event(**parked()), add_event(handled_at=now())
    page = desk.post("/admin/events/action/", action="replay", rowid=[event.id, handled.id, 999]).text
    again = event_now(edge, event)
    assert (again.parked_at, again.attempts, again.due_at <= now()) == (None, 0, True)
    assert again.pending == ["test.task"]
    assert "there is nothing to replay" in page
    assert "There is no event 999" in page
    assert actions(edge) == ["event.replay"]


def test_the_lists_cost_the_same_number_of_statements_however_long(desk, add_mail, add_event, count_statements) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            add_event(**parked())
            mail = add_mail("parked")
        for path in ("/admin/mails/", f"/admin/mails/{mail.id}/", "/admin/events/"):
            with count_statements() as statements:
                assert desk.get(path).status_code == 200
            counts.append(len(statements))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 10


def test_what_others_say_stays_text(desk, add_mail, add_event) -> None:
    attack = '"><script>alert(1)</script>'
    mail = add_mail("parked", subject=attack, last_error=attack)
    add_event(**parked(last_error=attack))
    for path in ("/admin/mails/", f"/admin/mails/{mail.id}/", "/admin/events/"):
        page = desk.get(path).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path


@pytest.fixture
def webhook():
    owner = make_user("supplier", company=make_company("supplier", name="ООО Рога"))
    return make_webhook(owner, url="https://erp.example/private/path?key=private")


def delivery_now(edge, delivery: WebhookDelivery) -> WebhookDelivery:
    with edge() as current:
        return current.get_one(WebhookDelivery, delivery.id)


def failed(webhook, **others) -> WebhookDelivery:
    """Given up, as the desk finds it."""
    return make_delivery(webhook, state="failed", finished_at=now(), **others)


def test_webhooks_are_listed_with_state_and_reason_but_no_secret(desk, edge, webhook) -> None:
    delivery = failed(webhook, attempts=3)
    with edge() as current:
        current.execute(update(WebhookAttempt).values(error="refused"))
    make_delivery(make_webhook(make_user("buyer")), message_id="msg_2")
    page = desk.get("/admin/deliveries/", state="failed").text
    assert "1 in all" in page
    assert "refused (500)" in page
    assert "erp.example" in page
    assert "ООО Рога" in page
    for path in ("/admin/deliveries/", f"/admin/deliveries/{delivery.id}/", "/admin/deliveries/export/csv/"):
        assert "private" not in desk.get(path).text, path


@pytest.mark.parametrize(
    "query",
    [
        {"search": "рога"},
        {"search": "ERP."},
        {"company": "рога"},
        {"host": "erp.ex"},
        {"type": "invoice.issued"},
        {"reason": "timeout"},
        {"off": "1"},
    ],
)
def test_filters_narrow_the_webhooks(desk, edge, query: dict[str, str]) -> None:
    owner = make_user("supplier", company=make_company("supplier", name="ООО Рога"))
    wanted = make_webhook(owner, url="https://erp.example/", off_at=now(), off_reason="gone")
    failed(wanted, event_type="invoice.issued", attempts=1)
    with edge() as current:
        current.execute(update(WebhookAttempt).values(error="timeout", status=None))
    make_delivery(make_webhook(make_user("buyer")), message_id="msg_2")
    page = desk.get("/admin/deliveries/", **query).text
    assert "1 in all" in page
    assert "erp.example" in page


def test_a_secret_address_is_not_found_by_guessing(desk, webhook) -> None:
    failed(webhook)
    for query in ({"search": "key=private"}, {"host": "private"}):
        assert "Nothing fits" in desk.get("/admin/deliveries/", **query).text


def test_a_webhook_is_sent_again(desk, edge, webhook) -> None:
    delivery = failed(webhook, attempts=2)
    page = desk.post(f"/admin/deliveries/{delivery.id}/resend").text
    assert "It is sent again now." in page
    again = delivery_now(edge, delivery)
    assert (again.state, again.attempts, again.message_id) == ("queued", 0, delivery.message_id)
    with edge():
        assert session().scalar(select(OutboxEvent.type)) == "webhook.delivery_due"
    assert actions(edge) == ["webhook_delivery.resend"]
    assert "order.placed" in desk.get("/admin/audit/").text


def test_several_webhooks_are_sent_again_each_with_its_result(desk, edge, webhook) -> None:
    off = make_webhook(make_user("buyer"), off_at=now(), off_reason="paused")
    mine, other = failed(webhook), failed(off, event_type="invoice.issued", message_id="msg_2")
    page = desk.post("/admin/deliveries/action/", action="resend", rowid=[mine.id, other.id]).text
    assert "Send again, done: order.placed" in page
    assert "invoice.issued: This webhook is switched off." in page
    assert [delivery_now(edge, each).state for each in (mine, other)] == ["queued", "failed"]


def test_the_page_of_a_webhook_says_that_it_is_off_and_leads_to_its_order(desk) -> None:
    off = make_webhook(make_user("buyer"), off_at=now(), off_reason="failing")
    order = make_order()
    delivery = failed(off, data={"order_id": order.id})
    page = desk.get(f"/admin/deliveries/{delivery.id}/").text
    assert "The webhook is switched off: failing" in page
    assert f"/admin/orders/{order.id}/" in page
    assert "/resend" not in page
    assert desk.get("/admin/deliveries/999/").status_code == 404
