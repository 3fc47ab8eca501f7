"""Every address under /admin, as the site itself lists them: who is let in, and that nothing happens by accident."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule

from shop.admin.access_guard import OPEN
from shop.database import db, session
from tests.admin.conftest import Desk
from tests.factories.auth import make_company, make_user
from tests.factories.catalog import make_category
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook
from tests.price_lists.lists import good, list_of, receive

ARGUMENTS = {
    "export_type": "csv",
    "filename": "admin.css",
    "id_": "1",
    "part_id": "1",
    "invoice_id": "1",
    "provider": "google",
}
PAGES = (
    "/admin/audit/",
    "/admin/companies/",
    "/admin/companies/1/",
    "/admin/companies/1/legal-entity",
    "/admin/users/",
    "/admin/users/1/",
    "/admin/mails/",
    "/admin/deliveries/",
    "/admin/deliveries/1/",
    "/admin/events/",
    "/admin/account",
)


def rules(app: Flask, method: str) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin") and method in (rule.methods or ()):
            yield rule


def address(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ARGUMENTS[found[1]], rule.rule)


def test_the_site_has_addresses(app: Flask) -> None:
    assert len(list(rules(app, "GET"))) > 10
    assert len(list(rules(app, "POST"))) > 10


def test_every_admin_endpoint_lies_behind_the_door(app: Flask) -> None:
    """The access check of the API leaves out endpoints of this name; the door knows addresses."""
    for rule in app.url_map.iter_rules():
        assert rule.endpoint.startswith("admin") == rule.rule.startswith("/admin"), rule


@pytest.mark.parametrize("given", [{}, {"csrf_token": "0" * 64}, {"csrf_token": "another session's"}])
def test_every_post_is_refused_without_the_token_of_the_session(app: Flask, desk, given: dict[str, str]) -> None:
    if "another" in given.get("csrf_token", ""):
        given = {"csrf_token": Desk(app.test_client(), make_user("manager")).csrf_token()}
    make_order()
    for rule in rules(app, "POST"):
        answer = desk.client.post(address(rule), data=given)
        assert answer.status_code == 400, rule
        assert "This form was not sent from a page that we have shown you" in answer.text


def test_every_post_takes_the_token_in_a_header_too(app: Flask, desk) -> None:
    """What the token lets through is not 400; what becomes of it is the view's matter."""
    token = desk.csrf_token()
    for rule in rules(app, "POST"):
        if rule.endpoint != "admin_desk.log_out":
            answer = desk.client.post(address(rule), headers={"X-CSRF-Token": token})
            assert answer.status_code not in (400, 500), rule


def test_what_acts_is_not_reached_by_get(app: Flask, desk) -> None:
    reading = {rule.rule for rule in rules(app, "GET")}
    for rule in rules(app, "POST"):
        if rule.rule not in reading:
            assert desk.get(address(rule)).status_code in (404, 405), rule


def test_looking_changes_nothing(app: Flask, desk) -> None:
    """Whatever is looked at, every table says the same afterwards; that the session was used is no change."""
    receive(make_company("supplier"), list_of(good(1)))
    make_order()
    make_delivery(make_webhook(make_user("supplier")))
    desk.get("/admin/")
    before = contents(app)
    for rule in rules(app, "GET"):
        desk.get(address(rule)).close()
    assert contents(app) == before


def contents(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {
            table.name: str(session().scalar(text(f'SELECT md5(string_agg(t::text, $$,$$)) FROM "{table.name}" AS t')))
            for table in db.metadata.sorted_tables
            if table.name != "access_tokens"
        }


def test_nobody_posts_without_a_session(app: Flask, client) -> None:
    for rule in rules(app, "POST"):
        answer = client.post(address(rule))
        expected = 400 if rule.endpoint in OPEN else 303
        assert answer.status_code == expected, rule


def test_every_page_sends_anonymous_people_to_the_log_in(app: Flask, client) -> None:
    for rule in rules(app, "GET"):
        answer = client.get(address(rule))
        if rule.endpoint in OPEN:
            assert answer.status_code == (404 if rule.endpoint == NOT_OFFERED else 200), rule
        else:
            assert answer.status_code == 303, rule
            assert answer.location.startswith("/admin/login"), rule
        answer.close()


@pytest.mark.parametrize("role", ["buyer", "supplier"])
def test_every_page_is_closed_to_others(app: Flask, enter, role: str) -> None:
    desk = enter(make_user(role))
    for rule in rules(app, "GET"):
        if rule.endpoint not in OPEN:
            assert desk.get(address(rule)).status_code == 403, rule


def test_every_page_answers_a_manager(app: Flask, desk) -> None:
    receive(make_company("supplier"), list_of(good(1)))
    make_category()
    make_order()
    for rule in rules(app, "GET"):
        answer = desk.get(address(rule))
        assert answer.status_code in (200, 302, 303, 404), (rule, answer.text)
        assert answer.status_code != 404 or rule.endpoint in NOT_FOUND, rule
        answer.close()


NOT_OFFERED = "admin_desk.begin_with_provider"  # none is configured in this app
NOT_FOUND = (
    NOT_OFFERED,
    "admin.static",
    "admin_orders.invoice",
    "admin_orders.ajax_lookup",
    "admin_price_lists.ajax_lookup",
    "admin_offers.ajax_lookup",
    "admin_products.ajax_lookup",
    "admin_categories.ajax_lookup",
    "admin_suppliers.ajax_lookup",
    "admin_companies.ajax_lookup",
    "admin_users.ajax_lookup",
    "admin_mails.page",
    "admin_mails.ajax_lookup",
    "admin_deliveries.page",
    "admin_deliveries.ajax_lookup",
    "admin_events.page",
    "admin_events.ajax_lookup",
    "admin_audit.page",
    "admin_audit.ajax_lookup",
)


def test_every_page_is_sealed(app: Flask, desk) -> None:
    make_order()
    make_delivery(make_webhook(make_user("supplier")))
    for path in ("/admin/", "/admin/login", "/admin/orders/", "/admin/orders/1/", *PAGES, "/admin/nowhere"):
        headers = desk.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


def test_pages_need_nothing_from_elsewhere_and_no_inline_script(desk) -> None:
    make_order()
    make_delivery(make_webhook(make_user("supplier")))
    for path in ("/admin/", "/admin/orders/", "/admin/orders/1/", *PAGES):
        page = desk.get(path).text
        assert not re.findall(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.findall(r"\son\w+=|javascript:|\sstyle=", page), path
        sources = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', page)
        assert sources
        for source in sources:
            assert source.startswith("/admin/assets/"), source
            with desk.client.get(source) as asset:
                assert asset.status_code == 200
