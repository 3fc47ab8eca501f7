"""Whose language and time zone the desk speaks, and what its templates can call."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import flask
from flask import Flask, current_app, has_request_context, request, url_for
from markupsafe import Markup

from shop.admin import charts, formats
from shop.admin.access_guard import PREFIX, csrf_token
from shop.admin.login_views import TIME_ZONE
from shop.admin.texts import act_text
from shop.auth.access import caller, current_user
from shop.auth.models import MANAGER
from shop.http.problems import is_under
from shop.translations import LANGUAGES, preferred_language

DEFAULT_TIME_ZONE = "Europe/Moscow"
ASSETS = Path(__file__).parent / "static"


def locale() -> str:
    """The manager's own; before the log-in what the browser prefers."""
    if not has_request_context():
        return LANGUAGES[0]
    if caller():
        return current_user().locale
    return preferred_language()


def time_zone() -> str:
    """What the browser said at the log-in."""
    return flask.session.get(TIME_ZONE, DEFAULT_TIME_ZONE) if has_request_context() else DEFAULT_TIME_ZONE


def init_app(app: Flask) -> None:
    app.context_processor(_words_of_templates)


def csrf_field() -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


@cache
def _version(asset: str) -> str:
    """Browsers keep what has not changed, and never what is older than the page."""
    return hashlib.sha256((ASSETS / asset).read_bytes()).hexdigest()[:12]


def _words_of_templates() -> dict[str, Any]:
    """Only under /admin: what other pages of the product have no use for."""
    if not has_request_context() or not is_under(PREFIX):
        return {}
    found = caller()
    return {
        "money": formats.money,
        "number": formats.number,
        "moment": formats.moment,
        "vat_rate": formats.vat_rate,
        "day": formats.day,
        "badge": formats.badge,
        "plain": formats.plain,
        "act_text": act_text,
        "bars": charts.bars,
        "csrf_token": csrf_token,
        "csrf_field": csrf_field,
        "here": request.full_path.rstrip("?"),
        "language": locale(),
        "manager": current_user() if found and found.role == MANAGER else None,
        "menu": current_app.extensions.get("admin_menu", []),
        "asset": lambda name: url_for("admin_desk.static", filename=name, v=_version(name)),
        "zone": ZoneInfo(time_zone()),
    }
