"""A typed client, generated from the document, does what a buyer does all day."""

import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from flask import Flask
from sqlalchemy import select

from shop.auth.accounts import confirmation_token
from shop.auth.models import User
from shop.database import session
from shop.http.openapi import document_text
from tests.factories.auth import PASSWORD, make_user, token_of
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

NAME = "shop_client"
VERBS = ("get", "post", "put", "patch", "delete")
CONFIGURATION = {
    "project_name_override": NAME,
    "content_type_overrides": {"application/pdf": "application/octet-stream"},
    "post_hooks": [],
}
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def generated(built_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The client as a package, gone again afterwards."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(document_text(built_app), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    arguments = ["--path", "openapi.json", "--config", "config.json", "--output-path", NAME, "--meta", "none"]
    command = [str(Path(sys.executable).parent / "openapi-python-client"), "generate", *arguments, "--fail-on-warning"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


@pytest.fixture
def call(app: Flask, generated: ModuleType) -> Call:
    """`call("orders.show_order", order.id, token=…)`: an operation of the client, and its typed answer."""

    def call_operation(operation: str, *args: Any, token: str = "", **kwargs: Any) -> Any:
        address = {"base_url": "http://shop.example", "raise_on_unexpected_status": True}
        client = generated.AuthenticatedClient(token=token, **address) if token else generated.Client(**address)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.WSGITransport(app=app.wsgi_app)
        with httpx.Client(transport=transport, base_url=address["base_url"], headers=headers) as connection:
            client.set_httpx_client(connection)
            module = importlib.import_module(f"{NAME}.api.{operation}")
            return module.sync(*args, client=client, **kwargs)

    return call_operation


def test_every_module_of_it_can_be_imported(generated: ModuleType, built_app: Flask) -> None:
    found = [each.name for each in pkgutil.walk_packages(generated.__path__, f"{NAME}.")]
    for name in found:
        importlib.import_module(name)
    paths = json.loads(document_text(built_app))["paths"].values()
    operations = {operation["operationId"] for path in paths for method, operation in path.items() if method in VERBS}
    assert operations <= {name.rpartition(".")[2] for name in found}


def test_it_plays_the_buyers_journey(app: Flask, generated: ModuleType, call: Call) -> None:
    models = importlib.import_module(f"{NAME}.models")
    offer = make_offer(name="Бумага офисная А4", price="350.00", on_hand=20)
    token = _register_and_log_in(app, models, call)

    found = call("catalog.search_offers", token=token, q="бумага")
    assert [(item.id, item.price, item.stock.available) for item in found.items] == [(offer.id, "350.00", 20)]

    address = models.CreateContact(name="001", city="Москва", street="ул. Лесная", house="5", phone="84951234567")
    contact = call("auth.create_contact", token=token, body=address)
    line = models.BasketLineArgs(offer_id=offer.id, quantity=3)
    call("orders.add_basket_lines", token=token, body=models.AddLines(lines=[line]))
    assert call("orders.show_basket", token=token).total == "1050.00"

    wishes = models.PlaceOrder(contact_id=contact.id, client_reference="PO-1")
    order = call("orders.place_order", token=token, body=wishes, idempotency_key="key-1")
    assert isinstance(order, models.Order)
    again = call("orders.place_order", token=token, body=wishes, idempotency_key="key-1")
    assert again.id == order.id
    assert [item.number for item in call("orders.list_orders", token=token).items] == [order.number]

    read = call("orders.show_order", order.id, token=token)
    assert (read.state, read.total, read.parts[0].lines[0].quantity) == ("new", "1050.00", 3)
    canceled = call("orders.cancel_order", order.id, token=token, body=models.Move(reason="Twice by mistake"))
    assert canceled.state == models.OrderState.CANCELED

    problem = call("orders.cancel_order", order.id, token=token, body=models.Move())
    assert isinstance(problem, models.Problem)
    assert (problem.status, problem.code) == (409, "NothingToCancel")


def test_it_reads_the_invoice_of_a_confirmed_order(app: Flask, call: Call) -> None:
    order = make_order()
    manager, buyer = token_of(make_user("manager")), token_of(order.user)
    call("orders.fulfill_order", order.id, token=manager, body=importlib.import_module(f"{NAME}.models").Move())
    [invoice] = call("orders.list_invoices", order.id, token=buyer).items
    assert call("orders.download_invoice", invoice.id, token=buyer).payload.read().startswith(b"%PDF")


def _register_and_log_in(app: Flask, models: Any, call: Call) -> str:
    email = "anna@buyer.example"
    person = {"first_name": "Анна", "last_name": "Петрова", "role": models.RegisterRole.BUYER, "company": "Сеть"}
    call("auth.register", body=models.Register(email=email, password=PASSWORD, **person))
    with app.app_context():
        user = session().scalars(select(User)).one()
        mailed = confirmation_token(user, email, secret_key=app.config["SECRET_KEY"])
    call("auth.confirm_email", body=models.ConfirmEmail(token=mailed))
    token: str = call("auth.log_in", body=models.LogIn(email=email, password=PASSWORD)).access_token
    return token
