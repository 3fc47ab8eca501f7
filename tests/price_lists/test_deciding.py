"""Guards hold lists and quarantine rows; people decide; the last list can be taken back."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from shop.auth.models import MANAGER, SUPPLIER, Company, User
from shop.catalog.models import Offer
from shop.companies.approval import block
from shop.database import session, transaction
from shop.mail.models import MailMessage
from shop.price_lists.imports import pipeline
from shop.price_lists.imports.decisions import apply_list
from shop.price_lists.models import APPLIED, DISCARDED, HELD, STOCK_ONLY, PriceList
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import change_set, good, list_of, offers, read, revisions, run_import, stock

LISTS = "/api/v1/catalog/price-lists"
TEN = range(1, 11)

Post = Callable[..., Any]


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.fixture
def user(supplier: Company) -> User:
    return make_user(SUPPLIER, company=supplier)


@pytest.fixture
def post(client: FlaskClient, user: User, drain: Drain) -> Post:
    def send(price_list: PriceList, verb: str, rows: list[int] | None = None, **wanted: Any) -> Any:
        body = (wanted if rows is None else {"rows": rows} | wanted) or None
        answer = client.post(f"{LISTS}/{price_list.id}/{verb}", json=body, headers=bearer(user))
        drain()
        return answer

    return send


def ten(**others: Any) -> bytes:
    """Ten goods; `g3={...}` changes the third, `g3=None` leaves it out."""
    changed = {int(name[1:]): fields for name, fields in others.items()}
    return list_of(*(good(n, **changed.get(n, {})) for n in TEN if changed.get(n, {}) is not None))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (ten(g1=None, g2=None, g3=None), "leaves out 3 of 10 offers"),
        (list_of(*(good(n, price=120) for n in TEN)), "Half of the prices move by 20 %"),
        (list_of(), "holds no goods"),
        (ten().replace("Связной".encode(), "ООО «Другой»".encode()), "another supplier"),
    ],
)
def test_holds_a_list_that_changes_much(
    app: Flask, supplier: Company, user: User, raw: bytes, sentence: str, drain: Drain, edge: Callable[[], Any]
) -> None:
    make_company(SUPPLIER, name="Другой")
    run_import(app, supplier, ten())

    held = run_import(app, supplier, raw)

    assert held.state == HELD
    assert sentence in (held.message or "")
    assert {(offer.price, offer.is_listed) for offer in offers(app, supplier).values()} == {(100, True)}
    drain()
    with edge() as current:
        assert current.scalars(select(MailMessage.kind).filter_by(recipient=user.email)).all() == ["price_list_held"]


def test_nobody_of_a_blocked_supplier_is_told(
    app: Flask, supplier: Company, user: User, drain: Drain, edge: Callable[[], Any]
) -> None:
    run_import(app, supplier, ten())
    assert run_import(app, supplier, list_of()).state == HELD
    with edge() as current:
        block(current.get_one(Company, supplier.id), by=None)
    drain()
    with edge() as current:
        told = current.scalars(select(MailMessage.kind).filter_by(recipient=user.email)).all()
        assert "price_list_held" not in told


def test_a_held_list_is_applied_or_discarded(app: Flask, supplier: Company, post: Post) -> None:
    run_import(app, supplier, ten())
    one = run_import(app, supplier, ten(g1=None, g2=None, g3=None, g4={"price": 110}))
    assert [line[:2] for line in change_set(app, one)] == [
        ("changed", "4"),
        ("withdrawn", "1"),
        ("withdrawn", "2"),
        ("withdrawn", "3"),
    ]

    assert post(one, "discard").json["state"] == DISCARDED
    assert post(one, "apply").json["code"] == "NothingToDecide"
    assert len(change_set(app, one)) == 4

    two = run_import(app, supplier, ten(g1=None, g2=None, g3=None))
    assert post(two, "apply").status_code == 202
    assert read(app, two).state == APPLIED
    assert [name for name, offer in offers(app, supplier).items() if not offer.is_listed] == ["1", "2", "3"]
    assert post(two, "apply").status_code == 409


def test_a_held_list_that_only_numbers_a_category_anew_does_not_change_it(
    app: Flask, supplier: Company, post: Post
) -> None:
    run_import(app, supplier, ten())
    renumbered = [good(n, category=9) for n in TEN if n > 3]

    held = run_import(app, supplier, list_of(*renumbered, categories=[{"id": 9, "name": "СМАРТФОНЫ"}]))
    shown = change_set(app, held)
    post(held, "apply")

    assert {(change, external_id) for change, external_id, _ in shown} == {("withdrawn", str(n)) for n in (1, 2, 3)}
    applied = read(app, held)
    assert (applied.state, applied.offers_changed, applied.offers_unchanged) == (APPLIED, 0, 7)


def test_a_list_that_grew_is_held_again(app: Flask, supplier: Company, post: Post) -> None:
    run_import(app, supplier, ten())
    held = run_import(app, supplier, ten(g1=None, g2=None, g3=None))
    with app.app_context(), transaction():
        session().scalars(select(Offer).filter_by(external_id="7")).one().price = 90

    post(held, "apply")

    again = read(app, held)
    assert again.state == HELD
    assert "more than was shown" in (again.message or "")
    post(held, "apply")
    assert read(app, held).state == APPLIED


@pytest.mark.parametrize(
    "moved_on",
    [
        {"vat_rate": "10"},  # one reason more for quarantine
        {"name": "Имя, которое никто не видел"},
        {"price": 99},
        {"is_listed": False},
    ],
)
def test_a_list_that_changes_more_than_was_shown_is_held_again(
    app: Flask, supplier: Company, post: Post, moved_on: dict[str, Any]
) -> None:
    run_import(app, supplier, ten())
    held = run_import(app, supplier, ten(g1=None, g2=None, g3=None, g7={"price": 10, "vat_rate": 22}))
    with app.app_context(), transaction():
        session().execute(update(Offer).filter_by(external_id="7").values(**moved_on))

    post(held, "apply")

    assert (read(app, held).state, offers(app, supplier)["1"].is_listed) == (HELD, True)
    post(held, "apply", with_quarantined=True)
    assert read(app, held).state == APPLIED
    assert (offers(app, supplier)["7"].price, offers(app, supplier)["7"].vat_rate) == (10, "22")


def test_a_list_that_came_to_change_less_is_applied(app: Flask, supplier: Company, post: Post) -> None:
    run_import(app, supplier, ten(g5={"category": None}))
    held = run_import(
        app,
        supplier,
        ten(g1=None, g2=None, g3=None, g7={"price": 10}).replace("Смартфоны".encode(), "Телефоны".encode()),
    )
    with app.app_context(), transaction():
        session().execute(update(Offer).filter_by(external_id="7").values(price=10))
        session().execute(update(Offer).filter_by(external_id="3").values(is_listed=False))
    assert ("changed", "5", ["category"]) in change_set(app, held)

    post(held, "apply")

    assert read(app, held).state == APPLIED


def test_a_newer_list_takes_the_place_of_a_held_one_and_stock_does_not(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, ten())
    held = run_import(app, supplier, ten(g1=None, g2=None, g3=None))

    run_import(app, supplier, list_of({"id": 1, "quantity": 3}), mode=STOCK_ONLY)
    assert read(app, held).state == HELD

    run_import(app, supplier, ten(g1={"price": 101}), mode="full")
    assert read(app, held).state == DISCARDED


def quarantined(app: Flask, supplier: Company) -> PriceList:
    run_import(app, supplier, ten(g2={"vat_rate": 10}))
    return run_import(
        app,
        supplier,
        ten(g1={"price": 10, "quantity": 7}, g2={"vat_rate": 22}, g3={"unit": "уп"}, g4={"price": 105}),
    )


def test_rows_that_move_too_much_wait_and_the_rest_is_applied(
    app: Flask, client: FlaskClient, supplier: Company, user: User
) -> None:
    done = quarantined(app, supplier)

    assert (done.state, done.offers_quarantined, done.offers_changed) == (APPLIED, 3, 1)
    found = offers(app, supplier)
    assert [found[str(n)].is_quarantined for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert (found["1"].price, found["4"].price, stock(app, found["1"]).on_hand) == (100, 105, 10)
    answer = client.get(f"{LISTS}/{done.id}/changes?change=quarantined", headers=bearer(user)).json
    assert [(line["row"], line["reasons"]) for line in answer["items"]] == [
        (1, ["price"]),
        (2, ["vat_rate"]),
        (3, ["unit"]),
    ]
    assert answer["items"][0]["fields"] == [{"field": "price", "before": "100.00", "after": "10.00"}]
    assert answer["counts"]["unchanged"] == 6


@pytest.mark.parametrize(("before", "after"), [(None, 12), (12, None), (12, 6)])
def test_a_pack_that_is_stated_or_no_longer_stated_is_another_pack(
    app: Flask, supplier: Company, before: int | None, after: int | None
) -> None:
    has_packs = {"units_per_pack": 5}
    run_import(app, supplier, ten(g1={"unit": "уп", "units_per_pack": before}, g2=has_packs))

    done = run_import(app, supplier, ten(g1={"unit": "уп", "units_per_pack": after}, g2=has_packs))

    assert (done.state, done.offers_quarantined) == (APPLIED, 1)
    assert offers(app, supplier)["1"].units_per_pack == before


def test_how_many_pieces_lie_in_a_box_may_be_told_later(app: Flask, supplier: Company) -> None:
    """The price is of one piece before and after."""
    run_import(app, supplier, ten())
    done = run_import(app, supplier, ten(g1={"units_per_pack": 12}))
    assert (done.offers_quarantined, done.offers_changed) == (0, 1)
    assert offers(app, supplier)["1"].units_per_pack == 12


def test_quarantined_rows_are_decided_one_by_one(app: Flask, supplier: Company, post: Post) -> None:
    done = quarantined(app, supplier)

    assert post(done, "apply", [1]).status_code == 202
    assert post(done, "discard", [2]).status_code == 200
    assert post(done, "apply", [2, 9]).json["code"] == "RowsUnknown"

    found = offers(app, supplier)
    assert (found["1"].price, found["1"].is_quarantined, stock(app, found["1"]).on_hand) == (10, False, 7)
    assert (found["2"].vat_rate, found["2"].is_quarantined, found["3"].is_quarantined) == ("10", False, True)
    assert read(app, done).offers_quarantined == 1
    assert [line[:2] for line in change_set(app, done)] == [
        ("changed", "1"),
        ("discarded", "2"),
        ("quarantined", "3"),
        ("changed", "4"),
    ]
    post(done, "apply")
    assert offers(app, supplier)["3"].unit == "уп"


def test_a_decision_that_meets_a_lock_is_carried_out_later(
    app: Flask, supplier: Company, user: User, edge: Callable[[], Any], drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PATIENCE", text("SET LOCAL lock_timeout = '100ms'"))
    done = quarantined(app, supplier)
    with edge() as current:
        apply_list(current.get_one(PriceList, done.id), rows=[1], by=user)

    def work() -> None:
        with app.app_context():
            pipeline.apply_decisions(done.id, app.extensions["settings"])

    with edge() as other:
        other.scalars(select(Offer).with_for_update()).all()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert offers(app, supplier)["1"].price == 100

    drain()
    assert offers(app, supplier)["1"].price == 10


def test_a_newer_list_ends_quarantine(app: Flask, supplier: Company, post: Post) -> None:
    done = quarantined(app, supplier)

    run_import(app, supplier, ten(g2={"vat_rate": 10}))

    assert not any(offer.is_quarantined for offer in offers(app, supplier).values())
    assert post(done, "apply").status_code == 409


def test_a_supplier_may_have_guards_of_its_own(app: Flask, client: FlaskClient, supplier: Company) -> None:
    run_import(app, supplier, ten())
    address = f"{LISTS}/guards/{supplier.id}"
    body = {"guard_withdrawn_percent": 90}
    assert client.patch(address, json=body, headers=bearer(make_user(MANAGER))).status_code == 200

    assert run_import(app, supplier, ten(g1=None, g2=None, g3=None)).state == APPLIED


def test_rolls_back_the_latest_list_and_leaves_stock(app: Flask, supplier: Company, post: Post) -> None:
    first = run_import(app, supplier, ten(g5={"sku": "A-5"}))
    latest = run_import(
        app,
        supplier,
        ten(g1=None, g4={"price": 110, "quantity": 3}, g5={"sku": "B-5"}, g6={"price": 1}).replace(
            b'"goods":[', b'"goods":[{"id":"new","name":"x","price":1},'
        ),
    )
    assert post(first, "rollback").json["code"] == "NotTheLatest"

    answer = post(latest, "rollback")

    assert (answer.status_code, answer.json["source"]) == (202, "rollback")
    found = offers(app, supplier)
    assert (found["4"].price, found["5"].sku, found["1"].is_listed, found["new"].is_listed) == (100, "A-5", True, False)
    assert (stock(app, found["4"]).on_hand, found["6"].is_quarantined) == (3, False)
    assert [price for _, price, _ in revisions(app, found["4"])] == ["100.00", "110.00", "100.00"]
    assert post(latest, "rollback").status_code == 409


@pytest.mark.parametrize("change", [{"unit": "уп", "units_per_pack": 12}, {"name": "Другой товар"}])
def test_a_rollback_brings_rivals_together_again(
    app: Flask, supplier: Company, post: Post, change: dict[str, Any]
) -> None:
    rival = make_company(SUPPLIER)
    run_import(app, rival, list_of(good("r", name="Товар 1")).replace("Связной".encode(), b""))
    run_import(app, supplier, ten())
    product = offers(app, rival)["r"].product_id
    latest = run_import(app, supplier, ten(g1=change))
    if latest.offers_quarantined:
        post(latest, "apply", [1])
    assert offers(app, supplier)["1"].product_id != product

    post(latest, "rollback")

    assert offers(app, supplier)["1"].product_id == product


def test_others_decide_nothing(app: Flask, client: FlaskClient, supplier: Company) -> None:
    run_import(app, supplier, ten())
    held = run_import(app, supplier, ten(g1=None, g2=None, g3=None))
    stranger = bearer(make_user(SUPPLIER))

    for verb in ("apply", "discard", "rollback"):
        assert client.post(f"{LISTS}/{held.id}/{verb}", headers=stranger).status_code == 404
    assert client.get(f"{LISTS}/{held.id}/changes", headers=stranger).status_code == 404
