"""Charts as SVG made here: readable without scripts, by screen readers, in light and dark (colors are in admin.css)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

WIDTH, HEIGHT, GAP, HEAD, FOOT = 1000, 150, 4, 18, 20
ROW_WIDTH, ROW_HEIGHT, NAME_WIDTH, SUM_WIDTH = 520, 26, 200, 90


@dataclass(frozen=True)
class Bar:
    """`label` stands below, where there is room, `shown` beside a row; `title` says all when pointed at."""

    label: str
    value: Decimal
    title: str
    href: str = ""
    shown: str = ""


def bars(title: str, values: Sequence[Bar]) -> Markup:
    """Columns from left to right, the highest as high as the chart; what it stands for is said above."""
    most = max(values, key=lambda bar: bar.value)
    highest = most.value or Decimal(1)
    width = Decimal(WIDTH) / max(len(values), 1)
    every = max(1, len(values) * 70 // WIDTH)  # a label is some 70 units wide
    columns = Markup("").join(
        _column(
            bar, width * index, width - GAP, bar.value / highest, shows_label=(len(values) - 1 - index) % every == 0
        )
        for index, bar in enumerate(values)
    )
    frame = Markup(
        '<svg class="chart" role="img" viewBox="0 {} {} {}"><title>{}</title><text x="0" y="{}">{}</text>'
        '<path class="line" d="M0 -0.5H{}"/>{}</svg>'
    )
    return frame.format(-HEAD, WIDTH, HEAD + HEIGHT + FOOT, title, -6, most.shown, WIDTH, columns)


def rows(title: str, values: Sequence[Bar]) -> Markup:
    """Lines one under another, for names that need room."""
    highest = max((bar.value for bar in values), default=Decimal(0)) or Decimal(1)
    lines = Markup("").join(_row(bar, index * ROW_HEIGHT, bar.value / highest) for index, bar in enumerate(values))
    frame = Markup('<svg class="chart" role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>')
    return frame.format(ROW_WIDTH, max(len(values), 1) * ROW_HEIGHT, title, lines)


def _column(bar: Bar, x: Decimal, width: Decimal, share: Decimal, *, shows_label: bool) -> Markup:
    height = max(share * HEIGHT, Decimal(1) if bar.value else Decimal("0.4"))
    shape = Markup('<g class="bar"><title>{}</title><rect class="reach" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>')
    column = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>{}</g>')
    label = Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT + FOOT - 4, bar.label) if shows_label else ""
    drawn = shape.format(bar.title, x, width, HEIGHT) + column.format(x, HEIGHT - height, width, height, label)
    return _linked(bar, drawn)


def _row(bar: Bar, y: int, share: Decimal) -> Markup:
    shape = Markup(
        '<g class="bar"><title>{}</title><rect class="reach" x="0" y="{}" width="{}" height="{}"/>'
        '<text x="0" y="{}">{}</text><rect x="{}" y="{}" width="{:.1f}" height="13" rx="2"/>'
        '<text class="sum" x="{:.1f}" y="{}">{}</text></g>'
    )
    length = max(share * (ROW_WIDTH - NAME_WIDTH - SUM_WIDTH), Decimal(1))
    drawn = (y + 17, bar.label, NAME_WIDTH, y + 6, length, NAME_WIDTH + length + 8, y + 17, bar.shown)
    return _linked(bar, shape.format(bar.title, y, ROW_WIDTH, ROW_HEIGHT, *drawn))


def _linked(bar: Bar, drawn: Markup) -> Markup:
    return Markup('<a href="{}">{}</a>').format(bar.href, drawn) if bar.href else drawn
