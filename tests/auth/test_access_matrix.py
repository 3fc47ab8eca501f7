"""Who may call what: every operation of the OpenAPI document, by everybody there is.

A new operation has to be written into MATRIX before this passes.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.auth.models import AccessToken, User
from shop.catalog.models import Category, Offer
from shop.companies.invitations import invite_member
from shop.database import session
from shop.orders.models import Invoice
from shop.orders.parts.lifecycle import fulfill_order
from shop.price_lists.models import PriceList
from shop.webhooks.redelivery import try_webhook
from tests.factories.auth import bearer, make_api_key, make_company, make_contact, make_user
from tests.factories.catalog import make_category, make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_webhook

ANYBODY = "-ABSTM"
LOGGED_IN = "ABSTM"
CALLERS = {
    "-": "anonymous",
    "A": "buyer A",
    "B": "buyer B",
    "S": "supplier A",
    "T": "supplier B",
    "M": "manager",
}
UNKNOWN_ID = 999_999
BUYER_A, GUEST_OF_A, SHOP_OF_A = "Chain of buyer A", "guest-of-a@chain.example", "Shop of buyer A"


@dataclass(frozen=True)
class Row:
    """`may` gets in; to `foreign` the thing of A is unknown (404), asked with `body`; everybody else is refused.

    Who has no business here at all hears 403, who has not logged in 401.
    """

    may: str
    foreign: str = ""
    body: Any = None


MATRIX = {
    # Accounts
    "register": Row(ANYBODY),
    "confirm_email": Row(ANYBODY),
    "resend_confirmation": Row(ANYBODY),
    "log_in": Row(ANYBODY),
    "request_password_reset": Row(ANYBODY),
    "reset_password": Row(ANYBODY),
    "confirm_email_change": Row(ANYBODY),
    "accept_invitation": Row(ANYBODY),
    "list_scopes": Row(ANYBODY),
    "log_out": Row(LOGGED_IN),
    "log_out_everywhere": Row(LOGGED_IN),
    "list_sessions": Row(LOGGED_IN),
    "end_session": Row("A", foreign="BSTM"),
    "list_api_keys": Row(LOGGED_IN),
    "create_api_key": Row(LOGGED_IN),
    "delete_api_key": Row("A", foreign="BSTM"),
    "change_password": Row(LOGGED_IN),
    "me": Row(LOGGED_IN),
    "change_profile": Row(LOGGED_IN),
    "close_account": Row(LOGGED_IN),
    "set_up_totp": Row("M"),
    "verify_totp": Row("M"),
    "disable_totp": Row("M"),
    "social_providers": Row(ANYBODY),
    "exchange_social_code": Row(ANYBODY),
    "register_with_social_code": Row(ANYBODY),
    "social_accounts": Row(LOGGED_IN),
    "start_linking": Row("", foreign=LOGGED_IN),  # no provider is configured here
    "link_social_account": Row(LOGGED_IN),
    "unlink_social_account": Row("", foreign=LOGGED_IN),
    # Companies, members, delivery points
    "show_company": Row("ABST"),
    "rename_company": Row("ABST"),
    "show_legal_entity": Row("ABST"),
    "describe_legal_entity": Row("ABST"),
    "list_companies": Row("M"),
    "find_company": Row("M"),
    "approve_company": Row("M"),
    "block_company": Row("M"),
    "unblock_company": Row("M"),
    "list_members": Row("ABST"),
    "remove_member": Row("A", foreign="BST"),
    "hand_over": Row("ABST"),
    "invite_member": Row("ABST"),
    "list_invitations": Row("ABST"),
    "find_invitation": Row("A", foreign="BST"),
    "take_back_invitation": Row("A", foreign="BST"),
    "contacts": Row(LOGGED_IN),
    "create_contact": Row(LOGGED_IN),
    "find_contact": Row("A", foreign="BSTM"),
    "change_contact": Row("A", foreign="BSTM", body={"city": "Тула"}),
    "delete_contact": Row("A", foreign="BSTM"),
    "create_company_contact": Row("ABST"),
    "import_contacts": Row("ABST"),
    # Catalog
    "search_offers": Row(ANYBODY),
    "count_facets": Row(ANYBODY),
    "export_catalog": Row(ANYBODY),
    "show_offer": Row(ANYBODY),
    "show_offer_history": Row(ANYBODY),
    "show_product": Row(ANYBODY),
    "list_categories": Row(ANYBODY),
    "list_suppliers": Row(ANYBODY),
    "show_terms": Row("ST"),
    "change_terms": Row("ST"),
    "merge_products": Row("M"),
    "split_product": Row("M"),
    "rename_category": Row("M"),
    "list_supplier_categories": Row("M"),
    "map_supplier_category": Row("M"),
    "show_import_terms": Row("ST"),
    "upload_price_list": Row("STM"),
    "list_price_lists": Row("STM"),
    "show_price_list": Row("SM", foreign="T"),
    "list_issues": Row("SM", foreign="T"),
    "download_rejected_rows": Row("SM", foreign="T"),
    "list_changes": Row("SM", foreign="T"),
    "apply_price_list": Row("SM", foreign="T", body={}),
    "discard_price_list": Row("SM", foreign="T", body={}),
    "withdraw_quarantined": Row("SM", foreign="T", body={}),
    "roll_back_price_list": Row("SM", foreign="T"),
    "change_guards": Row("M"),
    "export_price_list": Row("STM"),
    # Webhooks
    "list_webhooks": Row("ABST"),
    "create_webhook": Row("ABST"),
    "show_webhook": Row("A", foreign="BST"),
    "change_webhook": Row("A", foreign="BST", body={"active": True}),
    "delete_webhook": Row("A", foreign="BST"),
    "try_webhook": Row("A", foreign="BST"),
    "rotate_webhook_secret": Row("A", foreign="BST"),
    "list_webhook_deliveries": Row("A", foreign="BST"),
    "redeliver": Row("A", foreign="BST"),
    # Orders
    "show_basket": Row("AB"),
    "empty_basket": Row("AB"),
    "add_basket_lines": Row("AB"),
    "change_basket_line": Row("A", foreign="B", body={"quantity": 1}),
    "remove_basket_line": Row("A", foreign="B"),
    "acknowledge_basket": Row("AB"),
    "add_past_order": Row("AB"),
    "quick_order_text": Row("AB"),
    "quick_order_file": Row("AB"),
    "place_order": Row("AB"),
    "list_orders": Row("ABM"),
    "show_order": Row("AM", foreign="B"),
    "fulfill_order": Row("M"),
    "cancel_order": Row("AM", foreign="B", body={"reason": "Передумали"}),
    "list_invoices": Row("AM", foreign="B"),
    "download_invoice": Row("ASM", foreign="BT"),
    "list_supplier_orders": Row("STM"),
    "show_supplier_order": Row("ASM", foreign="BT"),
    "show_contract": Row("ASM", foreign="BT"),
    "state_contract": Row("SM", foreign="T", body={"contract": "Договор № 5"}),
    "confirm_supplier_order": Row("SM", foreign="T", body={}),
    "assemble_supplier_order": Row("SM", foreign="T", body={}),
    "send_supplier_order": Row("SM", foreign="T", body={}),
    "deliver_supplier_order": Row("SM", foreign="T", body={}),
    "cancel_supplier_order": Row("ASM", foreign="BT", body={"reason": "Передумали"}),
    "agree_total": Row("AM", foreign="B", body={"total": "1.00"}),
    "receive_supplier_order": Row("AM", foreign="B", body={}),
    "refuse_supplier_order": Row("AM", foreign="B", body={"reason": "Бой"}),
}


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    takes_json: bool


@dataclass(frozen=True)
class World:
    people: dict[str, User]
    ids: dict[str, Any]
    number: str  # of A's order

    def path_of(self, operation: Operation, *, ids: dict[str, Any] | None = None) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: str((ids or self.ids)[found[1]]), operation.path)


@pytest.fixture
def operations(client: FlaskClient) -> list[Operation]:
    return list(_operations(client.get("/api/schema/").json))


@pytest.fixture
def world(edge: Callable[[], Any]) -> World:
    """Whatever has an id belongs to buyer A or supplier A."""
    company = make_company(name=BUYER_A)
    people = {"A": make_user(company=company), "B": make_user(), "S": make_user("supplier"), "T": make_user("supplier")}
    people["M"] = make_user("manager")
    offer = make_offer(supplier=people["S"].company, category=make_category())
    order = make_order({offer.id: 1}, buyer=people["A"])
    ids = {
        "offer_id": offer.id,
        "order_id": order.id,
        "part_id": order.parts[0].id,
        "company_id": make_company("supplier", status="pending").id,
        "supplier_id": people["S"].company_id,
        "supplier_category_id": 1,
        "contact_id": make_contact(people["A"], name=SHOP_OF_A).id,
        "user_id": make_user(company=company).id,
        "provider": "google",
    }
    bearer(people["A"])
    make_api_key(people["A"], "account:read")
    with edge() as current:
        manager, owner = current.merge(people["M"]), current.merge(people["A"])
        fulfill_order(order.id, by=manager)
        ids["invitation_id"] = invite_member(GUEST_OF_A, lifetime=timedelta(hours=1), locale="ru", by=owner).id
        webhook = make_webhook(owner)
        ids |= {"webhook_id": webhook.id, "delivery_id": try_webhook(webhook, by=owner).id}
        ids["price_list_id"] = _price_list(people["S"]).id
        ids |= _read_ids(people["A"], offer)
    return World(people, ids, order.number)


def test_the_matrix_names_every_operation(operations: list[Operation]) -> None:
    assert {operation.name for operation in operations} == set(MATRIX)


def test_everybody_gets_in_where_the_matrix_says_and_nowhere_else(client, world, operations) -> None:
    wrong = []
    for operation in operations:
        row = MATRIX[operation.name]
        _fill_basket(client, world)
        for caller in sorted(CALLERS, key=lambda each: each in row.may):  # who changes something comes last
            answer = _call(client, world, operation, caller)
            if not _is_expected(operation, caller, answer):
                code = (answer.get_json(silent=True) or {}).get("code")
                wrong.append((operation.name, CALLERS[caller], answer.status_code, code))
    assert wrong == []


def test_a_foreign_id_looks_like_an_unknown_one(client, world, operations) -> None:
    unknown = dict.fromkeys(world.ids, UNKNOWN_ID) | {"provider": "nobody"}
    for operation in operations:
        row = MATRIX[operation.name]
        for caller in row.foreign:
            headers = _headers(world, caller)
            answers = [
                client.open(path, method=operation.method, json=row.body, headers=headers)
                for path in (world.path_of(operation), world.path_of(operation, ids=unknown))
            ]
            said = {(answer.status_code, answer.json["code"]) for answer in answers}
            assert len(said) == 1, (operation.name, CALLERS[caller], said)


def test_what_is_anothers_shows_in_no_list(client, world, operations) -> None:
    """All that has no id in its address: what a list leaves out is nowhere else refused."""
    words = {BUYER_A, GUEST_OF_A, SHOP_OF_A, world.people["A"].email, world.number}
    shown: dict[str, set[tuple[str, str]]] = {caller: set() for caller in CALLERS}
    for operation in operations:
        if operation.method == "GET" and "{" not in operation.path:
            for caller in CALLERS:
                text = _text(client.get(operation.path, headers=_headers(world, caller)).data)
                shown[caller] |= {(operation.name, word) for word in words if word in text}
    assert {word for _, word in shown["A"]} == words
    assert shown["B"] | shown["T"] | shown["-"] == set()
    assert {name for name, _ in shown["S"]} <= {"list_supplier_orders"}


@pytest.mark.parametrize("caller", ["A", "S", "M"])
def test_an_api_key_without_scopes_opens_only_what_is_public(client, world, operations, caller) -> None:
    key = make_api_key(world.people[caller])
    wrong = []
    for operation in operations:
        body = {"unexpected": 1} if operation.takes_json else None
        answer = client.open(world.path_of(operation), method=operation.method, json=body, headers=key)
        if (answer.status_code == 403) == ("-" in MATRIX[operation.name].may):
            wrong.append((operation.name, answer.status_code))
    assert wrong == []


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "operationId" in operation:
                content = operation.get("requestBody", {}).get("content", {})
                yield Operation(operation["operationId"], method.upper(), path, "application/json" in content)


def _call(client: FlaskClient, world: World, operation: Operation, caller: str) -> Any:
    """Who may get in sends a field that nobody takes, so that nothing changes where there is a body."""
    row = MATRIX[operation.name]
    body = row.body if caller in row.foreign else {"unexpected": 1} if operation.takes_json else None
    return client.open(world.path_of(operation), method=operation.method, json=body, headers=_headers(world, caller))


def _is_expected(operation: Operation, caller: str, answer: Any) -> bool:
    row = MATRIX[operation.name]
    if caller in row.foreign:
        return answer.status_code == 404
    if caller in row.may:
        return answer.status_code == 422 if operation.takes_json else answer.status_code not in (401, 403)
    return answer.status_code == (401 if caller == "-" else 403)


def _text(body: bytes) -> str:
    """The export of the whole catalog is compressed."""
    return (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).decode()


def _headers(world: World, caller: str) -> dict[str, str]:
    """A session of its own for every call: logging out ends it."""
    return {} if caller == "-" else bearer(world.people[caller])


def _fill_basket(client: FlaskClient, world: World) -> None:
    body = {"lines": [{"offer_id": world.ids["offer_id"], "quantity": 1}]}
    assert client.post("/api/v1/basket/lines", json=body, headers=_headers(world, "A")).status_code == 200


def _read_ids(buyer: User, offer: Offer) -> dict[str, Any]:
    tokens = session().scalars(select(AccessToken).filter_by(user_id=buyer.id).order_by(AccessToken.id)).all()
    found = session().get_one(Offer, offer.id)
    return {
        "session_id": tokens[0].id,
        "api_key_id": tokens[1].id,
        "invoice_id": session().scalars(select(Invoice.id)).one(),
        "product_id": found.product_id,
        "category_id": session().scalars(select(Category.id)).first(),
    }


def _price_list(supplier: User) -> PriceList:
    price_list = PriceList(
        supplier_id=supplier.company_id,
        source="upload",
        mode="full",
        file_name="list.yaml",
        sha256=b"x",
        raw=b"x",
        state="applied",
    )
    session().add(price_list)
    session().flush()
    return price_list
