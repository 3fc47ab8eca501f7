"""Quick order: lines "SKU quantity" pasted as text, or from a CSV or XLSX file, with a heading or without."""

import re
from dataclasses import dataclass
from decimal import Decimal

from shop.orders.basket.additions import Wanted
from shop.orders.basket.order_files import NUMBER, FormRow, Heading, UnreadableQuickOrder, read_order_form
from shop.spreadsheets import cell_text, last_filled
from shop.spreadsheets.cells import code_of, may_be_thousands, without_unit

MAX_LINES = 1000
LARGEST_QUANTITY = Decimal(10**9)
LONGEST_SKU = 255
LONGEST_QUANTITY = 40
QUANTITY = re.compile(NUMBER)
NOTHING = re.compile(r"0+(?:[.,]0+)?")

NO_QUANTITY = "A line is a SKU and a quantity."
WITHOUT_NAMES = "Without a heading a row is a SKU and a quantity. Name the columns in the first row."
TOO_WIDE = "The row has more cells than the heading has names."
NO_SKU = "There is a quantity and no SKU."
THOUSANDS = "«{}» may be a thousand or one. Write it without a comma."


@dataclass(frozen=True)
class QuickLine:
    """A row of the list: what it wants, or why it cannot be read."""

    row: int
    text: str
    wanted: Wanted | None = None
    problem: str = ""


@dataclass(frozen=True)
class QuickOrder:
    """`skipped` rows have no quantity and order nothing."""

    lines: list[QuickLine]
    skipped: int


def read_quick_order(raw: bytes | str, *, supplier_id: int | None = None) -> QuickOrder:
    """Every row that wants something or cannot be read, in order."""
    form = read_order_form(raw)
    lines, skipped = [], 0
    for row in form.rows:
        line = _line(row, form.heading, supplier_id)
        if line is None:
            skipped += 1
            continue
        lines.append(line)
        if len(lines) > MAX_LINES:
            raise UnreadableQuickOrder(reason=f"It has more than {MAX_LINES} lines.")
    if not lines:
        said = f"None of the {skipped} rows has a quantity." if skipped else f"There are no lines in it. {NO_QUANTITY}"
        raise UnreadableQuickOrder(reason=said)
    return QuickOrder(lines, skipped)


def _line(row: FormRow, heading: Heading, supplier_id: int | None) -> QuickLine | None:
    """None for a row that wants nothing."""
    text = " ".join(row.cells)[:200]
    problem = row.problem or _problem_of_shape(row, heading)
    if problem:
        return QuickLine(row.number, text, problem=problem)
    quantity = without_unit(_cell(row, heading.quantity).casefold())
    if not quantity or (heading.row and NOTHING.fullmatch(quantity)):
        return None
    sku = next(filter(None, (cell_text(code_of(_cell(row, place))) for place in heading.skus)), "")
    if not sku:
        return QuickLine(row.number, text, problem=NO_SKU)
    if may_be_thousands(quantity):
        return QuickLine(row.number, text, problem=THOUSANDS.format(quantity[:50]))
    number = _quantity(quantity)
    if number is None:
        return QuickLine(row.number, text, problem=f"«{quantity[:50]}» is not a quantity.")
    return QuickLine(row.number, text, Wanted(number, sku=sku[:LONGEST_SKU], supplier_id=supplier_id))


def _problem_of_shape(row: FormRow, heading: Heading) -> str:
    if last_filled(row.cells) > heading.width:
        return TOO_WIDE if heading.row else WITHOUT_NAMES
    return NO_QUANTITY if len(row.cells) == 1 else ""


def _cell(row: FormRow, place: int) -> str:
    return row.cells[place].strip() if place < len(row.cells) else ""


def _quantity(text: str) -> Decimal | None:
    digits = re.sub(r"\s", "", text[:LONGEST_QUANTITY])
    if not QUANTITY.fullmatch(digits) or len(digits) > 20:
        return None
    quantity = Decimal(digits.replace(",", "."))
    return quantity if 0 < quantity <= LARGEST_QUANTITY and quantity == round(quantity, 3) else None
