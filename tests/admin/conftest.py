"""A manager at the desk: a browser with the admin's cookie, which knows the token of its forms."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shop.admin.access_guard import COOKIE
from shop.auth.models import User
from shop.http.caching import cache
from tests.factories.auth import make_user, token_of
from tests.price_lists.conftest import unguarded

__all__ = ["unguarded"]

TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]{64})"')


class Desk:
    """What a person does there: look, and send forms."""

    def __init__(self, client: FlaskClient, user: User) -> None:
        self.client, self.user = client, user
        client.set_cookie(COOKIE, token_of(user), path="/admin")

    def get(self, address: str, **query: Any) -> TestResponse:
        return self.client.get(address, query_string=query)

    def post(self, address: str, /, **fields: Any) -> TestResponse:
        """With the token of a page; the answer is the page that it leads to."""
        data = {"csrf_token": self.csrf_token(), **fields}
        return self.client.post(address, data=data, follow_redirects=True)

    def csrf_token(self) -> str:
        return token_in(self.get("/admin/"))


def token_in(page: TestResponse) -> str:
    found = TOKEN.search(page.text)
    assert found, page.text
    return found[1]


@pytest.fixture(autouse=True)
def _nothing_remembered(app: Flask) -> None:
    with app.app_context():
        cache.clear()


@pytest.fixture
def enter(app: Flask) -> Callable[[User], Desk]:
    """`enter(user)` is a browser of its own with this user's session."""
    return lambda user: Desk(app.test_client(), user)


@pytest.fixture
def desk(enter: Callable[[User], Desk]) -> Desk:
    return enter(make_user("manager", locale="en"))
