"""Who changed what in the admin, field by field: a list to search in."""

from collections import defaultdict
from typing import Any

from flask import g, url_for
from markupsafe import Markup
from sqlalchemy import BigInteger, ColumnElement, Select, Text, case, cast, func, select
from sqlalchemy.orm import aliased

from shop.admin.audit_trail import THINGS, audited_fields
from shop.admin.base import ManagedView, Rows
from shop.admin.filters import Filter, any_contains, choice, contains, since, until
from shop.admin.formats import NOTHING, link
from shop.admin.models import AUDIT_WORDS, AuditEntry
from shop.admin.texts import act_text, field_text
from shop.auth.models import Company, User
from shop.catalog.models import Category, Offer, Product
from shop.database import session
from shop.orders.models import Order
from shop.translations import t

MAX_SHOWN = 120
MOST_PEOPLE = 200
PAGES = {  # of the things that have one
    "orders": "admin_orders.page",
    "companies": "admin_companies.page",
    "users": "admin_users.page",
    "products": "admin_products.page",
    "categories": "admin_categories.page",
    "import_terms": "admin_suppliers.page",
    "price_lists": "admin_price_lists.page",
    "mail_messages": "admin_mails.page",
    "webhook_deliveries": "admin_deliveries.page",
}
SAID_AS = {"state": "state", "status": "state", "role": "role", "mode": "mode", "source": "source"}
CALLED = {  # what an id among the changes names
    "category_id": Category.name,
    "merged_into_id": Product.name,
    "company_id": Company.name,
    "supplier_id": Company.name,
    "user_id": User.email,
    "approved_by_id": User.email,
    "discarded_by_id": User.email,
    "order_id": Order.number,
    "offer_id": Offer.name,
}
VALUES = cast(AuditEntry.changes, Text)

# A person's name is read where it is, or is not any more: the audit must not keep what closing the account erases.
PERSON = aliased(User)
IS_PERSON = AuditEntry.object_type == User.__tablename__
PERSON_ID = case((IS_PERSON, cast(AuditEntry.object_id, BigInteger)))
PERSON_NAME = func.coalesce(func.nullif(func.trim(PERSON.first_name + " " + PERSON.last_name), ""), PERSON.email)
NAME = case((IS_PERSON, PERSON_NAME), else_=AuditEntry.object_name)


def _has_value(text: str) -> ColumnElement[bool]:
    """The index is that of all words; of what it finds, those where the text is a value.

    Inside coalesce() the second question is one of which the planner knows nothing. Else it would take both for
    independent and few rows for certain, and sort a common value's tens of thousands to show fifty.
    """
    return any_contains([AUDIT_WORDS], text) & func.coalesce(any_contains([VALUES], text), False)


def _changes(_view: Any, _context: Any, row: Any, name: str) -> Markup:
    changes: dict[str, list[Any]] = getattr(row, name)
    lines = [_change(field, *pair) for field, pair in sorted(changes.items())]
    return Markup("").join(lines) or NOTHING


def _change(field: str, before: Any, after: Any) -> Markup:
    line = Markup('<div class="change"><b>{}</b> <del>{}</del> → <ins>{}</ins></div>')
    return line.format(field_text(field), _value(field, before), _value(field, after))


def _value(field: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if field in SAID_AS:
        return t(f"{SAID_AS[field]}|{value}")
    text = str(g.audit_names.get((CALLED[field], value), value) if field in CALLED else value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _names_in(rows: Rows) -> dict[tuple[Any, int], str]:
    """By column and id, a statement per kind of thing that is named at all."""
    wanted: defaultdict[Any, set[int]] = defaultdict(set)
    for row in rows:
        for field, pair in row.changes.items():
            if field in CALLED:
                wanted[CALLED[field]] |= {value for value in pair if isinstance(value, int)}
    found: dict[tuple[Any, int], str] = {}
    for name, ids in wanted.items():
        named = session().execute(select(name.class_.id, name).where(name.class_.id.in_(ids)))
        found |= {(name, id_): text for id_, text in named}
    return found


def _who(_view: Any, _context: Any, row: Any, name: str) -> Markup:
    person = f"{row.first_name} {row.last_name}".strip() or getattr(row, name)
    return Markup('<a href="{}" title="{}">{}</a>').format(
        url_for("admin_users.page", id_=row.user_id), getattr(row, name), person
    )


def _action(_view: Any, _context: Any, row: Any, name: str) -> str:
    return act_text(getattr(row, name))


def _thing(_view: Any, _context: Any, row: Any, name: str) -> Markup:
    """What it was called, as a link to its page where there is one, below what kind of thing it is."""
    named, page = getattr(row, name), PAGES.get(row.object_type)
    if page and row.object_id.isdigit():
        named = link(url_for(page, id_=row.object_id), named)
    return Markup("{}<small>{}</small>").format(named, t(f"thing|{row.object_type}").replace("_", " "))


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
        "address": "From where",
    }
    column_formatters = {"who": _who, "changes": _changes, "action": _action, "object_name": _thing}
    sorts = {"created_at": AuditEntry.id}
    searched = (AUDIT_WORDS,)
    filters = (
        contains("who", "Who", User.email, User.last_name),
        contains("what", "What", AuditEntry.action),
        choice("type", "Kind of thing", AuditEntry.object_type, [(name, f"thing|{name}") for name in THINGS]),
        contains("name", "Of what", NAME),
        Filter(
            "field",
            "Field",
            lambda name: AuditEntry.changes.has_key(name),
            "choice",
            lambda: [(name, f"field|{name}") for name in audited_fields()],
        ),
        Filter("value", "Value before or after", _has_value),
        since("since", "From", AuditEntry.created_at),
        until("until", "To", AuditEntry.created_at),
    )
    exported = (
        "created_at", "who", "action", "object_type", "object_id", "object_name", "changes", "reason", "address",
    )  # fmt: skip
    empty = "Nobody has changed anything here yet. Every act of a manager leaves its line."

    def get_list(self, *arguments: Any, **named: Any) -> tuple[int, Rows]:
        count, rows = super().get_list(*arguments, **named)
        g.audit_names = _names_in(rows)
        return count, rows

    def searching(self, text: str) -> ColumnElement[bool]:
        """What was kept, and whoever is called so now; their ids are looked up first, so that indexes answer both."""
        called_so = any_contains([User.first_name + " " + User.last_name, User.email], text)
        ids = session().scalars(select(User.id).where(called_so).order_by(User.id.desc()).limit(MOST_PEOPLE))
        is_about_them = IS_PERSON & AuditEntry.object_id.in_([str(id_) for id_ in ids])
        return any_contains([AUDIT_WORDS], text) | is_about_them

    def statement(self) -> Select[*tuple[Any, ...]]:
        entries = select(
            AuditEntry.id,
            AuditEntry.created_at,
            User.email.label("who"),
            User.first_name,
            User.last_name,
            AuditEntry.user_id,
            AuditEntry.action,
            AuditEntry.object_type,
            AuditEntry.object_id,
            NAME.label("object_name"),
            AuditEntry.changes,
            AuditEntry.reason,
            AuditEntry.address,
        )
        return entries.join(User, User.id == AuditEntry.user_id).outerjoin(PERSON, PERSON.id == PERSON_ID)
