"""Every list costs the same number of statements however long it is."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from flask.testing import FlaskClient

from shop.auth.models import User
from shop.database import session
from shop.orders.parts.lifecycle import fulfill_order
from shop.price_lists.models import PriceList, PriceListIssue
from tests.factories import committed
from tests.factories.auth import bearer, make_company, make_contact, make_user
from tests.factories.catalog import make_category, make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook

# operationId: (who asks, the address)
LISTS = {
    "list_sessions": ("buyer", "/api/v1/auth/sessions"),
    "list_scopes": ("buyer", "/api/v1/auth/scopes"),
    "list_api_keys": ("buyer", "/api/v1/auth/api-keys"),
    "list_companies": ("manager", "/api/v1/auth/companies"),
    "list_members": ("buyer", "/api/v1/auth/company/members"),
    "list_invitations": ("buyer", "/api/v1/auth/company/invitations"),
    "social_providers": ("buyer", "/api/v1/auth/social"),
    "social_accounts": ("buyer", "/api/v1/auth/social/accounts"),
    "contacts": ("buyer", "/api/v1/auth/contacts"),
    "search_offers": ("buyer", "/api/v1/catalog/offers"),
    "show_product": ("buyer", "/api/v1/catalog/products/{product}"),
    "list_supplier_categories": ("manager", "/api/v1/catalog/supplier-categories"),
    "show_offer_history": ("buyer", "/api/v1/catalog/offers/{offer}/history"),
    "list_changes": ("supplier", "/api/v1/catalog/price-lists/{price_list}/changes"),
    "list_categories": ("buyer", "/api/v1/catalog/categories"),
    "list_suppliers": ("buyer", "/api/v1/catalog/suppliers"),
    "list_price_lists": ("supplier", "/api/v1/catalog/price-lists"),
    "list_issues": ("supplier", "/api/v1/catalog/price-lists/{price_list}/issues"),
    "show_basket": ("buyer", "/api/v1/basket"),
    "list_orders": ("buyer", "/api/v1/orders"),
    "show_order": ("buyer", "/api/v1/orders/{order}"),
    "list_supplier_orders": ("manager", "/api/v1/supplier-orders"),
    "show_supplier_order": ("manager", "/api/v1/supplier-orders/{part}"),
    "list_webhooks": ("buyer", "/api/v1/webhooks"),
    "list_webhook_deliveries": ("buyer", "/api/v1/webhooks/{webhook}/deliveries"),
    "list_invoices": ("buyer", "/api/v1/orders/{order}/invoices"),
}


@dataclass
class World:
    """A small or a larger one; `ids` fill the addresses."""

    people: dict[str, User] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)


@committed
def make_price_list(supplier: User, issues: int) -> PriceList:
    price_list = PriceList(
        supplier_id=supplier.company_id,
        source="upload",
        mode="full",
        file_name="list.yaml",
        sha256=hashlib.sha256().digest(),
        raw=b"x",
        state="applied",
    )
    session().add(price_list)
    session().flush()
    for row in range(issues):
        session().add(
            PriceListIssue(
                price_list_id=price_list.id,
                row=row,
                field="price",
                code="price_missing",
                severity="error",
                facts={"sentence": "missing"},
            )
        )
    return price_list


def make_world(size: int, edge) -> World:
    buyer, supplier, manager = make_user("buyer"), make_user("supplier"), make_user("manager")
    world = World({"buyer": buyer, "supplier": supplier, "manager": manager})
    for _ in range(size):
        make_contact(buyer)
        webhook = make_webhook(buyer)
        world.ids["webhook"] = webhook.id
        for _ in range(size):
            make_delivery(webhook, attempts=size)
        world.ids["price_list"] = make_price_list(supplier, issues=size).id
    offers = [make_offer(supplier=make_company("supplier"), category=make_category()) for _ in range(size)]
    with edge() as current:
        product_id = offers[0].product_id
        for offer in offers:
            current.merge(offer).product_id = product_id
    world.ids |= {"product": product_id, "offer": offers[0].id}
    for _ in range(size):
        order = make_order({offer.id: 1 for offer in offers}, buyer=buyer)
        world.ids |= {"order": order.id, "part": order.parts[0].id}
        with edge() as current:
            by = current.merge(manager)
            fulfill_order(order.id, by=by)
    return world


def count_all(world: World, client: FlaskClient, count_statements, offers: list[int]) -> Iterator[tuple[str, int]]:
    headers = {role: bearer(person) for role, person in world.people.items()}
    lines = [{"offer_id": offer_id, "quantity": 1} for offer_id in offers]
    client.post("/api/v1/basket/lines", json={"lines": lines}, headers=headers["buyer"])
    for operation, (role, path) in LISTS.items():
        with count_statements() as statements:
            answer = client.get(path.format(**world.ids), headers=headers[role])
        assert answer.status_code == 200, (operation, answer.text)
        yield operation, len(statements)


def test_every_list_costs_the_same_number_of_statements(client, edge, count_statements) -> None:
    counts = []
    for size in (1, 5):
        world = make_world(size, edge)
        offers = client.get("/api/v1/catalog/offers").json["items"]
        counts.append(dict(count_all(world, client, count_statements, [offer["id"] for offer in offers])))
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 8


def test_the_table_names_every_list_of_the_document(client) -> None:
    document = client.get("/api/schema/").json
    lists = set()
    for item in document["paths"].values():
        operation = item.get("get", {})
        content = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if "items" in document["components"]["schemas"].get(name, {}).get("properties", {}):
            lists.add(operation["operationId"])
    assert lists <= set(LISTS)
