"""Categories, products and offers with stock."""

from decimal import Decimal
from itertools import count
from typing import Any

import orjson

from shop.auth.models import SUPPLIER, Company
from shop.catalog.models import EXACT, ONE_PIECE, Category, Offer, OfferData, OfferRevision, Product, StockLevel
from shop.database import session
from tests.factories import committed
from tests.factories.auth import make_company

_numbers = count(1)


def shown(answer: Any) -> Any:
    """As clients read it."""
    return orjson.loads(orjson.dumps(answer))


@committed
def make_category(name: str | None = None) -> Category:
    category = Category(name=name or f"Категория {next(_numbers)}")
    session().add(category)
    return category


@committed
def make_product(name: str, *, pack: str = ONE_PIECE) -> Product:
    product = Product(name=name, pack=pack)
    session().add(product)
    return product


@committed
def make_offer(
    *,
    supplier: Company | None = None,
    price: str = "100.00",
    on_hand: str | int = 100,
    stock_kind: str = EXACT,
    category: Category | None = None,
    product: Product | None = None,
    **others: Any,
) -> Offer:
    number = next(_numbers)
    supplier = supplier or make_company(SUPPLIER)
    name = others.pop("name", f"Товар {number}")
    product = product or Product(name=name)
    session().add(product)
    session().flush()
    sku = others.pop("sku", f"{number:06d}")
    values: dict[str, Any] = {"vat_rate": "22", "external_id": sku} | others
    offer = Offer(
        product_id=product.id,
        supplier_id=supplier.id,
        sku=sku,
        name=name,
        price=Decimal(price),
        category_id=category.id if category else None,
        **values,
    )
    session().add(offer)
    session().flush()
    session().add(StockLevel(offer_id=offer.id, kind=stock_kind, on_hand=Decimal(on_hand)))
    said = {name: getattr(offer, name) for name in OfferData.__annotations__}
    session().add(OfferRevision(offer_id=offer.id, revision=1, sku=sku, **said))
    return offer
