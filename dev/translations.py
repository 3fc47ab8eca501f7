"""The Russian of the product's texts: `make translations` brings shop/translations up to date with the code."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.nodes import Const

import shop.subscribers  # noqa: F401 - declares kinds of mail and types of events
from shop.admin import (
    VIEWS,
    audit_trail,
    change_sets,
    companies,
    deliveries,
    events,
    linked_records,
    mails,
    providers,
    suppliers,
    users,
)
from shop.admin.base import GROUPS, ManagedView
from shop.admin.dashboard import WAITING
from shop.admin.formats import TONES
from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.catalog.models import STOCK_KINDS
from shop.mail.kinds import KINDS
from shop.orders.states import PART_STATES
from shop.price_lists import reasons, row_issues
from shop.price_lists.models import ERROR, MODES, SOURCES, WARNING
from shop.webhooks.event_types import event_types
from shop.webhooks.models import FAILING, GONE, PAUSED

SHOP = Path(__file__).parents[1] / "shop"
CATALOG = SHOP / "translations/ru/LC_MESSAGES/messages.po"
COMPILED = CATALOG.with_suffix(".mo")
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("templates/**.html", "jinja2")]
# Which argument is a text.
KEYWORDS = {
    **dict.fromkeys(("t", "later", "noted"), None),
    **dict.fromkeys(("choice", "contains", "since", "until", "flag", "Filter", "Bulk"), (2,)),
}
# Which one, from 0, is the code of an act.
ACTS = {"acting": 0, "audited": 0, "_decide": 1, "Bulk": 3}


def texts() -> set[str]:
    """What t() is asked for in the code, and what is put together of what the code declares: all need their Russian."""
    found = extract_from_dir(SHOP, METHODS, keywords=KEYWORDS)
    written = {text for _, _, text, _, _ in found if isinstance(text, str)}
    return written | set(_declared())


def is_written(text: str) -> bool:
    """Whether it stands in the code at all. Messages of refusals and labels of forms are given to t() by others."""
    return text.removeprefix("field|") in _constants()


@cache
def _constants() -> set[str]:
    """What stands in quotation marks: in Python, and in the expressions of templates."""
    pages = [Environment(autoescape=True).parse(path.read_text("utf-8")) for path in SHOP.rglob("*.html")]
    found = [node.value for module in _modules() for node in ast.walk(module) if isinstance(node, ast.Constant)]
    found += [node.value for page in pages for node in page.find_all(Const)]
    return {text for text in found if isinstance(text, str)}


def _declared() -> Iterator[str]:
    """The texts of views, and those of codes: "state|new" for a state that there is."""
    yield from (*GROUPS, *(label for _, label, _, _ in WAITING), *companies.LABELS.values())
    yield from providers.REASONS.values()
    yield from (*reasons.SENTENCES.values(), reasons.LINE, reasons.COMMONEST, *row_issues.SENTENCES.values())
    for view in VIEWS:
        if issubclass(view, ManagedView):
            yield from _of_view(view)
    for kind, names in {
        "state": TONES,
        "user": users.TONES,
        "mail": mails.TONES,
        "event": events.TONES,
        "webhook": deliveries.TONES,
        "webhook error": deliveries.ERRORS,
        "webhook off": (PAUSED, GONE, FAILING),
        "webhook type": event_types(),
        "mail about": [name.replace("_", " ") for name in KINDS],
        "kind": (BUYER, SUPPLIER),
        "role": (BUYER, SUPPLIER, MANAGER),
        "mode": MODES,
        "source": SOURCES,
        "stock": STOCK_KINDS,
        "guard": suppliers.GUARD_WORDS.values(),
        "thing": audit_trail.THINGS,
        "field": {*audit_trail.audited_fields(), *linked_records.THINGS},
        "severity": (ERROR, WARNING),
        "reason": ("price", "price_refused", "unit", "units_per_pack", "vat_rate"),
        "value": row_issues.VALUE_WORDS,
        "tab": (*change_sets.TABS, change_sets.ISSUES),
        "act": _acts(),
    }.items():
        yield from (f"{kind}|{name}" for name in names)


def _acts() -> Iterator[str]:
    yield from (f"part.{state}" for each in PART_STATES.values() for state in each.to)
    yield from ("pricelist.create",)
    for call in (node for module in _modules() for node in ast.walk(module) if isinstance(node, ast.Call)):
        place = ACTS.get(getattr(call.func, "attr", getattr(call.func, "id", "")), len(call.args))
        yield from (str(code.value) for code in call.args[place : place + 1] if isinstance(code, ast.Constant))


@cache
def _modules() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in SHOP.rglob("*.py")]


def _of_view(view: type[ManagedView]) -> Iterator[str]:
    labels = view.column_labels or {}
    yield from (view.title, view.empty, *(f"act|{bulk.action}" for bulk in view.bulk))
    for name in {*view.column_list, *(view.exported or ())}:
        yield labels.get(name) or name.replace("_", " ").capitalize()
    for each in view.filters:
        yield from (label for _, label in each.choices())


def catalog() -> Catalog:
    with CATALOG.open("rb") as file:
        russian = read_po(file, locale="ru")
    for each in russian:
        each.flags.discard("python-format")  # values are filled in by {name}: a percent sign is one
    return russian


def compiled(russian: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, russian)
    return file.getvalue()


def update() -> None:
    """Adds texts without Russian, for somebody to write it, drops those that nobody asks for, and compiles the rest."""
    russian, wanted = catalog(), texts()
    for text in [str(each.id) for each in russian if each.id]:
        if text not in wanted and not is_written(text):
            russian.delete(text)
    for text in sorted(wanted):
        russian.add(text)
    with CATALOG.open("wb") as file:
        write_po(file, russian, sort_output=True, omit_header=False, width=120)
    COMPILED.write_bytes(compiled(catalog()))


if __name__ == "__main__":
    update()
    untranslated = [each.id for each in catalog() if not each.string]
    print(*untranslated, sep="\n")
    sys.exit(1 if untranslated else 0)
