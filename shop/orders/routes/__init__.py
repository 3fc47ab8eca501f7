"""The API of baskets, orders and their parts: one blueprint, a module of routes for each."""

from shop.orders.routes import baskets, orders, parts
from shop.orders.routes.blueprint import blueprint

__all__ = ["baskets", "blueprint", "orders", "parts"]
