"""What is typed into the desk and its pages may be long: the refusal is not."""

import re

from flask import Flask
from flask.testing import FlaskClient

from shop.http.problems import LARGEST_PROBLEM
from tests.factories.auth import make_user

NAMES = ("name", "email", "password", "reason", "url", "token", "next", "code", "value", "quantity", "first_name")


def test_no_page_repeats_what_was_too_long(app: Flask, client: FlaskClient, enter) -> None:
    """Quotes become five signs each where they are shown."""
    desk = enter(make_user("manager"))
    long = dict.fromkeys(NAMES, '"' * 40_000) | {"csrf_token": desk.csrf_token()}
    addresses = {
        re.sub(r"<[^>]*>", "1", rule.rule)
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }
    assert len(addresses) > 20
    wrong = []
    for address in sorted(addresses):
        answer = desk.client.post(address, data=long)
        if answer.status_code >= 500 or len(answer.get_data()) > LARGEST_PROBLEM:
            wrong.append((address, answer.status_code, len(answer.get_data())))
    assert not wrong, wrong
