"""What one priced unit holds, so that a crate of twelve can be compared with one bottle, and grams with kilograms."""

from decimal import ROUND_HALF_UP, Decimal

PLACES = Decimal("0.0001")


def base_price(price: Decimal, pack: str) -> Decimal:
    return (price / Decimal(pack.split(" ")[0])).quantize(PLACES, ROUND_HALF_UP)


def base_unit(pack: str) -> str:
    return pack.split(" ")[1]


def sql_pack(alias: str) -> str:
    """How many of which base unit, as text ("12 шт"): what tells products apart.

    By the database's own function: what is stored of each offer is counted by it, too (decision 0036).
    """
    return f"offer_pack({alias}.unit, {alias}.units_per_pack)"
