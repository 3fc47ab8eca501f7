"""A file that kills its worker, decisions made twice, orders placed while a list is applied."""

import threading
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from shop.auth.models import SUPPLIER, Company
from shop.catalog.stock import reserve
from shop.database import session, transaction
from shop.mail.models import MailMessage
from shop.price_lists.imports import pipeline
from shop.price_lists.imports.decisions import apply_list
from shop.price_lists.models import APPLIED, FAILED, PriceList
from tests.factories.auth import make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, list_of, offers, read, receive, revisions, run_import, stock


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER)


def test_a_list_that_kills_its_worker_is_given_up(
    app: Flask, supplier: Company, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user(SUPPLIER, company=supplier)
    deadly = receive(supplier, list_of(good(1)))

    def die(*_: object, **__: object) -> None:
        raise SystemExit("killed")

    with app.app_context(), monkeypatch.context() as patched:
        patched.setattr(pipeline, "stage", die)
        for _ in range(200):  # a dead worker's lock may be there for a moment longer, and that attempt does not count
            with suppress(SystemExit):
                pipeline.import_price_list(deadly.id, app.extensions["settings"])
            if read(app, deadly).is_finished:
                break
        drain()

    done = read(app, deadly)
    assert (done.state, "5 times" in (done.message or "")) == (FAILED, True)
    with app.app_context(), transaction():
        mails = session().scalars(select(MailMessage.kind).filter_by(recipient=user.email)).all()
    assert mails == ["price_list_failed"]
    assert run_import(app, supplier, list_of(good(2))).state == APPLIED


def test_a_list_approved_twice_at_once_is_applied_once(app: Flask, supplier: Company) -> None:
    user = make_user(SUPPLIER, company=supplier)
    run_import(app, supplier, list_of(good(1)))
    held = run_import(app, supplier, list_of(good(1, price=130)))
    with app.app_context(), transaction():
        apply_list(session().get_one(PriceList, held.id), rows=None, by=user)

    def work() -> None:
        with app.app_context():
            pipeline.apply_decisions(held.id, app.extensions["settings"])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read(app, held).state == APPLIED
    assert revisions(app, offers(app, supplier)["1"]) == [(1, "100.00", True), (2, "130.00", True)]


@pytest.mark.usefixtures("unguarded")
def test_orders_placed_meanwhile_lose_no_reservation(app: Flask, supplier: Company) -> None:
    goods = [good(number, quantity=1000) for number in range(50)]
    run_import(app, supplier, list_of(*goods))
    ids = sorted(offer.id for offer in offers(app, supplier).values())

    def order() -> None:
        with app.app_context():
            for _ in range(20):
                with transaction():
                    reserve(dict.fromkeys(ids, Decimal(1)))

    threads = [threading.Thread(target=order) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(5):
        changed = [each | {"quantity": 900 + number, "price": f"{100 + number}.00"} for each in goods]
        assert run_import(app, supplier, list_of(*changed)).state == APPLIED
    for thread in threads:
        thread.join()

    levels = [stock(app, offer) for offer in offers(app, supplier).values()]
    assert {(level.on_hand, level.reserved) for level in levels} == {(904, 40)}


def test_the_command_imports_a_file(app: Flask, supplier: Company, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id;name;price\n1;Болт;5\n", "utf-8")
    run = app.test_cli_runner().invoke

    done = run(args=["price-lists", "import", str(file), "--supplier", str(supplier.id)])
    unknown = run(args=["price-lists", "import", str(file), "--supplier", "Никто"])

    assert (done.exit_code, "1 new" in done.output) == (0, True), done.output
    assert (unknown.exit_code, "No supplier" in unknown.output) == (1, True)


def test_the_command_is_told_what_columns_mean_and_remembers_it(app: Flask, supplier: Company, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    run = app.test_cli_runner().invoke
    args = ["price-lists", "import", str(file), "--supplier", str(supplier.id)]

    file.write_text("Шифр;Наименование;€ без ПДВ\n1;Болт;5\n", "utf-8")
    wrong = run(args=[*args, "--column", "Шифр=article"])
    told = run(args=[*args, "--column", "Шифр=id", "--column", "€ без ПДВ=price"])
    file.write_text("Шифр;Наименование;€ без ПДВ\n1;Болт;6\n", "utf-8")
    remembered = run(args=args)

    assert (wrong.exit_code, "one of id, sku" in wrong.output) == (2, True), wrong.output
    assert (told.exit_code, "1 new" in told.output) == (0, True), told.output
    assert (remembered.exit_code, "1 changed" in remembered.output) == (0, True), remembered.output
