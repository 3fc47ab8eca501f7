"""Price lists at the desk: sent, followed, read as a diff and decided about, by the same stories as the API's."""

import csv
import gzip
import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dev import translations
from shop.admin.change_sets import FIELDS
from shop.admin.models import AuditEntry
from shop.auth.models import SUPPLIER, Company
from shop.catalog.models import Offer
from shop.database import session
from shop.price_lists.models import APPLIED, DISCARDED, HELD, PriceList
from tests.admin.conftest import Desk
from tests.factories.auth import make_company, make_user
from tests.price_lists.lists import good, list_of, offers, read, receive, run_import, stock

ATTACK = "<script>alert(1)</script>"
TEN = range(1, 11)


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.fixture
def held(app: Flask, supplier: Company) -> PriceList:
    """Ten goods, then a list that leaves three out, and whose fourth costs nine times as much."""
    run_import(app, supplier, list_of(*map(good, TEN)))
    found = run_import(app, supplier, list_of(good(4, price=900), *(good(n) for n in TEN if n > 4)))
    assert found.state == HELD
    return found


@pytest.fixture
def quarantined(app: Flask, supplier: Company) -> PriceList:
    """An applied list, two of whose rows wait."""
    run_import(app, supplier, list_of(*map(good, TEN)))
    raised = [good(n, price=900) if n in (4, 5) else good(n) for n in TEN]
    found = run_import(app, supplier, list_of(*raised))
    assert (found.state, found.offers_quarantined) == (APPLIED, 2)
    return found


def address(price_list: PriceList, verb: str = "") -> str:
    return f"/admin/price_lists/{price_list.id}/{verb}"


def send(desk: Desk, **fields: Any) -> Any:
    return desk.post("/admin/price_lists/new/", mode="", **fields)


def file_of(raw: bytes, name: str = "list.yaml") -> tuple[io.BytesIO, str]:
    return io.BytesIO(raw), name


def prices(app: Flask, supplier: Company) -> list[str]:
    return [f"{offer.price:.0f}" for offer in offers(app, supplier).values()]


def entries(edge) -> list[AuditEntry]:
    with edge():
        return list(session().scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_a_file_is_sent_for_a_supplier_and_followed_until_it_is_applied(app, desk, edge, drain, supplier) -> None:
    page = send(desk, supplier_id=supplier.id, file=file_of(list_of(good(1), good(2))))
    assert 'data-live="2"' in page.text
    assert "queued" in page.text
    drain()
    page = desk.get("/admin/price_lists/1/")
    assert "data-live" not in page.text
    assert "Товар 1" in page.text
    sent = read(app, PriceList(id=1))
    assert (sent.source, sent.user_id, sent.offers_new) == ("admin", desk.user.id, 2)
    [entry] = entries(edge)
    assert (entry.action, entry.object_name, entry.user_id) == ("pricelist.create", "list.yaml", desk.user.id)


def test_its_file_may_be_larger_than_other_forms(app, desk, monkeypatch, supplier) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 20_000)
    raw = list_of(*(good(n, name=f"Товар {n} " + "x" * 200) for n in range(200)))
    assert len(raw) > 40_000
    assert send(desk, supplier_id=supplier.id, file=file_of(raw)).status_code == 200
    assert read(app, PriceList(id=1)).file_name == "list.yaml"
    assert desk.client.post("/admin/price_lists/1/apply", data={"csrf_token": "x" * 40_000}).status_code == 413


def test_strangers_may_not_send_as_much(app, client, monkeypatch) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 20_000)
    answer = client.post("/admin/price_lists/new/", data={"file": file_of(b"x" * 40_000)})
    assert answer.status_code == 303
    assert "/admin/login" in answer.location


def test_an_address_is_fetched_by_a_worker(app, desk, supplier) -> None:
    page = send(desk, supplier_id=supplier.id, url="https://prices.example/list.yaml?day=1")
    assert "https://prices.example/list.yaml?day=1" in page.text
    assert read(app, PriceList(id=1)).source == "url"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose a file, or give the address of one; not both."),
        ({"url": "https://a.example/x", "file": (io.BytesIO(b"goods: []"), "x")}, "not both"),
        ({"file": (io.BytesIO(b" \n"), "x.yaml")}, "The file is empty."),
        ({"url": "ftp://a.example/x"}, "http"),
        ({"supplier_id": "999", "url": "https://a.example/x"}, "There is no such supplier."),
        ({"supplier_id": "", "url": "https://a.example/x"}, "This field is required."),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_kept(desk, edge, supplier, fields, sentence) -> None:
    page = send(desk, **{"supplier_id": supplier.id} | fields)
    assert sentence in page.text
    with edge():
        assert session().scalar(select(PriceList.id)) is None
    assert entries(edge) == []


def test_suppliers_are_found_by_name(desk, supplier) -> None:
    make_company(SUPPLIER, name="Другой")
    make_company(SUPPLIER, name="Связной-2", status="blocked")
    found = desk.get("/admin/price_lists/ajax/lookup/", name="supplier_id", query="связ").json
    assert found == [[supplier.id, "Связной"]]
    assert 'value="Связной"' in desk.get("/admin/price_lists/new/", supplier=supplier.id).text


def test_the_list_shows_what_the_desk_counts(app, desk, held, supplier) -> None:
    receive(make_company(SUPPLIER, name="Другой"), list_of(good(1)))
    for query in ({"state": "held"}, {"quarantined": "1"}):
        page = desk.get("/admin/price_lists/", **query).text
        assert f'href="{address(held)}"' in page, query
        assert "Связной" in page, query
        assert "Другой" not in page, query
    assert "Другой" in desk.get("/admin/price_lists/", supplier="друг", source="upload").text


def test_the_change_set_is_read_field_by_field(desk, held) -> None:
    page = desk.get(address(held)).text
    assert "leaves out 3 of 10 offers" in page
    change = re.search(r'<div class="change"><b>Price</b> <del>(.*?)</del> → <ins>(.*?)</ins>(.*?)</div>', page)
    assert change is not None
    assert change[1] == "100.00\u00a0₽"
    assert change[2] == "900.00\u00a0₽"
    assert "+800 %" in change[3]
    withdrawn = desk.get(address(held), tab="withdrawn").text
    assert [name for name in ("Товар 1", "Товар 2", "Товар 3", "Товар 4") if name in withdrawn] == [
        "Товар 1", "Товар 2", "Товар 3",
    ]  # fmt: skip


def test_why_it_is_held_is_said_in_the_readers_language(enter, held) -> None:
    for locale, sentence in (("en", "It leaves out 3 of 10 offers"), ("ru", "В нём нет 3 из 10 предложений")):
        page = enter(make_user("manager", locale=locale)).get(address(held)).text
        assert sentence in page


def test_it_is_read_page_by_page(app, desk, supplier, unguarded) -> None:
    applied = run_import(app, supplier, list_of(*map(good, range(1, 151))))
    first = desk.get(address(applied), tab="new").text
    assert len(re.findall("Товар [0-9]+</a>", first)) == 100
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = desk.client.get(following[1].replace("&amp;", "&")).text
    assert len(re.findall("Товар [0-9]+</a>", second)) == 50
    assert "To the beginning" in second


def test_only_what_can_be_done_is_offered(app, desk, held, supplier) -> None:
    page = desk.get(address(held)).text
    assert "Apply the whole list" in page
    assert "Discard the whole list" in page
    assert "Roll back" not in page
    first = desk.get("/admin/price_lists/1/").text
    assert "Roll back" in first
    assert "Apply" not in first
    queued = desk.get(address(receive(supplier, list_of(good(1))))).text
    assert "Discard the whole list" in queued
    assert "Apply the whole list" not in queued


def test_a_held_list_is_applied(app, desk, edge, drain, held, supplier) -> None:
    page = desk.post(address(held, "apply"), with_quarantined="1")
    assert 'data-live="2"' in page.text
    drain()
    done = read(app, held)
    assert (done.state, done.approved_by_id, done.offers_withdrawn) == (APPLIED, desk.user.id, 3)
    assert prices(app, supplier)[3] == "900"
    [entry] = entries(edge)
    assert entry.action == "price_list.apply"
    assert entry.changes["state"] == ["held", "queued"]


def test_quarantined_rows_of_a_held_list_go_on_waiting(app, desk, drain, held, supplier) -> None:
    assert 'name="with_quarantined"' in desk.get(address(held)).text
    desk.post(address(held, "apply"))
    drain()
    done = read(app, held)
    assert (done.state, done.offers_withdrawn, done.offers_quarantined) == (APPLIED, 3, 1)
    assert prices(app, supplier)[3] == "100"


def test_a_list_may_only_be_tried(app, desk, drain, supplier) -> None:
    send(desk, supplier_id=supplier.id, file=file_of(list_of(good(1))), dry_run="y")
    drain()
    page = desk.get("/admin/price_lists/1/").text
    assert "only tried" in page
    assert "nothing is changed" in page
    assert offers(app, supplier) == {}
    desk.post("/admin/price_lists/1/apply")
    drain()
    assert prices(app, supplier) == ["100"]


def test_the_old_price_is_kept_or_the_good_withdrawn(app, desk, edge, supplier) -> None:
    run_import(app, supplier, list_of(*map(good, TEN)))
    found = run_import(app, supplier, list_of(*(good(n, price=0) if n in (4, 5, 6) else good(n) for n in TEN)))
    page = desk.get(address(found)).text
    assert "Keep as before" in page
    assert re.findall(r'rowid" value="\d+" formaction="[^"]*/apply"', page) == []
    desk.post(address(found, "discard"), of="rows", rowid=["4"])
    assert "Withdrawn." in desk.post(address(found, "withdraw"), of="rows", rowid=["5", "6"]).text
    made = offers(app, supplier)
    assert [(made[n].is_listed, made[n].is_quarantined) for n in "456"] == [
        (True, False),
        (False, False),
        (False, False),
    ]
    assert [entry.action for entry in entries(edge)] == ["price_list.discard", "price_list.withdraw"]


def test_a_held_list_is_discarded(app, desk, held, supplier) -> None:
    page = desk.post(address(held, "discard"))
    assert "Discarded." in page.text
    assert read(app, held).state == DISCARDED
    assert prices(app, supplier) == ["100"] * 10
    again = desk.post(address(held, "apply"))
    assert "This list is discarded and waits for no decision." in again.text


def test_the_last_list_is_rolled_back(app, desk, drain, supplier, unguarded) -> None:
    run_import(app, supplier, list_of(good(1)))
    second = run_import(app, supplier, list_of(good(1, price=120)))
    page = desk.post(address(second, "rollback"))
    assert "It is being taken back." in page.text
    assert f'href="/admin/price_lists/{second.id}/"' in page.text
    drain()
    assert prices(app, supplier) == ["100"]


def test_stock_is_taken_back_where_it_is_asked_for(app, desk, edge, drain, supplier, unguarded) -> None:
    run_import(app, supplier, list_of(good(1)))
    second = run_import(app, supplier, list_of(good(1, price=120, quantity=3)))
    assert 'name="take_stock_back"' in desk.get(address(second)).text
    desk.post(address(second, "rollback"), take_stock_back="1")
    drain()
    assert stock(app, offers(app, supplier)["1"]).on_hand == 10
    assert {entry.reason for entry in entries(edge)} == {"with stock"}


def test_an_older_list_is_not_rolled_back(app, desk, edge, supplier, unguarded) -> None:
    first = run_import(app, supplier, list_of(good(1)))
    run_import(app, supplier, list_of(good(1, price=120)))
    assert "Only the list that was applied last" in desk.post(address(first, "rollback")).text
    assert entries(edge) == []


def test_quarantined_rows_are_decided_singly(app, desk, edge, drain, quarantined, supplier) -> None:
    page = desk.post(address(quarantined, "apply"), of="rows", rowid=["4"])
    assert 'data-live="2"' in page.text
    drain()
    desk.post(address(quarantined, "discard"), of="rows", rowid=["5"])
    assert prices(app, supplier)[3:5] == ["900", "100"]
    assert read(app, quarantined).offers_quarantined == 0
    assert [entry.reason for entry in entries(edge)] == ["rows 4", "rows 5"]
    page = desk.get(address(quarantined)).text
    assert "data-live" not in page
    assert "quarantined rows" not in page


def test_several_quarantined_rows_are_decided_at_once(app, desk, drain, quarantined, supplier) -> None:
    desk.post(address(quarantined, "apply"), of="rows", rowid=["4", "5"])
    drain()
    assert prices(app, supplier)[3:5] == ["900", "900"]


def test_no_rows_marked_is_not_all_of_them(app, desk, drain, quarantined, supplier) -> None:
    page = desk.post(address(quarantined, "apply"), of="rows")
    assert "Mark at least one row first." in page.text
    drain()
    assert prices(app, supplier) == ["100"] * 10


def test_rows_that_wait_for_nothing_are_refused(desk, edge, quarantined) -> None:
    page = desk.post(address(quarantined, "apply"), of="rows", rowid=["4", "7", "99999999999999999999999"])
    assert "These rows wait for no decision: 7." in page.text
    assert entries(edge) == []


def test_issues_are_read_and_rejected_rows_taken_away(app, desk, enter, supplier) -> None:
    found = run_import(app, supplier, list_of(good(1), good(2, price="free", name="=1+1")))
    for locale, said in (("en", "must be a number, not «free»"), ("ru", "должно быть числом, а не «free»")):
        assert f"{said}</td>" in enter(make_user("manager", locale=locale)).get(address(found), tab="issues").text
    page = desk.get(address(found), tab="issues").text
    assert '<span class="badge bad">error</span>' in page
    answer = desk.get(address(found, "rejected-rows.csv"))
    assert answer.headers["Content-Disposition"] == f"attachment; filename=rejected-rows-{found.id}.csv"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert [row["issue_row"] for row in rows] == ["2"]


def test_a_packed_file_and_a_broken_one_end_with_a_sentence(app, desk, drain, supplier) -> None:
    send(desk, supplier_id=supplier.id, file=file_of(gzip.compress(list_of(good(1))), "list.yaml.gz"))
    send(desk, supplier_id=supplier.id, file=file_of(b"goods: [", "broken.yaml"))
    drain()
    assert read(app, PriceList(id=1)).state == APPLIED
    broken = read(app, PriceList(id=2))
    assert broken.state == "failed"
    assert "note bad" in desk.get(address(broken)).text


def test_what_a_file_says_stays_text(app, desk, unguarded) -> None:
    named = make_company(SUPPLIER, name=ATTACK)
    run_import(
        app, named, list_of(good(1, name=ATTACK, parameters={ATTACK: ATTACK}), categories=[{"id": 224, "name": ATTACK}])
    )
    other = {"name": f"{ATTACK}!", "parameters": {ATTACK: f"{ATTACK}!"}, "price": "x<script>"}
    run_import(app, named, list_of(good(1, **other | {"price": 100}), good(ATTACK, **other)))
    send(desk, supplier_id=named.id, file=file_of(list_of(good(1)), f"{ATTACK}.yaml"))
    pages = [f"/admin/price_lists/{number}/" for number in (1, 2, 3)]
    tabs = [f"{page}?tab={tab}" for page in pages for tab in ("new", "changed", "issues")]
    for path in ("/admin/price_lists/", "/admin/audit/", f"/admin/price_lists/new/?supplier={named.id}", *pages, *tabs):
        page = desk.client.get(path).text
        assert "<script>" not in page, path
        assert "<script src=" in page, path
    assert "&lt;script&gt;alert(1)" in desk.get("/admin/price_lists/2/", tab="changed").text


def test_pages_cost_the_same_number_of_statements_however_long(app, desk, count_statements, supplier) -> None:
    counts = []
    for last in (3, 40):
        found = run_import(app, supplier, list_of(*map(good, range(1, last)), good(99, price="x")))
        for path in ("/admin/price_lists/", address(found), address(found) + "?tab=issues"):
            with count_statements() as statements:
                assert desk.client.get(path).status_code == 200
            counts.append(len(statements))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 10


def test_fields_have_their_russian() -> None:
    assert [word for word in FIELDS.values() if word not in translations.catalog()] == []


def test_an_offer_says_which_list_it_waits_in(app, desk, edge, quarantined, supplier) -> None:
    with edge():
        offer = session().scalar(select(Offer).where(Offer.is_quarantined).order_by(Offer.id))
    assert f"/admin/price_lists/{quarantined.id}/?tab=quarantined" in desk.get(f"/admin/offers/{offer.id}/").text
