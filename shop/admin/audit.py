"""Who changed what in the admin, field by field: a list to search in."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import Select, select

from shop.admin.base import ManagedView
from shop.admin.filters import Filter, contains, since, until
from shop.admin.formatting import NOTHING
from shop.admin.models import AuditEntry
from shop.admin.words import t
from shop.auth.models import User

MAX_SHOWN = 120


def _changes(_view: Any, _context: Any, row: Any, name: str) -> Markup:
    changes: dict[str, list[Any]] = getattr(row, name)
    lines = [_change(field, *pair) for field, pair in sorted(changes.items())]
    return Markup("").join(lines) or NOTHING


def _change(field: str, before: Any, after: Any) -> Markup:
    line = Markup('<div class="change"><b>{}</b> <del>{}</del> → <ins>{}</ins></div>')
    return line.format(field.replace("_", " "), _value(before), _value(after))


def _value(value: Any) -> str:
    text = "—" if value is None or value == "" else str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _action(_view: Any, _context: Any, row: Any, name: str) -> str:
    return t(f"act|{getattr(row, name)}")


class AuditView(ManagedView):
    model = AuditEntry
    title, group, slug = "Audit", "Audit", "audit"
    column_list = ("created_at", "who", "action", "object_name", "changes", "reason", "address")
    column_labels = {
        "created_at": "When",
        "who": "Who",
        "action": "What",
        "object_name": "Of what",
        "changes": "Before and after",
        "reason": "Reason",
        "address": "From",
    }
    column_formatters = {"changes": _changes, "action": _action}
    sorts = {"created_at": AuditEntry.id}
    searched = (AuditEntry.object_name, AuditEntry.action, AuditEntry.reason, User.email)
    filters = (
        contains("who", "Who", User.email, User.last_name),
        contains("what", "What", AuditEntry.action),
        Filter("type", "Kind of thing", lambda kind: AuditEntry.object_type == kind),
        contains("name", "Of what", AuditEntry.object_name),
        since("since", "From", AuditEntry.created_at),
        until("until", "To", AuditEntry.created_at),
    )
    exported = (
        "created_at", "who", "action", "object_type", "object_id", "object_name", "changes", "reason", "address",
    )  # fmt: skip
    empty = "Nobody has changed anything here yet. Every act of a manager leaves its line."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return select(
            AuditEntry.id,
            AuditEntry.created_at,
            User.email.label("who"),
            AuditEntry.action,
            AuditEntry.object_type,
            AuditEntry.object_id,
            AuditEntry.object_name,
            AuditEntry.changes,
            AuditEntry.reason,
            AuditEntry.address,
        ).join(User, User.id == AuditEntry.user_id)
