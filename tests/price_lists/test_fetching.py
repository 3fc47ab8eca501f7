"""Lists at an address: fetched safely, on a schedule, and only if they have changed."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from shop.auth.models import SUPPLIER, Company, User
from shop.database import now
from shop.http.outgoing import AddressRefused, check_url
from shop.mail.models import MailMessage
from shop.price_lists.arriving.download import DownloadFailed, download
from shop.price_lists.models import APPLIED, FAILED, HELD, ImportTerms, PriceList
from shop.price_lists.tasks import fetch_due_price_lists
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, list_of

LISTS = "/api/v1/catalog/price-lists"


class Site(BaseHTTPRequestHandler):
    content = list_of(good(1))
    tag = '"1"'
    asked: list[str]

    def do_GET(self) -> None:
        getattr(self, "do_" + self.path.strip("/").split("?")[0].replace("-", "_"))()

    def do_list(self) -> None:
        Site.asked.append(self.headers.get("If-None-Match") or "")
        if self.headers.get("If-None-Match") == Site.tag:
            self._answer(304)
        else:
            self._answer(200, Site.content, ETag=Site.tag)

    def do_list_without_tag(self) -> None:
        self._answer(200, Site.content)

    def do_empty(self) -> None:
        self._answer(200)

    def do_page(self) -> None:
        self._answer(200, b"<!DOCTYPE html><html><body>Log in</body></html>")

    def do_gone(self) -> None:
        self._answer(404, b"nothing here")

    def do_moved(self) -> None:
        self._answer(302, Location="/list")

    def do_to_loopback(self) -> None:
        self._answer(302, Location="http://localhost:1/secret")

    def do_to_file(self) -> None:
        self._answer(302, Location="file:///etc/passwd")

    def do_round(self) -> None:
        self._answer(302, Location="/round")

    def do_cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"id,name")

    def do_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(2000):
            self.wfile.write(b"x" * 100_000)

    def do_slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:  # until it is cut off
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def do_silent(self) -> None:
        self.connection.settimeout(60)
        with contextlib.suppress(OSError):
            self.connection.recv(1)  # until the other end hangs up

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are what these tests are about."""


@pytest.fixture
def site() -> Iterator[str]:
    Site.asked = []
    server = Server(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def allowed(app: Flask, site: str, monkeypatch: pytest.MonkeyPatch) -> str:
    settings = app.extensions["settings"].model_copy(
        update={"price_list_url_allowed_hosts": site, "price_list_fetch_seconds": 30.0, "max_price_list_mib": 1}
    )
    monkeypatch.setitem(app.extensions, "settings", settings)
    return site


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x",
        "file:///etc/passwd",
        "example.com/x",
        "http://",
        "http://user:secret@example.com/",
        "http://example.com:99999/",
        "http://[::1",
        "http://example.com/a b",
        "gopher://127.0.0.1",
    ],
)
def test_refuses_what_is_no_address_of_a_file(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("gone", "404"),
        ("to-loopback", "knows no such host"),
        ("to-file", "must begin with http"),
        ("round", "without an end"),
        ("cut", "cut off"),
        ("endless", "larger than 1 MiB"),
        ("slow", "within 1 s"),
        ("silent", "within 1 s"),
    ],
)
def test_says_why_a_file_could_not_be_fetched(site: str, path: str, sentence: str) -> None:
    seconds = 1 if "within 1 s" in sentence else 60
    with pytest.raises((AddressRefused, DownloadFailed), match=sentence):
        download(f"http://{site}/{path}", most_bytes=2**20, seconds=seconds, allowed_hosts={site}, headers={})


def test_is_fetched_in_the_background_and_only_if_it_has_changed(
    client: FlaskClient, allowed: str, drain: Drain
) -> None:
    user = make_user(SUPPLIER)
    send = lambda path: client.post(  # noqa: E731
        LISTS, json={"url": f"http://{allowed}/{path}", "mode": "full"}, headers=bearer(user)
    )
    answers = [send(path) for path in ("moved", "list", "list", "list-without-tag", "list-without-tag")]

    assert [answer.status_code for answer in answers] == [202] * 5
    drain()
    done = [client.get(answer.headers["Location"], headers=bearer(user)).json for answer in answers]
    assert [(each["state"], each["offers_new"]) for each in done] == [(APPLIED, 1)] + [(APPLIED, 0)] * 4
    assert ["has not changed" in (each["message"] or "") for each in done] == [False, False, True, False, True]
    assert Site.asked == ["", "", '"1"']


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("page", "web page"), ("empty", "empty"), ("gone", "404"), ("to-loopback", "knows no such host")],
)
def test_a_list_that_cannot_be_fetched_fails(
    client: FlaskClient, allowed: str, drain: Drain, path: str, sentence: str
) -> None:
    user = make_user(SUPPLIER)
    answer = client.post(LISTS, json={"url": f"http://{allowed}/{path}"}, headers=bearer(user))
    drain()

    done = client.get(answer.headers["Location"], headers=bearer(user)).json
    assert done["state"] == FAILED
    assert sentence in done["message"]


def test_refuses_an_address_and_a_file_at_once_or_neither(client: FlaskClient) -> None:
    user = make_user(SUPPLIER)
    assert client.post(LISTS, json={}, headers=bearer(user)).status_code == 422
    assert client.post(LISTS, json={"url": "ftp://x"}, headers=bearer(user)).json["code"] == "AddressRefused"


@pytest.fixture
def by_the_clock(app: Flask, edge: Callable[[], Any], allowed: str, drain: Drain) -> Callable[[str], PriceList]:
    """What becomes of the list at this path when its hour has come."""
    supplier = make_company(SUPPLIER, name="По часам")

    def fetch(path: str) -> PriceList:
        with edge() as session:
            session.get_one(Company, supplier.id).price_list_url = f"http://{allowed}/{path}"
            terms = session.get(ImportTerms, supplier.id) or ImportTerms(supplier_id=supplier.id)
            terms.interval_hours, terms.next_fetch_at = 6, now() - timedelta(hours=1)
            session.add(terms)
        fetch_due_price_lists()
        drain()
        with edge() as session:
            return session.scalars(select(PriceList).order_by(PriceList.id.desc())).first()

    return fetch


@pytest.mark.parametrize("path", ["list", "list-without-tag"])
@pytest.mark.parametrize("decision", ["rollback", "discard", None])
def test_what_somebody_decided_against_does_not_come_back_by_the_clock(
    client: FlaskClient,
    edge: Callable[[], Any],
    drain: Drain,
    monkeypatch: pytest.MonkeyPatch,
    by_the_clock: Callable[[str], PriceList],
    path: str,
    decision: str | None,
) -> None:
    monkeypatch.setattr(Site, "content", list_of(*(good(n) for n in range(1, 11))))
    first = by_the_clock(path)
    with edge() as session:
        company = session.get_one(Company, first.supplier_id)
    user = make_user(SUPPLIER, company=company)
    if decision != "rollback":  # a list that is held, and perhaps discarded
        monkeypatch.setattr(Site, "content", list_of(*(good(n) for n in range(1, 5))))
        monkeypatch.setattr(Site, "tag", '"2"')
        first = by_the_clock(path)
        assert first.state == HELD
    if decision:
        assert client.post(f"{LISTS}/{first.id}/{decision}", headers=bearer(user)).status_code < 300
        drain()

    for _ in range(2):
        again = by_the_clock(path)
        assert (again.state, "has not changed" in (again.message or "")) == (APPLIED, True)

    body = {"url": again.url, "mode": "full"}
    asked = client.post(LISTS, json=body, headers=bearer(user)).headers["Location"]
    drain()
    counts = client.get(asked, headers=bearer(user)).json
    assert (counts["state"], counts["offers_changed"], counts["offers_withdrawn"]) == (
        (APPLIED, 10, 0) if decision == "rollback" else (HELD, 0, 6)
    )
    monkeypatch.setattr(Site, "content", list_of(*(good(n, price=101) for n in range(1, 11))))
    monkeypatch.setattr(Site, "tag", '"3"')
    changed = by_the_clock(path)
    assert (changed.state, changed.offers_changed) == (APPLIED, 10)


@pytest.mark.parametrize("path", ["list", "list-without-tag"])
def test_a_failed_list_is_not_imported_again_by_the_clock_until_the_file_is_another(
    edge: Callable[[], Any],
    client: FlaskClient,
    drain: Drain,
    monkeypatch: pytest.MonkeyPatch,
    by_the_clock: Callable[[str], PriceList],
    path: str,
) -> None:
    monkeypatch.setattr(Site, "content", b"shop: nothing else")
    first = by_the_clock(path)
    with edge() as session:
        user = make_user(SUPPLIER, company=session.get_one(Company, first.supplier_id))
    assert (first.state, first.reasons[0]["code"]) == (FAILED, "no_list_of_goods")

    again = [by_the_clock(path) for _ in range(2)]

    assert [(each.state, each.reasons[0]["code"]) for each in again] == [(APPLIED, "NotChanged")] * 2
    client.post(LISTS, json={"url": again[0].url}, headers=bearer(user))
    drain()
    with edge() as session:
        assert session.scalars(select(PriceList.state).order_by(PriceList.id.desc())).first() == FAILED
        assert mails_to(user, session) == 1  # of the list that was asked for
    monkeypatch.setattr(Site, "content", list_of(good(1)))
    monkeypatch.setattr(Site, "tag", '"2"')
    assert by_the_clock(path).offers_new == 1


def test_the_same_trouble_at_the_address_is_mailed_once(
    edge: Callable[[], Any], by_the_clock: Callable[[str], PriceList], drain: Drain
) -> None:
    supplier_id = by_the_clock("list").supplier_id
    with edge() as session:
        user = make_user(SUPPLIER, company=session.get_one(Company, supplier_id))

    states = [by_the_clock("gone").state for _ in range(3)]

    with edge() as session:
        assert (states, mails_to(user, session)) == ([FAILED] * 3, 1)
    by_the_clock("list")
    by_the_clock("gone")  # it is another trouble when it comes back, or another time
    by_the_clock("cut")
    with edge() as session:
        assert mails_to(user, session) == 2


def mails_to(user: User, session: Any) -> int:
    return session.scalar(select(func.count()).select_from(MailMessage).filter_by(recipient=user.email))


def test_a_held_list_can_be_approved_whenever_its_file_was_looked_at_again(
    client: FlaskClient,
    edge: Callable[[], Any],
    drain: Drain,
    monkeypatch: pytest.MonkeyPatch,
    by_the_clock: Callable[[str], PriceList],
) -> None:
    monkeypatch.setattr(Site, "content", list_of(*(good(n) for n in range(1, 11))))
    by_the_clock("list-without-tag")
    monkeypatch.setattr(Site, "content", list_of(good(1, quantity=7)))
    held = by_the_clock("list-without-tag")
    assert "has not changed" in (by_the_clock("list-without-tag").message or "")
    with edge() as session:
        company = session.get_one(Company, held.supplier_id)
    user = bearer(make_user(SUPPLIER, company=company))

    client.post(f"{LISTS}/{held.id}/apply", headers=user)
    drain()

    done = client.get(f"{LISTS}/{held.id}", headers=user).json
    assert (done["state"], done["offers_withdrawn"], done["stock_changed"]) == (APPLIED, 9, 1)


def test_a_file_of_stock_leaves_the_nightly_list_as_it_is(
    client: FlaskClient, edge: Callable[[], Any], drain: Drain, by_the_clock: Callable[[str], PriceList]
) -> None:
    first = by_the_clock("list-without-tag")
    with edge() as session:
        company = session.get_one(Company, first.supplier_id)
    user = make_user(SUPPLIER, company=company)
    send = lambda **form: client.post(  # noqa: E731
        LISTS, data={"file": (BytesIO(list_of({"id": 1, "quantity": 3})), "x")} | form, headers=bearer(user)
    )

    assert send(mode="stock_only").json["mode"] == "stock_only"
    assert send().json["mode"] == "stock_only"
    drain()

    assert by_the_clock("list-without-tag").mode == "full"


def test_beat_fetches_what_is_due_once(app: Flask, edge: Callable[[], Any], allowed: str, drain: Drain) -> None:
    supplier: Company = make_company(SUPPLIER, price_list_url=f"http://{allowed}/list")
    with edge() as session:
        session.add(ImportTerms(supplier_id=supplier.id, interval_hours=6, next_fetch_at=now() - timedelta(hours=1)))

    threads = [threading.Thread(target=fetch_due_price_lists) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain()

    with edge() as session:
        assert session.scalars(select(PriceList.state)).all() == [APPLIED]
        assert session.get_one(ImportTerms, supplier.id).next_fetch_at > now() + timedelta(hours=5)
        session.execute(update(ImportTerms).values(next_fetch_at=now()))
    fetch_due_price_lists()
    drain()
    with edge() as session:
        assert session.scalar(select(func.count()).select_from(PriceList)) == 2
