"""What one priced unit holds, so that a crate of twelve can be compared with one bottle, and grams with kilograms."""

from decimal import ROUND_HALF_UP, Decimal

PIECE = "шт"

PACKAGES = ("уп", "ящ", "кор", "блок", "упаковка", "ящик", "коробка")  # hold as many pieces as units_per_pack says
MEASURES = ("кг", "л", "м", "м2", "м3", "пар")
PARTS = {
    "г": (Decimal("0.001"), "кг"),
    "т": (Decimal(1000), "кг"),
    "мл": (Decimal("0.001"), "л"),
    "тыс. шт": (Decimal(1000), PIECE),
}
PLACES = Decimal("0.0001")


def base_price(price: Decimal, quantity: Decimal) -> Decimal:
    return (price / quantity).quantize(PLACES, ROUND_HALF_UP)


def sql_pack(alias: str) -> str:
    """How many of which base unit, as text ("12 шт"): what tells products apart.

    A pack that does not say what is in it, and whatever else is counted, is one piece.
    """
    parts = " ".join(
        f"WHEN {alias}.unit = '{unit}' THEN '{quantity:f} {base}'" for unit, (quantity, base) in PARTS.items()
    )
    packages, measures = (", ".join(f"'{name}'" for name in names) for names in (PACKAGES, MEASURES))
    return (
        f"CASE {parts} WHEN {alias}.unit IN ({packages}) AND {alias}.units_per_pack > 1"
        f" THEN trim_scale({alias}.units_per_pack)::text || ' {PIECE}'"
        f" WHEN {alias}.unit IN ({measures}) THEN '1 ' || {alias}.unit ELSE '1 {PIECE}' END"
    )
