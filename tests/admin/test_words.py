"""Texts: each has its Russian, and whoever works in English reads English."""

import ast
import re
from pathlib import Path

from flask import Flask

import shop.subscribers  # noqa: F401 - declares the kinds of mail and tasks
from shop.admin import VIEWS, audit_trail, companies, deliveries, events, mails, providers, users
from shop.admin.base import GROUPS, ManagedView
from shop.admin.dashboard import WAITING
from shop.admin.formats import TONES
from shop.admin.words import RUSSIAN
from shop.admin.words.fields import FIELDS, THINGS
from shop.database import Base
from shop.mail.kinds import KINDS
from shop.webhooks.models import FAILING, GONE, PAUSED

ADMIN = Path(__file__).parents[2] / "shop/admin"
OF_TEMPLATE = re.compile(r"""\bt\(\s*(?:"([^"]+)"|'([^']+)')\s*[,)]""")


def texts_of_code() -> set[str]:
    found = set()
    for path in ADMIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("t", "later"):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(first.value)
    return found


def texts_of_templates() -> set[str]:
    pages = [path.read_text("utf-8") for path in ADMIN.rglob("*.html")]
    return {first or second for page in pages for first, second in OF_TEMPLATE.findall(page)}


def texts_of_views() -> set[str]:
    found = {*GROUPS, *(label for _, label, _, _ in WAITING), *(f"state|{state}" for state in TONES)}
    found |= {*companies.LABELS.values(), *(f"user|{state}" for state in users.TONES)}
    found |= {*(f"mail|{state}" for state in mails.TONES), *(f"event|{state}" for state in events.TONES)}
    found |= {*(f"webhook|{state}" for state in deliveries.TONES), *providers.REASONS.values()}
    found |= {*(f"webhook error|{error}" for error in deliveries.ERRORS)}
    found |= {*(f"webhook off|{reason}" for reason in (PAUSED, GONE, FAILING))}
    found |= {f"mail about|{kind.replace('_', ' ')}" for kind in KINDS}
    for view in (view for view in VIEWS if issubclass(view, ManagedView)):
        labels = view.column_labels or {}
        found |= {view.title, view.empty, *(bulk.label for bulk in view.bulk)}
        columns = {*view.column_list, *(view.exported or ())}
        found |= {labels.get(name) or name.replace("_", " ").capitalize() for name in columns}
        for filter_ in view.filters:
            found |= {filter_.label, *(label for _, label in filter_.choices())}
    return found


def test_every_text_has_its_russian() -> None:
    texts = texts_of_code() | texts_of_templates() | texts_of_views()
    assert len(texts) > 100
    assert sorted(texts - RUSSIAN.keys()) == []


def test_every_field_that_the_audit_keeps_has_its_russian() -> None:
    kept = {mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__tablename__ in THINGS}
    assert len(kept) == len(THINGS)
    assert sorted({name for model in kept for name in audit_trail._columns(model())} - FIELDS.keys()) == []


def test_both_languages_fill_in_the_same_values() -> None:
    for english, russian in RUSSIAN.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", russian)), english


def test_an_english_reader_gets_no_russian(app: Flask, desk) -> None:
    for path in ("/admin/", "/admin/orders/", "/admin/audit/", "/admin/companies/", f"/admin/users/{desk.user.id}/"):
        page = desk.get(path).text.replace("Русский", "").replace(desk.user.full_name, "")
        assert not re.findall("[А-Яа-яЁё]+", page), path
