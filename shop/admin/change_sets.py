"""A list's change set and issues as the desk reads them: a tab per kind of change, a page of lines at a time."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import request
from markupsafe import Markup

from shop.admin.formats import NOTHING, money, number
from shop.price_lists import queries
from shop.price_lists.imports.change_sets import change_set_of
from shop.price_lists.models import HELD, PriceList
from shop.translations import t

LINES = 100
TABS = ("quarantined", "changed", "new", "withdrawn")  # what needs eyes first
ISSUES = "issues"
MONEY = ("price", "price_rrc")
QUANTITIES = ("quantity_step", "minimum_quantity", "units_per_pack")
FIELDS = {
    "name": "Name",
    "model": "Model",
    "sku": "SKU",
    "category": "Category",
    "price": "Price",
    "price_rrc": "Recommended price",
    "currency": "Currency",
    "vat_rate": "VAT",
    "unit": "Unit",
    "unit_code": "Code of the unit",
    "quantity_step": "Step",
    "minimum_quantity": "Minimum",
    "units_per_pack": "In a pack",
    "barcodes": "Barcodes",
    "parameters": "Parameters",
    "is_listed": "Listed",
}
LONGEST = 300


def tabs_of(price_list: PriceList) -> list[tuple[str, int]]:
    """Those that hold something, what needs eyes first; issues always."""
    counts = ((name, getattr(price_list, f"offers_{name}")) for name in TABS)
    return [*((name, count) for name, count in counts if count), (ISSUES, price_list.rows_rejected)]


def changes_of(price_list: PriceList, tab: str, *, can_decide: bool) -> dict[str, Any]:
    """The lines of a tab, from where the address says on."""
    cursor = request.args.get("cursor") or None
    if tab == ISSUES:
        issues, next_cursor = queries.issues_of(price_list, limit=LINES, cursor=cursor)
        return {"issues": issues, "lines": [], "next_cursor": next_cursor, "marks": False}
    lines, next_cursor = change_set_of(price_list, change=tab, limit=LINES, cursor=cursor)
    marks = can_decide and (tab == "quarantined" or (price_list.state == HELD and tab != "withdrawn"))
    shown = [dict(line, differences=_differences(line["fields"])) for line in lines]
    return {"issues": [], "lines": shown, "next_cursor": next_cursor, "marks": marks}


def _differences(fields: Sequence[dict[str, Any]]) -> list[Markup]:
    """Field by field, prices first; what only one side has of parameters is said alone."""
    order = dict.fromkeys((*MONEY, *FIELDS))
    places = {name: place for place, name in enumerate(order)}
    found = []
    for field in sorted(fields, key=lambda field: places.get(field["field"], len(places))):
        name, before, after = field["field"], field["before"], field["after"]
        if name == "parameters":
            found += _parameters(before or {}, after or {})
        elif before == after:  # a category that the list calls as we do, under a number that is new to us
            found.append(Markup('<div class="change"><b>{}</b> {}</div>').format(field_name(name), t("a new number")))
        else:
            found.append(
                difference(field_name(name), value_of(name, before), value_of(name, after), _move(name, before, after))
            )
    return found


def _parameters(before: dict[str, Any], after: dict[str, Any]) -> list[Markup]:
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return [difference(name, value_of(name, before.get(name)), value_of(name, after.get(name))) for name in names]


def difference(name: str, before: Any, after: Any, note: Any = "") -> Markup:
    line = Markup('<div class="change"><b>{}</b> <del>{}</del> → <ins>{}</ins>{}</div>')
    return line.format(name, before, after, note)


def field_name(name: str) -> str:
    return t(FIELDS[name]) if name in FIELDS else name


def value_of(name: str, value: Any) -> Any:
    """One value of an offer, as people write it."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if name in MONEY:
        return money(value)
    if name in QUANTITIES:
        return number(Decimal(str(value)))
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, dict):
        value = " ".join(str(part) for part in value.values())
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _move(name: str, before: Any, after: Any) -> Any:
    """By how many percent a price moves."""
    if name not in MONEY or not before or not after:
        return ""
    percent = (Decimal(after) - Decimal(before)) * 100 / Decimal(before)
    sign, tone = ("+", "up") if percent > 0 else ("−", "down")
    return Markup(' <span class="move {}">{}{} %</span>').format(tone, sign, number(round(abs(percent), 1)))
