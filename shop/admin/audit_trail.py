"""audited(): the one way in which the admin changes something. It is one transaction, and it leaves its entry."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import g
from sqlalchemy import LargeBinary, inspect, or_, select
from sqlalchemy.orm import joinedload

from shop.admin.access_guard import manager
from shop.admin.models import AuditEntry
from shop.auth.models import Company, User
from shop.database import Model, session, transaction
from shop.http.throttling import caller_address
from shop.orders.models import SupplierOrder
from shop.price_lists.models import ImportTerms

SECRETS = frozenset({"password_hash", "hash", "secret", "prefix"})
BOOKKEEPING = frozenset({"version", "updated_at", "offers_changed_at"})  # follow from what is said anyway
MAX_VALUE = 2000  # characters kept of one value
ENTRIES_SHOWN = 20
# The tables whose rows acts are about.
THINGS = (
    "orders",
    "supplier_orders",
    "order_lines",
    "companies",
    "legal_entities",
    "users",
    "social_accounts",
    "products",
    "categories",
    "supplier_categories",
    "import_terms",
    "price_lists",
    "mail_messages",
    "outbox_events",
    "webhook_deliveries",
)
NAMES = ("number", "full_name", "short_name", "name", "email", "file_name", "subject", "event_type", "type", "kind")

Values = dict[str, Any]


@dataclass
class Trail:
    """What an act is about. Things are locked when they are added, so that the values before are those it changed.

    Name an order before its parts, as everywhere.
    """

    action: str
    reason: str
    things: list[tuple[Any, Values]] = field(default_factory=list)

    def add(self, thing: Any) -> None:
        """Something that is there already."""
        session().refresh(thing, _columns(type(thing)), with_for_update={"key_share": True})
        self.things.append((thing, _values(thing)))

    def add_all(self, things: Iterable[Any]) -> None:
        for thing in things:
            self.add(thing)

    def add_new(self, thing: Any) -> None:
        """Something that this act has made."""
        self.things.append((thing, {}))

    def write(self) -> None:
        session().flush()
        session().add_all([self._entry(thing, before) for thing, before in self.things])

    def _entry(self, thing: Any, before: Values) -> AuditEntry:
        after = _values_now(thing)
        changes = {name: [before.get(name), after.get(name)] for name in before | after}
        return AuditEntry(
            user_id=manager().id,
            action=self.action,
            object_type=thing.__tablename__,
            object_id=",".join(map(str, inspect(thing).identity or ())),
            # Of a person nothing is copied: whoever closes the account takes the name along.
            object_name="" if isinstance(thing, User) else name_of(thing),
            changes={name: pair for name, pair in changes.items() if pair[0] != pair[1]},
            reason=self.reason,
            address=caller_address(),
            request_id=g.get("request_id"),
        )


@contextmanager
def audited(action: str, *things: Any, reason: str = "") -> Iterator[Trail]:
    """`with audited("company.block", company, reason=reason): story(…)`: all of it is committed, or nothing.

    `action` is thing.verb. A thing that does not change still gets its entry: the act was done.
    """
    with transaction():
        trail = Trail(action, reason)
        for thing in things:
            trail.add(thing)
        yield trail
        trail.write()


def entries_about(*things: Any) -> Sequence[AuditEntry]:
    """The latest acts of managers on these things, each with who did it."""
    about = [
        (AuditEntry.object_type == thing.__tablename__) & (AuditEntry.object_id == str(thing.id)) for thing in things
    ]
    statement = select(AuditEntry).where(or_(*about)).options(joinedload(AuditEntry.user, innerjoin=True))
    return session().scalars(statement.order_by(AuditEntry.id.desc()).limit(ENTRIES_SHOWN)).all()


def name_of(thing: Any) -> str:
    """What people call it."""
    if isinstance(thing, SupplierOrder):
        return f"{thing.order.number} · {thing.supplier.name}"
    if isinstance(thing, ImportTerms):
        return session().get_one(Company, thing.supplier_id).name
    for name in NAMES:
        if found := getattr(thing, name, None):
            return str(found)
    return str(getattr(thing, "id", ""))


def _values_now(thing: Any) -> Values:
    """Read again: stories change rows by statements, too. Nothing where the act has deleted it."""
    if inspect(thing).persistent:
        session().refresh(thing, _columns(type(thing)))
        return _values(thing)
    return {}


def _values(thing: Any) -> Values:
    return {name: _storable(getattr(thing, name)) for name in _columns(type(thing))}


def audited_fields() -> list[str]:
    """All that entries can name."""
    kinds = [mapper.class_ for mapper in Model.registry.mappers if mapper.class_.__tablename__ in THINGS]
    return sorted({name for kind in kinds for name in _columns(kind)})


def _columns(kind: type[Model]) -> list[str]:
    return [
        attribute.key
        for attribute in inspect(kind).column_attrs
        if not attribute.deferred
        and attribute.key not in SECRETS | BOOKKEEPING
        and not isinstance(attribute.columns[0].type, LargeBinary)
    ]


def _storable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    return format(value, "f") if isinstance(value, Decimal) else str(value)[:MAX_VALUE]
