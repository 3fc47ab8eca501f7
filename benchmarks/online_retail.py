"""Two months of a wholesaler's invoices, read into goods, orders and cancellations that the product can play.

The file (UCI "Online Retail") is as such files are: exact duplicates, services among the goods, prices of 0, stock
corrections as negative sales, one code with several names and prices, and cancellations that name no order. What is
not taken is counted with its reason.
"""

import csv
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

GOODS = re.compile(r"\d{5}[A-Za-z]*|DCGS\w+")
FINEST = Decimal("0.0001")
KOPECK = Decimal("0.01")
MOST_LINES = 1000  # of one order

PLACE, CANCEL = "place", "cancel"


@dataclass(frozen=True)
class Row:
    invoice: str
    code: str
    name: str
    quantity: int
    price: Decimal
    customer: str
    country: str

    @property
    def sku(self) -> str:
        """One good per code and price: only so can sums be compared to the penny."""
        return f"{self.code}@{self.price}"

    @property
    def is_cancellation(self) -> bool:
        return self.invoice.startswith("C")

    @property
    def total(self) -> Decimal:
        return (self.price * self.quantity).quantize(KOPECK, ROUND_HALF_UP)


@dataclass
class PlannedOrder:
    """Quantities by SKU; `canceled` is what later rows of the file take back."""

    invoice: str
    customer: str
    country: str
    lines: dict[str, int] = field(default_factory=dict)
    canceled: Counter[str] = field(default_factory=Counter)
    total: Decimal = Decimal(0)
    canceled_total: Decimal = Decimal(0)

    @property
    def is_canceled(self) -> bool:
        return all(self.canceled[sku] == quantity for sku, quantity in self.lines.items())

    def left_of(self, sku: str) -> int:
        return self.lines[sku] - self.canceled[sku]


@dataclass
class Plan:
    """`steps` are (what, invoice) in the order of the file."""

    rows: int = 0
    rows_taken: int = 0
    rows_merged: int = 0
    rows_canceling: int = 0
    orders: dict[str, PlannedOrder] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    names: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    steps: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def quantities(self) -> Counter[str]:
        """All that is ordered of each good, before cancellations."""
        wanted: Counter[str] = Counter()
        for order in self.orders.values():
            wanted.update(order.lines)
        return wanted

    def name_of(self, sku: str) -> str:
        """The most frequent of its names, or its code where it has none."""
        names = self.names[sku]
        return names.most_common(1)[0][0] if names else sku.partition("@")[0]


def read_plan(path: Path, *, limit: int | None = None) -> Plan:
    """`limit` stops after so many invoices."""
    plan = Plan()
    bought: defaultdict[tuple[str, str], list[PlannedOrder]] = defaultdict(list)
    last_cancellation: dict[str, int] = {}
    for row in _rows(path, plan, limit):
        reason = _reason_against(row, plan)
        if reason is None and row.is_cancellation:
            reason = _cancel(row, bought[row.customer, row.sku], last_cancellation, plan)
        elif reason is None:
            _order(row, bought, plan)
        if reason is not None:
            plan.left_out[reason] += 1
    kept = set(last_cancellation.values())
    plan.steps = [step for number, step in enumerate(plan.steps) if step[0] == PLACE or number in kept]
    return plan


def _rows(path: Path, plan: Plan, limit: int | None) -> Iterator[Row]:
    """Without exact duplicates."""
    seen: set[tuple[str, ...]] = set()
    invoices: set[str] = set()
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        for values in csv.DictReader(file):
            invoices.add(values["InvoiceNo"])
            if limit is not None and len(invoices) > limit:
                return
            plan.rows += 1
            key = tuple(values.values())
            if key in seen:
                plan.left_out["exact duplicate of another row"] += 1
                continue
            seen.add(key)
            yield _row(values)


def _row(values: dict[str, str]) -> Row:
    return Row(
        invoice=values["InvoiceNo"],
        code=values["StockCode"].strip(),
        name=" ".join(values["Description"].split()),
        quantity=int(values["Quantity"]),
        price=Decimal(values["UnitPrice"]).normalize() + Decimal("0.00"),
        customer=values["CustomerID"].removesuffix(".0"),
        country=values["Country"],
    )


def _reason_against(row: Row, plan: Plan) -> str | None:
    order = plan.orders.get(row.invoice)
    reasons = {
        "no good: postage, manual entry, bank charges, voucher …": not GOODS.fullmatch(row.code),
        "price 0 or less": row.price <= 0,
        "price finer than four decimals": row.price != row.price.quantize(FINEST),
        "negative quantity outside of a cancellation (a stock correction)": row.quantity <= 0
        and not row.is_cancellation,
        "neither an order nor a cancellation by its number": not row.invoice.removeprefix("C").isdigit(),
        "line beyond the 1,000 of one order": order is not None
        and len(order.lines) >= MOST_LINES
        and row.sku not in order.lines,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _order(row: Row, bought: defaultdict[tuple[str, str], list[PlannedOrder]], plan: Plan) -> None:
    """The same good twice in one invoice becomes one line, as the product takes each good once."""
    order = plan.orders.get(row.invoice)
    if order is None:
        order = plan.orders[row.invoice] = PlannedOrder(row.invoice, row.customer, row.country)
        plan.steps.append((PLACE, row.invoice))
    if row.sku in order.lines:
        plan.rows_merged += 1
    else:
        bought[row.customer, row.sku].append(order)
    order.lines[row.sku] = order.lines.get(row.sku, 0) + row.quantity
    order.total += row.total
    plan.prices[row.sku] = row.price
    if row.name:
        plan.names[row.sku][row.name] += 1
    plan.rows_taken += 1


def _cancel(row: Row, orders: list[PlannedOrder], last: dict[str, int], plan: Plan) -> str | None:
    """Takes back from the customer's latest order of that good at that price; the file does not say from which.

    All that is ever taken back of an order is played at once, at the last row that does so.
    """
    if not row.customer or not orders:
        return "cancellation of what was not ordered in this file"
    order = next((order for order in reversed(orders) if order.left_of(row.sku) >= -row.quantity), None)
    if order is None:
        return "cancellation of more than an order has left"
    order.canceled[row.sku] -= row.quantity
    order.canceled_total -= row.total
    last[order.invoice] = len(plan.steps)
    plan.steps.append((CANCEL, order.invoice))
    plan.rows_canceling += 1
    return None
