"""Prices that can be compared with each other: with VAT, and per base unit with VAT or without it.

They are stored with each offer and counted by the database's functions `vat_terms` and `offer_prices` (decision 0036).
"""

from typing import Any

from shop.catalog.models import Offer

STORED = ("price_with_vat", "compare_price_gross", "compare_price_net", "base_unit")
COLUMNS = ", ".join(STORED)


def sql_prices(of: str, terms: str = "terms") -> str:
    """STORED of what has an offer's price, unit and rate, on terms of `vat_terms`: a table for FROM."""
    named = ", ".join(f"{of}.{name}" for name in ("price", "unit", "units_per_pack", "vat_rate"))
    return f"offer_prices({named}, {terms}.includes_vat, {terms}.default_rate)"


def cheapest_first(base_unit: Any, *, with_vat: bool) -> tuple[Any, ...]:
    """An order of a product's offers. One of another base unit than the product's cannot be compared: it comes last."""
    return (Offer.base_unit != base_unit, Offer.base_unit, compare_price(with_vat), Offer.id)


def compare_price(with_vat: bool) -> Any:
    """The column by which offers of one base unit are compared: without VAT for who deducts it."""
    return Offer.compare_price_gross if with_vat else Offer.compare_price_net
