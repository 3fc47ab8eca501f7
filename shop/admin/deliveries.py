"""Webhooks at the desk: what was promised to whose receiver, every attempt with its end, and sending again.

Of an address only its host is shown: the rest may be a secret between the company and its receiver.
"""

import json
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import selectinload
from werkzeug import Response

from shop.admin.access_guard import manager
from shop.admin.audit_trail import entries_about
from shop.admin.base import ManagedView, expose
from shop.admin.bulk import Bulk
from shop.admin.filters import Filter, choice, flag, since, until
from shop.admin.formats import NOTHING, link, shown
from shop.admin.linked_records import named
from shop.auth.models import Company
from shop.database import session
from shop.translations import t
from shop.webhooks.event_types import event_types
from shop.webhooks.models import DELIVERED, FAILED, QUEUED, Webhook, WebhookAttempt, WebhookDelivery
from shop.webhooks.queries import DeliveryNotFound
from shop.webhooks.redelivery import redeliver
from shop.webhooks.request import NOT_HTTP, REDIRECT, REFUSED, SECRET_LOST, TIMEOUT, TLS, UNREACHABLE

TONES = {DELIVERED: "good", FAILED: "bad", QUEUED: "moving"}
ERRORS = (UNREACHABLE, TIMEOUT, TLS, NOT_HTTP, REDIRECT, REFUSED, SECRET_LOST)
HOST = func.substring(Webhook.url, "^[a-z]+://([^/?#]*)")


def _of_last_attempt(column: Any) -> Any:
    latest = select(column).where(WebhookAttempt.delivery_id == WebhookDelivery.id)
    return latest.order_by(WebhookAttempt.id.desc()).limit(1).correlate(WebhookDelivery.__table__).scalar_subquery()


def _attempts() -> Any:
    made = select(func.count()).where(WebhookAttempt.delivery_id == WebhookDelivery.id)
    return made.correlate(WebhookDelivery.__table__).scalar_subquery()


def _to(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """By the few webhooks that are meant, not by looking at every delivery."""
    meant = select(Webhook.id).join(Company, Company.id == Webhook.company_id).where(*conditions)
    return WebhookDelivery.webhook_id.in_(meant)


def _names(text: str) -> ColumnElement[bool]:
    return _to(or_(Company.name.icontains(text, autoescape=True), HOST.icontains(text, autoescape=True)))


def delivery_badge(state: str) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(TONES[state], t(f"webhook|{state}"))


def reason_of(error: str | None, status: int | None) -> Any:
    """Why it was not taken: the product's word for it, and the receiver's status where there was one."""
    if error is None:
        return NOTHING
    return t(f"webhook error|{error}") + (f" ({status})" if status else "")


class DeliveriesView(ManagedView):
    model = WebhookDelivery
    title, group, slug = "Webhooks", "Deliveries", "deliveries"
    details = "desk/delivery.html"
    column_list = ("created_at", "state", "event_type", "company", "host", "tries", "error", "next_attempt_at")
    column_labels = {
        "created_at": "Promised",
        "event_type": "What",
        "host": "Receiver",
        "tries": "Attempts",
        "error": "Why not",
        "next_attempt_at": "Sent again at",
    }
    column_formatters = {
        "state": shown(delivery_badge),
        "event_type": lambda _view, _context, row, _name: link(
            f"/admin/deliveries/{row.id}/", event_word(row.event_type)
        ),
        "company": lambda _view, _context, row, _name: link(f"/admin/companies/{row.company_id}/", row.company),
        "error": lambda _view, _context, row, _name: reason_of(row.error, row.status),
    }
    numeric = ("tries",)
    sorts = {"created_at": WebhookDelivery.id}
    searched = (Company.name, HOST)
    filters = (
        choice("state", "State", WebhookDelivery.state, [(state, f"webhook|{state}") for state in TONES]),
        choice("type", "What", WebhookDelivery.event_type, lambda: [(n, f"webhook type|{n}") for n in event_types()]),
        Filter("company", "Company", lambda text: _to(Company.name.icontains(text, autoescape=True))),
        Filter("host", "Receiver", lambda text: _to(HOST.icontains(text, autoescape=True))),
        Filter(
            "reason",
            "Why not",
            lambda error: (WebhookDelivery.state != DELIVERED) & (_of_last_attempt(WebhookAttempt.error) == error),
            "choice",
            lambda: [(error, f"webhook error|{error}") for error in ERRORS],
        ),
        since("since", "From", WebhookDelivery.created_at),
        until("until", "To", WebhookDelivery.created_at),
        flag("off", "The webhook is switched off", _to(Webhook.off_at.is_not(None))),
    )
    bulk = (Bulk("resend", "Send again", lambda delivery, _: _resend(delivery), "webhook_delivery.resend"),)
    exported = (
        "created_at", "state", "event_type", "company", "host", "tries", "error", "status", "next_attempt_at",
        "finished_at",
    )  # fmt: skip
    empty = "Nothing was sent yet. A company's owner subscribes an address by the API: POST /api/v1/webhooks."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return (
            select(
                WebhookDelivery.id,
                WebhookDelivery.created_at,
                WebhookDelivery.state,
                WebhookDelivery.event_type,
                Company.name.label("company"),
                HOST.label("host"),
                _attempts().label("tries"),
                _of_last_attempt(WebhookAttempt.error).label("error"),
                _of_last_attempt(WebhookAttempt.status).label("status"),
                WebhookDelivery.next_attempt_at,
                WebhookDelivery.finished_at,
                Webhook.company_id,
            )
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .join(Company, Company.id == Webhook.company_id)
        )

    def searching(self, text: str) -> ColumnElement[bool]:
        return _names(text)

    def find(self, id_: int) -> WebhookDelivery:
        found = session().get(WebhookDelivery, id_, options=[selectinload(WebhookDelivery.log)])
        if found is None:
            raise DeliveryNotFound
        return found

    def page_facts(self, delivery: WebhookDelivery) -> dict[str, Any]:
        receiver = select(Webhook.off_at, Webhook.off_reason, HOST.label("host"), Company.id, Company.name)
        receiver = receiver.join(Company, Company.id == Webhook.company_id)
        return {
            "receiver": session().execute(receiver.where(Webhook.id == delivery.webhook_id)).one(),
            "state": delivery_badge(delivery.state),
            "kind": event_word(delivery.event_type),
            "content": json.dumps(delivery.data, ensure_ascii=False, indent=2, sort_keys=True),
            "about": [(word, name) for word, name in named(delivery.data) if isinstance(name, Markup)],
            "reason_of": reason_of,
            "entries": entries_about(delivery),
        }

    @expose("/<id:id_>/resend", methods=("POST",))
    def resend(self, id_: int) -> Response:
        delivery = self.find(id_)
        with self.acting("webhook_delivery.resend", delivery, done=t("It is sent again now.")):
            _resend(delivery)
        return self.back(self.page_of(id_))


def event_word(event_type: str) -> str:
    return t(f"webhook type|{event_type}")


def _resend(delivery: WebhookDelivery) -> None:
    webhook = session().get_one(Webhook, delivery.webhook_id)
    redeliver(delivery, webhook, by=manager())
