"""Mails at the desk: to whom, about what, how far they have come; those that did not arrive are sent again."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import Select, select
from werkzeug import Response

from shop.admin.access_guard import manager
from shop.admin.base import ManagedView, expose
from shop.admin.bulk import Bulk
from shop.admin.filters import choice, contains, since, until
from shop.admin.formats import clipped, link, shown
from shop.admin.linked_records import named
from shop.database import session
from shop.mail.kinds import KINDS
from shop.mail.models import PARKED, QUEUED, SENT, MailMessage
from shop.mail.resend import MailNotFound, resend_mail
from shop.translations import t

ABOUT = "mail about|"
STATES = [(state, f"mail|{state}") for state in (QUEUED, SENT, PARKED)]
TONES = {SENT: "good", PARKED: "bad", QUEUED: "moving"}


def mail_badge(state: str) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(TONES[state], t(f"mail|{state}"))


def mail_kind(kind: str) -> str:
    return t(_about(kind))


def _about(kind: str) -> str:
    return ABOUT + kind.replace("_", " ")


class MailsView(ManagedView):
    model = MailMessage
    title, group, slug = "Mails", "Deliveries", "mails"
    details = "desk/mail.html"
    column_list = ("created_at", "state", "kind", "subject", "recipient", "attempts", "last_error")
    column_labels = {
        "created_at": "Queued at",
        "kind": "Kind",
        "recipient": "To whom",
        "last_error": "Why not",
    }
    column_formatters = {
        "state": shown(mail_badge),
        "kind": lambda _view, _context, row, _name: link(f"/admin/mails/{row.id}/", mail_kind(row.kind)),
        "last_error": shown(clipped),
    }
    numeric = ("attempts",)
    sorts = {"created_at": MailMessage.id}
    searched = (MailMessage.recipient, MailMessage.subject)
    filters = (
        choice("state", "State", MailMessage.state, STATES),
        choice("kind", "Kind", MailMessage.kind, lambda: [(kind, _about(kind)) for kind in KINDS]),
        contains("recipient", "To whom", MailMessage.recipient),
        contains("reason", "Why not", MailMessage.last_error),
        since("since", "From", MailMessage.created_at),
        until("until", "To", MailMessage.created_at),
    )
    exported = (*column_list, "sent_at")
    bulk = (Bulk("resend", "Send again", lambda mail, _: _resend(mail), "mail.resend"),)
    empty = "No mails yet. Registrations, orders and price lists send them."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return select(
            MailMessage.id,
            MailMessage.recipient,
            MailMessage.created_at,
            MailMessage.state,
            MailMessage.kind,
            MailMessage.attempts,
            MailMessage.last_error,
            MailMessage.subject,
            MailMessage.sent_at,
        )

    def find(self, id_: int) -> MailMessage:
        mail = session().get(MailMessage, id_)
        if mail is None:
            raise MailNotFound(mail_id=id_)
        return mail

    def page_facts(self, mail: MailMessage) -> dict[str, Any]:
        return {
            "state": mail_badge(mail.state),
            "kind": mail_kind(mail.kind),
            "about": list(named(mail.context)),
            "is_waiting": mail.state == QUEUED,
        }

    @expose("/<id:id_>/resend", methods=("POST",))
    def resend(self, id_: int) -> Response:
        mail = self.find(id_)
        with self.acting("mail.resend", mail, done=t("The mail to {who} is queued again.", who=mail.recipient)):
            _resend(mail)
        return self.back(self.page_of(id_))


def _resend(mail: MailMessage) -> None:
    resend_mail(mail, by=manager().id)
