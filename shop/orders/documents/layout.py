"""What every page of our papers is made of: fonts, safe text, ruled tables, numbered pages, the stamp."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Frame, KeepTogether, Paragraph, Table
from reportlab.platypus.doctemplate import BaseDocTemplate, PageTemplate

from shop.orders.documents.fonts import BOLD, REGULAR, printable, register_fonts

PAGE = landscape(A4)
SIDE, TOP, BOTTOM = 30.0, 26.0, 34.0
WIDTH = PAGE[0] - 2 * SIDE
PAGE_HEIGHT = PAGE[1] - TOP - BOTTOM

INK, GREY, RULE, SHADE, STAMP = map(HexColor, ("#111111", "#5c6166", "#8a9096", "#eff1f3", "#c62828"))
HAIR = 0.4
SIZES = (7.5, 6.5, 5.5, 4.5)  # of letters in a ledger: the usual one, and smaller ones for the sums of giants
PADDING = 3.0


def _style(size: float, font: str = REGULAR, *, align: Literal[0, 1, 2] = TA_LEFT, color: Any = INK) -> ParagraphStyle:
    return ParagraphStyle(
        f"{font} {size} {align}", fontName=font, fontSize=size, leading=size * 1.2, alignment=align, textColor=color
    )


@cache
def styles() -> dict[str, ParagraphStyle]:
    """By what the text is for; a call registers the fonts, so nothing is measured without them."""
    register_fonts()
    return {
        "title": _style(15, BOLD),
        "alarm": _style(9, BOLD, color=STAMP),
        "caption": _style(7, color=GREY),
        "caption right": _style(7, align=TA_RIGHT, color=GREY),
        "caption center": _style(6, align=TA_CENTER, color=GREY),
        "name": _style(9, BOLD),
        "text": _style(8.5),
        "head": _style(6.8, align=TA_CENTER, color=GREY),
    }


def text(value: str, style: str = "text") -> Paragraph:
    return _paragraph(printable(value), styles()[style])


def _paragraph(words: str, style: ParagraphStyle) -> Paragraph:
    """The only way for words to get on a page as a Paragraph: they are never read as its markup."""
    return Paragraph(words, style, frags=[_fragment(style).clone(text=words)])


@cache
def _fragment(style: ParagraphStyle) -> Any:
    """What reportlab's parser makes of words without markup. To ask it about each took a tenth of an invoice's time."""
    return cast(Any, Paragraph("x", style)).frags[0]


@dataclass(frozen=True)
class Column:
    """One column of a ledger: right ones are figures, which never wrap and widen the column instead."""

    title: str
    least: float
    align: str = "right"
    group: str = ""
    most: float = 90.0
    stretches: bool = False


def ledger(columns: Sequence[Column], rows: Sequence[Sequence[str]], total: Sequence[str], *, kept: int = 1) -> Table:
    """A ruled table under a two-storey heading that each page repeats; the last rows, so many, stay with `total`."""
    size, widths = _fitting(columns, [*rows, total])
    heading = _heading(columns)
    body = [[_cell(*each, size) for each in zip(columns, row, widths, strict=True)] for row in rows]
    first, last = len(heading), len(heading) + len(body)
    commands = [
        *RULED,
        ("FONT", (0, first), (-1, -1), REGULAR, size, size * 1.2),
        *_spans(columns),
        ("BACKGROUND", (0, 0), (-1, first - 1), SHADE),
        ("VALIGN", (0, 0), (-1, first - 1), "MIDDLE"),
        ("FONT", (0, first - 1), (-1, first - 1), REGULAR, 6.8, 8.2),
        ("TEXTCOLOR", (0, first - 1), (-1, first - 1), GREY),
        ("ALIGN", (0, first - 1), (-1, first - 1), "CENTER"),
        *((("ALIGN", (at, first), (at, -1), column.align.upper())) for at, column in enumerate(columns)),
        ("FONTNAME", (0, last), (-1, last), BOLD),
        ("BACKGROUND", (0, last), (-1, last), SHADE),
        ("LINEABOVE", (0, last), (-1, last), 0.8, INK),
        ("NOSPLIT", (0, max(first, last - kept)), (0, last)),
    ]
    return Table([*heading, *body, list(total)], widths, repeatRows=first, style=commands, splitInRow=1, hAlign="LEFT")


RULED: list[tuple[Any, ...]] = [
    ("FONT", (0, 0), (-1, -1), REGULAR, 7.5, 9),
    ("TEXTCOLOR", (0, 0), (-1, -1), INK),
    ("GRID", (0, 0), (-1, -1), HAIR, RULE),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), PADDING),
    ("RIGHTPADDING", (0, 0), (-1, -1), PADDING),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]


def _cell(column: Column, value: str, width: float, size: float) -> Paragraph | str:
    """A Paragraph only for what must wrap: each costs a new measuring at every page break before it."""
    shown = printable(value)
    fits = stringWidth(shown, REGULAR, size) <= width - 2 * PADDING
    return shown if fits or column.align == "right" else _paragraph(shown, _cell_style(column.align, size))


@cache
def _cell_style(align: str, size: float) -> ParagraphStyle:
    return _style(size, align=TA_CENTER if align == "center" else TA_LEFT)


def _heading(columns: Sequence[Column]) -> list[list[Paragraph | str]]:
    """Groups, titles, and the column numbers by which accountants quote a form."""
    groups = [column.group for column in columns]
    said = [
        column.title if not group else group if groups.index(group) == at else ""
        for at, (column, group) in enumerate(zip(columns, groups, strict=True))
    ]
    upper = [text(words, "head") if words else "" for words in said]
    lower = [text(column.title, "head") if column.group else "" for column in columns]
    return [upper, lower, [str(at) for at in range(1, len(columns) + 1)]]


def _spans(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    groups = [column.group for column in columns]
    upright = [("SPAN", (at, 0), (at, 1)) for at, group in enumerate(groups) if not group]
    flat = [
        ("SPAN", (groups.index(group), 0), (groups.index(group) + groups.count(group) - 1, 0))
        for group in dict.fromkeys(filter(None, groups))
    ]
    return upright + flat


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
    """The largest size of letters in which the figures leave the stretching column its least width; and the widths."""
    register_fonts()
    needed = sum(column.least for column in columns if column.stretches)
    for size in SIZES:
        widths = _widths(columns, rows, size)
        left = WIDTH - sum(widths)
        if left >= needed:
            break
    return size, [left if column.stretches else width for width, column in zip(widths, columns, strict=True)]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], size: float) -> list[float]:
    """Each column as wide as its widest figure (in bold, for the total); the stretching one has none of its own."""
    return [
        0.0 if column.stretches else max(column.least, *_widest(column, [row[at] for row in rows], size))
        for at, column in enumerate(columns)
    ]


def _widest(column: Column, values: Sequence[str], size: float) -> list[float]:
    limit = float("inf") if column.align == "right" else column.most
    return [min(limit, stringWidth(printable(value), BOLD, size) + 2 * PADDING + 0.5) for value in values]


def summary(titles: Sequence[str], rows: Sequence[Sequence[str]], width: float) -> Table:
    """A small ruled table of figures, the last row in bold."""
    commands = [
        *RULED,
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("ALIGN", (1, 1), (-1, -1), "RIGHT"),
        ("FONTNAME", (0, -1), (-1, -1), BOLD),
        ("LINEABOVE", (0, -1), (-1, -1), 0.8, INK),
    ]
    heading: list[Any] = [text(title, "head") for title in titles]
    return Table([heading, *map(list, rows)], [width / len(titles)] * len(titles), style=commands, hAlign="RIGHT")


def beside(cells: Sequence[Sequence[Any]], widths: Sequence[float], *, framed: bool = False) -> Table:
    """Blocks side by side; framed ones get thin rules."""
    rules = [("GRID", (0, 0), (-1, -1), HAIR, RULE)] if framed else []
    inset = 6 if framed else 0
    commands: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), inset),
        ("RIGHTPADDING", (0, 0), (-1, -1), inset),
        ("TOPPADDING", (0, 0), (-1, -1), inset / 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), inset / 2 + 1),
    ]
    return Table([list(row) for row in cells], list(widths), style=[*commands, *rules], splitInRow=1, hAlign="LEFT")


Line = tuple[str, Sequence[str]]  # what is to be signed, and what goes on each of its lines


class Signatures(Flowable):
    """«Груз принял ______ ______ ______», ours beside theirs, small print below each line, and places for two seals.

    Drawn at once: the same as tables of paragraphs took a quarter of an invoice's time.
    """

    ABOVE, ROW, SEALS, GAP, LABELLED = 4.0, 26.0, 20.0, 28.0, 108.0

    def __init__(self, rows: Sequence[tuple[Line, Line]], seal: str) -> None:
        super().__init__()
        self.rows, self.seal = rows, seal
        self.width, self.height = WIDTH, self.ABOVE + self.ROW * len(rows) + self.SEALS

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        half = (self.width - self.GAP) / 2
        for x, side in ((0.0, 0), (half + self.GAP, 1)):
            for at, row in enumerate(self.rows, start=1):
                self._draw_line(x, self.height - self.ABOVE - self.ROW * at + 10, half, row[side])
            self._write(self.seal, x, 3, styles()["text"])

    def _draw_line(self, x: float, y: float, width: float, line: Line) -> None:
        label, captions = line
        self._write(label, x, y, styles()["text"])
        gap = 8.0
        each = (width - self.LABELLED - gap * len(captions)) / len(captions)
        self.canv.setLineWidth(HAIR)
        self.canv.setStrokeColor(INK)
        for at, caption in enumerate(captions):
            left = x + self.LABELLED + gap + (each + gap) * at
            self.canv.line(left, y - 2, left + each, y - 2)
            self._write(caption, left + each / 2, y - 8, styles()["caption center"])

    def _write(self, words: str, x: float, y: float, style: ParagraphStyle) -> None:
        self.canv.setFont(style.fontName, style.fontSize)
        self.canv.setFillColor(style.textColor)
        write = self.canv.drawCentredString if style.alignment == TA_CENTER else self.canv.drawString
        write(x, y, words)


class Closed(Flowable):
    """A ledger and what closes it, which stands on one page with the ledger's total and at least its last line."""

    def __init__(self, ledger: Table, closing: Sequence[Flowable]) -> None:
        super().__init__()
        self.ledger, self.closing = ledger, closing
        self._heights: list[float] = []

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        blocks = (self.ledger, *self.closing)
        self._heights = [each.wrapOn(self.canv, width, height)[1] for each in blocks]
        return width, sum(self._heights)

    def split(self, width: float, height: float) -> list[Flowable]:
        """Where the ledger alone would fit, it is parted before its last line all the same."""
        whole = self.ledger.wrapOn(self.canv, width, height)[1]
        self.ledger.splitInRow = int(whole > height)  # only a line longer than a page is parted in itself
        pieces = self.ledger.split(width, min(height, whole - 1))
        if pieces:
            first, rest = cast("list[Table]", pieces)
            return [first, Closed(rest, self.closing)]
        fits_nowhere_together = whole <= height and height >= PAGE_HEIGHT - 1
        return [self.ledger, KeepTogether(list(self.closing))] if fits_nowhere_together else []

    def draw(self) -> None:
        y = sum(self._heights)
        for each, height in zip((self.ledger, *self.closing), self._heights, strict=True):
            y -= height
            each.drawOn(self.canv, 0, y)


def build(story: list[Flowable], *, title: str, author: str, made_on: str, identity: bytes, stamp: str) -> bytes:
    """The finished file: nothing in it depends on the clock, the process or the environment."""
    target, title, author = io.BytesIO(), printable(title), printable(author)
    page = Frame(SIDE, BOTTOM, WIDTH, PAGE_HEIGHT, 0, 0, 0, 0)
    document = BaseDocTemplate(
        target,
        pagesize=PAGE,
        pageTemplates=[PageTemplate(frames=[page])],
        invariant=1,
        pageCompression=1,
        lang="ru",
        title=title,
        author=author,
        subject=title,
        creator=author,
    )
    document.build(story, canvasmaker=_numbered(title, made_on, identity, stamp))
    return target.getvalue()


def _numbered(title: str, made_on: str, identity: bytes, stamp: str) -> Callable[..., Canvas]:
    def canvas(*args: Any, **options: Any) -> Canvas:
        return NumberedCanvas(*args, title=title, made_on=made_on, identity=identity, stamp=stamp, **options)

    return canvas


class NumberedCanvas(Canvas):
    """Holds the pages back until their number is known, then signs each one «Страница x из y»."""

    _doc: Any  # what the stubs leave out
    _startPage: Callable[[], None]  # noqa: N815 (the name is reportlab's)

    def __init__(self, *args: Any, title: str, made_on: str, identity: bytes, stamp: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._footer, self._stamp = title, stamp
        self._held: list[dict[str, Any]] = []
        # Even with `invariant` reportlab reads SOURCE_DATE_EPOCH into the date and the file's id.
        self._doc.signature = hashlib.md5(identity, usedforsecurity=False)
        self.setDateFormatter(lambda *_: f"D:{made_on.replace('-', '')}000000Z")

    def showPage(self) -> None:  # noqa: N802 (the name is reportlab's)
        self._held.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        held = self._held
        for page, state in enumerate(held, start=1):
            self.__dict__.update(state)
            self._sign(page, len(held))
            super().showPage()
        super().save()

    def _sign(self, page: int, pages: int) -> None:
        if self._stamp:
            self._draw_stamp()
        self.setStrokeColor(RULE)
        self.setLineWidth(HAIR)
        self.line(SIDE, BOTTOM - 8, SIDE + WIDTH, BOTTOM - 8)
        self.setFillColor(GREY)
        self.setFont(REGULAR, 7)
        self.drawString(SIDE, BOTTOM - 17, self._footer)
        self.drawRightString(SIDE + WIDTH, BOTTOM - 17, f"Страница {page} из {pages}")

    def _draw_stamp(self) -> None:
        size, half = 78, stringWidth(self._stamp, BOLD, 78) / 2 + 20
        self.saveState()
        self.translate(PAGE[0] / 2, PAGE[1] / 2)
        self.rotate(27)
        self.setFillColor(STAMP, alpha=0.28)
        self.setStrokeColor(STAMP, alpha=0.28)
        self.setLineWidth(4)
        self.roundRect(-half, -size * 0.62, 2 * half, size * 1.24, 10)
        self.setFont(BOLD, size)
        self.drawCentredString(0, -size * 0.35, self._stamp)
        self.restoreState()
