"""A manager comes in by a provider, in a browser that keeps the rules of the desk's pages on the whole way."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.auth.social.conftest import SECRET, provider_address
from tests.auth.social.test_desk import with_second_factor
from tests.extra.conftest import Desk
from tests.factories.auth import PASSWORD, make_user
from tests.journeys.product import Product, eventually

__all__ = ["provider_address"]

SUB = "501"


@pytest.fixture
def product(environment: dict[str, str], provider_address: str, tmp_path: Path) -> Iterator[Product]:
    """With a provider of its own, which knows the product under the address that people use."""
    requests.put(f"{provider_address}/users/{SUB}", json={"email": "maria@staff.example"}, timeout=10)
    offered = {"OIDC_ISSUER": provider_address, "OIDC_CLIENT_ID": "shop", "OIDC_CLIENT_SECRET": SECRET}
    insecure = {"OAUTHLIB_INSECURE_TRANSPORT": "1"}
    product = Product(environment | offered | insecure | {"OIDC_NAME": "Staff"}, tmp_path)
    product.environment["BASE_URL"] = f"http://127.0.0.1:{product.port}"
    try:
        product.start("web")
        eventually(product.is_ready)
        yield product
    finally:
        product.stop()


def agree(desk: Desk) -> None:
    """At the provider."""
    desk.page.get_by_placeholder("sub").fill(SUB)
    desk.press("Authorize")


def test_a_manager_links_a_provider_and_comes_in_by_it(desk: Desk, app, edge) -> None:
    complaints: list[str] = []
    ours = f"http://127.0.0.1:{desk.product.port}/"  # the provider's own page may complain
    desk.page.on(
        "console",
        lambda said: (
            complaints.append(said.text) if said.type == "error" and said.location["url"].startswith(ours) else None
        ),
    )
    manager = make_user("manager", locale="en")
    desk.log_in(manager)
    desk.open("account")
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.press("Link Staff")
    desk.page.get_by_role("link", name="Go to Staff").click()
    agree(desk)
    expect(desk.page.locator(".note.good")).to_have_text("Linked. You can log in this way from now on.")
    desk.press("Log out")

    desk.page.get_by_role("link", name="Log in with Staff").click()
    agree(desk)
    expect(desk.page.get_by_role("heading", name="Desk")).to_be_visible()
    desk.press("Log out")

    totp = with_second_factor(app, edge, manager)
    desk.page.get_by_role("link", name="Log in with Staff").click()
    agree(desk)
    desk.page.get_by_label("Code of the app").fill(totp.at(int(time.time()) + 30))  # this step's was used
    desk.press("Log in")
    expect(desk.page.get_by_role("heading", name="Desk")).to_be_visible()
    assert complaints == []


def test_a_stranger_is_refused(desk: Desk) -> None:
    desk.open("orders/")
    desk.page.get_by_role("link", name="Log in with Staff").click()
    agree(desk)
    expect(desk.page.get_by_role("alert")).to_contain_text("Nobody here is linked to this identity.")
    desk.open("orders/")
    expect(desk.page).to_have_url(re.compile("/admin/login"))
