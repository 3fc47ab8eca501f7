"""A browser that looks at the running product: Debian's Chromium, driven by Playwright; skipped where there is none."""

import os
import shutil
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright

from shop.auth.models import User
from shop.http.caching import cache
from tests.factories.auth import PASSWORD
from tests.journeys.conftest import environment, mailbox, product
from tests.journeys.product import Product

__all__ = ["environment", "mailbox", "product"]  # fixtures

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)  # a worker that is waited for may still be starting


class Desk:
    """A person before a browser. `dialogs` are the texts of all that popped up; each was agreed to."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page, self.product, self.address = page, product, f"http://127.0.0.1:{product.port}/admin"
        self.dialogs: list[str] = []
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.accept()))

    def log_in(self, user: User) -> None:
        self.page.goto(f"{self.address}/")
        self.page.get_by_label("E-mail").fill(user.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def reads(self, text: str) -> bool:
        """Looks again, as a person does who waits for something to happen."""
        self.page.reload()
        return text in self.page.inner_text("main")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-dev-shm-usage", *as_root])
        yield browser
        browser.close()


@pytest.fixture
def desk(app: Flask, browser: Browser, product: Product) -> Iterator[Desk]:
    """In English, at a desk that remembers nothing of another test's figures."""
    with app.app_context():
        cache.clear()
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield Desk(context.new_page(), product)
    context.close()
