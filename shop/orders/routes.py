"""The blueprint orders with all its operations."""

from shop.orders import basket_routes, order_routes, part_routes  # noqa: F401 - they add their operations to it
from shop.orders.blueprint import blueprint

__all__ = ["blueprint"]
