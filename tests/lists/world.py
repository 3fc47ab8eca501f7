"""Some of everything that a list shows: alike in price, name and moment, so that only the id tells many apart."""

from dataclasses import dataclass

from sqlalchemy import text

from shop.admin.models import AuditEntry
from shop.auth.models import BLOCKED, BUYER, MANAGER, PENDING, SUPPLIER, User
from shop.catalog.models import Offer, SupplierCategory
from shop.database import session, transaction
from shop.mail.models import MailMessage
from shop.price_lists.models import ChangeSetLine, PriceList, PriceListIssue
from shop.webhooks.models import Webhook
from tests import factories
from tests.factories.auth import make_company, make_user
from tests.factories.catalog import make_category
from tests.factories.orders import make_order
from tests.factories.webhooks import make_delivery, make_webhook

WORDS = ("Чай", "Сок", "Мыло")
OFFERS = 90

# One row in seven is withdrawn, one in eleven quarantined; every fifth has nothing left.
ADD_OFFERS = text("""
WITH added AS (
    INSERT INTO offers (
        product_id, supplier_id, external_id, sku, name, price, category_id, vat_rate, is_listed, is_quarantined,
        minimum_quantity, unit_code, unit, barcodes, parameters, updated_at
    )
    SELECT :product_id, supplier_id, prefix || n, prefix || n, word || ' ' || n % 4, 10 + n % 6, category_id, '22',
        n % 7 > 0, n % 11 = 0, 1 + n % 3, (ARRAY['796', '166'])[1 + n % 8 / 5],
        (ARRAY['шт', 'кг'])[1 + n % 8 / 5], CASE n % 9 WHEN 0 THEN ARRAY['4601234567893'] ELSE '{}' END,
        jsonb_build_object('Цвет', CASE n % 3 WHEN 0 THEN 'белый' ELSE 'синий' END), now() - n % 4 * interval '1 hour'
    FROM (
        SELECT n, CAST(:prefix AS text) AS prefix, (CAST(:suppliers AS bigint[]))[1 + n % 4] AS supplier_id,
            (CAST(:categories AS bigint[]))[1 + n % 5] AS category_id, (CAST(:words AS text[]))[1 + n % 3] AS word
        FROM generate_series(1, :count) AS n
    ) AS numbered
    RETURNING id, updated_at
)
INSERT INTO stock_levels (offer_id, kind, on_hand, updated_at)
SELECT id, (ARRAY['exact', 'at_least', 'unknown', 'on_order', 'exact'])[1 + id % 5],
    CASE id % 5 WHEN 0 THEN 0 ELSE 2 END, updated_at
FROM added
""")

REVISE = text("""
INSERT INTO offer_revisions (offer_id, revision, name, price, vat_rate)
SELECT :offer_id, n, 'Чай', n, '22' FROM generate_series(2, 14) AS n
""")

SET_STATES = text("""
WITH changed AS (
    UPDATE orders SET state = (ARRAY['new', 'confirmed', 'delivered'])[1 + id % 3],
        client_reference = (ARRAY['A-1', 'A-2', NULL])[1 + id % 3]
    RETURNING id, state
)
UPDATE supplier_orders SET state = changed.state FROM changed WHERE order_id = changed.id
""")


@dataclass(frozen=True)
class World:
    buyer: User
    supplier: User
    manager: User
    suppliers: tuple[int, ...]
    categories: tuple[int, ...]
    product_id: int
    offer_id: int
    price_list_id: int
    webhook_id: int
    webhook: Webhook


def make_world() -> World:
    supplier, buyer, manager = make_user(SUPPLIER), make_user(BUYER), make_user(MANAGER, locale="en")
    others = [
        make_company(SUPPLIER, accepts_orders=False),
        make_company(SUPPLIER, price_includes_vat=False),
        make_company(SUPPLIER, status=BLOCKED),
    ]
    assert supplier.company_id
    suppliers = (supplier.company_id, *(other.id for other in others))
    for _ in range(3):
        make_company(SUPPLIER, status=PENDING)
    categories = tuple(make_category().id for _ in range(4))
    webhook = make_webhook(supplier)
    for number in range(12):
        make_order(buyer=buyer)
        make_delivery(webhook, state=("queued", "delivered", "failed")[number % 3])
    with factories.app.app_context(), transaction():
        session().execute(SET_STATES)
        [offer] = session().query(Offer).order_by(Offer.id).limit(1)
        session().execute(REVISE, {"offer_id": offer.id})
        price_list_id = _add_price_lists(supplier)
        _add_small_things(suppliers, categories, manager)
    world = World(
        buyer, supplier, manager, suppliers, categories, offer.product_id, offer.id, price_list_id, webhook.id, webhook
    )
    add_offers(world, OFFERS, prefix="A-")
    return world


def add_offers(world: World, count: int, *, prefix: str) -> None:
    """Of all suppliers in all categories."""
    values = {"product_id": world.product_id, "suppliers": list(world.suppliers), "prefix": prefix, "count": count}
    with factories.app.app_context(), transaction():
        session().execute(ADD_OFFERS, values | {"categories": [*world.categories, None], "words": list(WORDS)})


def _add_price_lists(supplier: User) -> int:
    for number in range(12):
        price_list = PriceList(
            supplier_id=supplier.company_id,
            source="upload",
            file_name=f"{number % 2}.csv",
            state=("applied", "failed")[number % 2],
            rows_total=number % 3,
        )
        session().add(price_list)
        session().flush()
    for number in range(25):
        session().add(
            PriceListIssue(
                price_list_id=price_list.id,
                row=number % 6,
                external_id=f"{number}",
                field="price",
                code="price_missing",
                severity="error",
                facts={"sentence": "missing"},
            )
        )
        change = ("quarantined", "changed", "new")[number // 9]
        line = ChangeSetLine(
            price_list_id=price_list.id, position=number + 1, change=change, external_id="1", name=f"{number}"
        )
        session().add(line)
    return price_list.id


def _add_small_things(suppliers: tuple[int, ...], categories: tuple[int, ...], manager: User) -> None:
    for number in range(14):
        named = {"external_id": str(number), "name": f"Наша {number % 2}"}
        session().add(SupplierCategory(supplier_id=suppliers[number % 2], category_id=categories[number % 3], **named))
        key = f"lists-{number}"
        mail = {"kind": "order_placed", "locale": "ru", "recipient": "a@test.example", "context": {}, "subject": "Чай"}
        session().add(MailMessage(dedupe_key=key, message_id=key, state=("sent", "parked")[number % 2], **mail))
        thing = {"object_type": "company", "object_id": str(suppliers[0]), "object_name": "Чай"}
        session().add(AuditEntry(user_id=manager.id, action="company.block", changes={}, **thing))
