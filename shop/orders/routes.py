"""The blueprint orders with all its operations."""

from shop.orders import order_routes  # noqa: F401 - they add their operations to it
from shop.orders.basket import routes as basket_routes  # noqa: F401
from shop.orders.blueprint import blueprint
from shop.orders.parts import routes as part_routes  # noqa: F401

__all__ = ["blueprint"]
