"""The API of price lists: sending and following them, decisions, exports, and a supplier's terms."""

from shop.price_lists.routes import decisions, export, lists, terms
from shop.price_lists.routes.blueprint import blueprint

__all__ = ["blueprint", "decisions", "export", "lists", "terms"]
