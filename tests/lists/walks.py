"""The lists of the API: who reads them, what narrows and orders them, and one plain SQL answer for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.lists.world import WORDS, World

Query = dict[str, Any]
Conditions = Mapping[str, str]
SHOWN = "o.is_listed AND c.status = 'active'"
OFFERS = "offers AS o JOIN companies AS c ON c.id = o.supplier_id LEFT JOIN stock_levels AS s ON s.offer_id = o.id"
LEFT = "coalesce(s.on_hand - s.reserved, 0)"
IS_ORDERABLE = f"""(o.is_listed AND NOT o.is_quarantined AND c.accepts_orders
    AND (coalesce(s.kind, 'exact') NOT IN ('exact', 'at_least') OR {LEFT} >= o.minimum_quantity))"""
IN_STOCK = f"(s.kind = 'unknown' OR s.kind <> 'on_order' AND {LEFT} > 0)"


@dataclass(frozen=True)
class Walk:
    """`filters` give a value for a query; `conditions` say in SQL what each means; `orders` are the list's sorts."""

    role: str
    path: str
    table: str
    always: str = "true"
    key: str = "id"  # of an item, and what the SQL answer names
    sql_key: str = "id"
    filters: Mapping[str, Callable[[Random, World], Any]] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=lambda: {"": "id DESC"})

    def query(self, random: Random, world: World) -> Query:
        chosen = {name: draw(random, world) for name, draw in self.filters.items() if random.random() < 0.3}
        sort = random.choice([*self.orders])
        return chosen | ({"sort": sort} if sort else {})

    def sql(self, query: Query) -> str:
        conditions = [self.always, *(self.conditions[name] for name in query if name != "sort")]
        return (
            f"SELECT {self.sql_key} AS key FROM {self.table} WHERE {' AND '.join(conditions)}"
            f" ORDER BY {self.orders[query.get('sort', '')]}"
        )


def some(name: str) -> Callable[[Random, World], Any]:
    return lambda random, world: random.choices(getattr(world, name), k=random.randint(1, 3))


def one(name: str) -> Callable[[Random, World], Any]:
    return lambda random, world: random.choice(getattr(world, name))


def of(*values: Any) -> Callable[[Random, World], Any]:
    return lambda random, _world: random.choice(values)


ORDER_FILTERS = {
    "state": of("new", "confirmed", "delivered", "canceled"),
    "client_reference": of("A-1", "A-2"),
    "from_day": of("2020-01-01", "2120-01-01"),
    "to_day": of("2020-01-01", "2120-01-01"),
}
ORDER_CONDITIONS = {
    "client_reference": "o.client_reference = :client_reference",
    "from_day": "o.created_at >= CAST(:from_day AS date)",
    "to_day": "o.created_at < CAST(:to_day AS date) + 1",
}

WALKS: Mapping[str, Walk] = {
    "search_offers": Walk(
        "buyer",
        "/api/v1/catalog/offers",
        OFFERS,
        SHOWN,
        sql_key="o.id",
        filters={
            "q": of(*map(str.lower, WORDS)),
            "category": some("categories"),
            "supplier": some("suppliers"),
            "price_min": of("11", "12.50", "14"),
            "price_max": of("13", "14.00", "99"),
            "base_unit": of("шт", "кг", "л"),
            "in_stock": of("true", "false"),
            "orderable": of("true", "false"),
            "sku": of("A-5", "A-6", "Z"),
            "barcode": of("4601234567893", "4601234567894"),
            "param.Цвет": of("белый", "синий", "красный"),
        },
        conditions={
            "q": "o.name ILIKE :q || ' %'",
            "category": "o.category_id = ANY(:category)",
            "supplier": "o.supplier_id = ANY(:supplier)",
            "price_min": "o.price_with_vat >= CAST(:price_min AS numeric)",
            "price_max": "o.price_with_vat <= CAST(:price_max AS numeric)",
            "base_unit": "o.base_unit = :base_unit",
            "in_stock": f"{IN_STOCK} = CAST(:in_stock AS boolean)",
            "orderable": f"{IS_ORDERABLE} = CAST(:orderable AS boolean)",
            "sku": "o.sku = :sku",
            "barcode": "CAST(:barcode AS text) = ANY(o.barcodes)",
            "param.Цвет": "o.parameters ->> 'Цвет' = :color",
        },
        orders={
            "": "o.id DESC",
            "newest": "o.id DESC",
            "name": "lower(replace(o.name, 'ё', 'е')), o.id",
            "price": "o.price_with_vat, o.id",
            "-price": "o.price_with_vat DESC, o.id DESC",
            "compare_price": "o.base_unit, o.compare_price_gross, o.id",
        },
    ),
    "show_offer_history": Walk(
        "buyer",
        "/api/v1/catalog/offers/{offer_id}/history",
        "offer_revisions",
        "offer_id = :offer_id",
        key="revision",
        sql_key="revision",
        orders={"": "revision DESC"},
    ),
    "list_supplier_categories": Walk(
        "manager",
        "/api/v1/catalog/supplier-categories",
        "supplier_categories",
        filters={"supplier": one("suppliers"), "category": one("categories")},
        conditions={"supplier": "supplier_id = :supplier", "category": "category_id = :category"},
        orders={"": "id"},
    ),
    "list_price_lists": Walk("supplier", "/api/v1/catalog/price-lists", "price_lists", "supplier_id = :supplier_id"),
    "list_changes": Walk(
        "supplier",
        "/api/v1/catalog/price-lists/{price_list_id}/changes",
        "change_set_lines",
        "price_list_id = :price_list_id",
        key="name",
        sql_key="name",
        filters={"change": of("quarantined", "changed", "new", "withdrawn")},
        conditions={"change": "change = :change"},
        orders={"": "position"},
    ),
    "list_issues": Walk(
        "supplier",
        "/api/v1/catalog/price-lists/{price_list_id}/issues",
        "price_list_issues",
        "price_list_id = :price_list_id",
        key="external_id",
        sql_key="external_id",
        orders={"": "row, id"},
    ),
    "list_companies": Walk(
        "manager",
        "/api/v1/auth/companies",
        "companies",
        filters={"status": of("pending", "active", "blocked"), "kind": of("buyer", "supplier")},
        conditions={"status": "status = :status", "kind": "kind = :kind"},
        orders={"": "id"},
    ),
    "list_orders": Walk(
        "buyer",
        "/api/v1/orders",
        "orders AS o",
        "o.company_id = :buyer_company_id",
        sql_key="o.id",
        filters=ORDER_FILTERS | {"mine": of("true", "false"), "supplier_id": one("suppliers")},
        conditions=ORDER_CONDITIONS
        | {
            "state": "o.state = :state",
            "mine": "(NOT CAST(:mine AS boolean) OR o.user_id = :buyer_id)",
            "supplier_id": "o.id IN (SELECT order_id FROM supplier_orders WHERE supplier_id = :supplier_id)",
        },
        orders={"": "o.id DESC"},
    ),
    "list_supplier_orders": Walk(
        "manager",
        "/api/v1/supplier-orders",
        "supplier_orders AS p JOIN orders AS o ON o.id = p.order_id",
        sql_key="p.id",
        filters=ORDER_FILTERS | {"supplier_id": one("suppliers")},
        conditions=ORDER_CONDITIONS | {"state": "p.state = :state", "supplier_id": "p.supplier_id = :supplier_id"},
        orders={"": "p.id DESC"},
    ),
    "list_webhook_deliveries": Walk(
        "supplier",
        "/api/v1/webhooks/{webhook_id}/deliveries",
        "webhook_deliveries",
        "webhook_id = :webhook_id",
        filters={"state": of("queued", "delivered", "failed")},
        conditions={"state": "state = :state"},
    ),
}
