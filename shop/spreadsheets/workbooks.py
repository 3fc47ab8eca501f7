"""The lines of a workbook's sheets, read as a stream: however long a sheet is, it never stands in memory as a whole.

Readers that make a table of a sheet need as much memory as the sheet has cells, and more where one far cell or one long
text that many cells refer to blows it up. Texts that cells share are kept in a file on disk.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from posixpath import join, normpath
from string import ascii_uppercase as CAPITALS  # noqa: N812 - a constant
from typing import Any, BinaryIO
from xml.parsers import expat

from shop.spreadsheets.archives import open_archive
from shop.spreadsheets.errors import DamagedSheetError, SheetTooLargeError, UnreadableSheetError
from shop.spreadsheets.limits import Limits
from shop.spreadsheets.lines import Line
from shop.spreadsheets.shared_texts import CHUNK, LONGEST_TEXT, SharedTexts, new_parser, unescaped

MOST_SHEETS = 20
MOST_STYLES = 100_000  # a workbook has 65,490 at most
OTHERS_PER_CELL = 4  # a formula, a text with its runs
LONGEST_FORMAT = 255
LONGEST_WHOLE = 10

LETTERS = re.compile(r"[A-Z]{1,3}", re.ASCII)
NO_DATE = re.compile(r'"[^"]*"|\\.|\[(?![hms]+\])[^\]]*\]|_.|\*.')
DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
DAY_ONE = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet knows no time zone
DAY_ONE_OF_MAC = datetime(1904, 1, 1)  # noqa: DTZ001 - as above

Start = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True)
class Sheet:
    name: str
    part: str


class Workbook:
    """Its sheets in order; `lines` reads one of them, as often as wanted."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        self._archive = archive = open_archive(file, unpacked=limits.unpacked)
        names = set(archive.namelist())
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
            raise UnreadableSheetError("archive")
        if "xl/workbook.bin" in names:
            raise UnreadableSheetError("binary_excel")
        self._parts = {name.casefold(): name for name in archive.namelist()}
        self._is_1904 = False
        root = next(
            (part for kind, part in self._relations("").values() if kind == "officeDocument"), "xl/workbook.xml"
        )
        self._related = self._relations(root)
        self.sheets = self._sheets(root)
        if not self.sheets:
            raise DamagedSheetError("it has no sheets")
        self._dates = self._date_styles()
        self._texts: SharedTexts | None = None

    def lines(self, sheet: Sheet) -> Iterator[Line]:
        """From the sheet's first row on, empty ones included, so that they count as the spreadsheet counts them."""
        if self._texts is None:
            self._texts = self._shared_texts()
        day_one = DAY_ONE_OF_MAC if self._is_1904 else DAY_ONE
        reader = _SheetReader(self._texts, self._dates, day_one, self._limits)
        for _ in self._read(sheet.part, reader.parser()):
            yield from reader.take()

    def rows_stated(self, sheet: Sheet) -> int:
        """How many rows the sheet says that it has; 0 where it does not."""
        stated = [0]

        def start(element: str, given: dict[str, str]) -> None:
            if element == "dimension":
                stated[0] = _whole(given.get("ref", "").rpartition(":")[2].lstrip(CAPITALS))

        self._scan(sheet.part, start, chunks=1)
        return min(stated[0], self._limits.rows)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """(kind, part) by id."""
        folder, _, name = part.rpartition("/")
        found: dict[str, tuple[str, str]] = {}

        def start(element: str, given: dict[str, str]) -> None:
            if element == "Relationship" and given.get("TargetMode") != "External":
                target = given.get("Target", "")
                path = target.lstrip("/") if target.startswith("/") else normpath(join(folder, target))
                found[given.get("Id", "")] = (given.get("Type", "").rpartition("/")[2], path)

        self._scan(join(folder, "_rels", f"{name}.rels"), start)
        return found

    def _sheets(self, root: str) -> list[Sheet]:
        sheets: list[Sheet] = []

        def start(element: str, given: dict[str, str]) -> None:
            if element == "workbookPr":
                self._is_1904 = given.get("date1904", "") in ("1", "true")
            elif element == "sheet":
                related = next((value for name, value in given.items() if name.rpartition(":")[2] == "id"), "")
                kind, part = self._related.get(related, ("", ""))
                if kind == "worksheet" and len(sheets) < MOST_SHEETS and part not in (each.part for each in sheets):
                    sheets.append(Sheet(given.get("name", ""), part))

        self._scan(root, start)
        return sheets

    def _date_styles(self) -> list[bool]:
        """Whether numbers of each style are points in time."""
        own: set[int] = set()
        styles: list[bool] = []
        inside = [""]

        def start(element: str, given: dict[str, str]) -> None:
            if element == "numFmt" and _is_of_dates(given.get("formatCode", "")):
                own.add(_whole(given.get("numFmtId")))
            elif element in ("cellXfs", "cellStyleXfs"):
                inside[0] = element
            elif element == "xf" and inside[0] == "cellXfs":
                number = _whole(given.get("numFmtId"))
                styles.append(number in DATE_FORMATS or number in own)
                if len(styles) > MOST_STYLES:
                    raise DamagedSheetError("it has too many styles")

        self._scan(self._part_of("styles"), start)
        return styles

    def _shared_texts(self) -> SharedTexts:
        texts = SharedTexts(self._limits)
        for _ in self._read(self._part_of("sharedStrings"), texts.parser()):
            pass
        return texts

    def _part_of(self, kind: str) -> str:
        return next((part for found, part in self._related.values() if found == kind), "")

    def _scan(self, part: str, start: Start, *, chunks: int | None = None) -> None:
        parser, left = new_parser(), [self._limits.elements]

        def counted(element: str, given: dict[str, str]) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise SheetTooLargeError("sheet_elements", most=self._limits.elements)
            start(element.rpartition(":")[2], given)

        parser.StartElementHandler = counted
        for _ in islice(self._read(part, parser), chunks):
            pass

    def _read(self, part: str, parser: expat.XMLParserType) -> Iterator[None]:
        """Stops after every chunk. A part that is not there is empty."""
        name = self._parts.get(part.casefold())
        if name is None:
            return
        try:
            with self._archive.open(name) as stream:
                while chunk := stream.read(CHUNK):
                    parser.Parse(chunk, False)
                    yield
                parser.Parse(b"", True)
                yield
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DamagedSheetError(str(error)) from None


class _SheetReader:
    """Takes a sheet's elements as they come and makes lines of them."""

    def __init__(self, texts: SharedTexts, dates: list[bool], day_one: datetime, limits: Limits) -> None:
        self._texts, self._dates, self._day_one, self._limits = texts, dates, day_one, limits
        self._done: list[Line] = []
        self._line: Line = []
        self._row = self._column = self._cells = self._shown = self._others = 0
        self._kind = self._style = ""
        self._said: list[str] = []
        self._length = 0
        self._reads = False
        self._columns: dict[str, int] = {}

    def parser(self) -> expat.XMLParserType:
        parser = new_parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        return parser

    def take(self) -> list[Line]:
        done, self._done = self._done, []
        return done

    def _start(self, element: str, given: dict[str, str]) -> None:
        if ":" in element:
            element = element.rpartition(":")[2]
        if element == "c":
            place = given.get("r")
            self._column = self._column_of(place) if place else self._column + 1
            self._kind, self._style = given.get("t", "n"), given.get("s", "")
            self._cells += 1
            if self._cells > self._limits.cells:
                raise SheetTooLargeError("sheet_cells", most=self._limits.cells)
        elif element in ("v", "t"):
            self._reads = True
        elif element == "row":
            self._begin_row(_whole(given.get("r")) or self._row + 1)
        else:
            self._others += 1
            if self._others > self._limits.elements + OTHERS_PER_CELL * self._cells:
                raise SheetTooLargeError("sheet_elements", most=self._limits.elements)
            if element == "rPh":
                self._kind = "phonetic"

    def _end(self, element: str) -> None:
        if ":" in element:
            element = element.rpartition(":")[2]
        if element in ("v", "t"):
            self._reads = False
        elif element == "c":
            if self._said:
                self._place(self._value("".join(self._said)))
                self._said.clear()
                self._length = 0
        elif element == "row":
            self._done.append(self._line)
            self._line = []

    def _text(self, data: str) -> None:
        if self._reads and self._kind != "phonetic":
            self._said.append(data)
            self._shown += len(data)
            self._length += len(data)
            if self._length > LONGEST_TEXT:
                raise SheetTooLargeError("sheet_long_text", most=LONGEST_TEXT)
            self._check_shown()

    def _check_shown(self) -> None:
        if self._shown > self._limits.text:
            raise SheetTooLargeError("sheet_text", most=self._limits.text)

    def _begin_row(self, row: int) -> None:
        if row <= self._row:
            raise DamagedSheetError("its rows are not in order")
        if row > self._limits.rows:
            raise SheetTooLargeError("sheet_rows", most=self._limits.rows)
        self._done.extend([] for _ in range(row - self._row - 1))
        self._row, self._column, self._line = row, 0, []

    def _column_of(self, place: str) -> int:
        letters = place.rstrip("0123456789")
        if letters not in self._columns:
            if not LETTERS.fullmatch(letters):
                raise DamagedSheetError("a cell has no place")
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - ord("A") + 1
            self._columns[letters] = column
        return self._columns[letters]

    def _place(self, value: Any) -> None:
        if self._column > self._limits.columns:
            raise SheetTooLargeError("sheet_columns", most=self._limits.columns)
        self._line.extend([None] * (self._column - len(self._line)))
        self._line[self._column - 1] = value

    def _value(self, said: str) -> Any:
        if self._kind == "s":
            text = self._texts[_whole(said)]
            self._shown += len(text)
            self._check_shown()
            return text
        if self._kind == "n":
            return self._number(said)
        if self._kind == "b":
            return said.strip() in ("1", "true")
        if self._kind == "d":
            with suppress(ValueError):
                return datetime.fromisoformat(said.strip())
        return unescaped(said)

    def _number(self, said: str) -> Any:
        try:
            number = float(said)
        except ValueError:
            return unescaped(said)
        style = _whole(self._style)
        if style < len(self._dates) and self._dates[style]:
            with suppress(OverflowError, ValueError):
                return self._day_one + timedelta(days=number)
        return number


def _whole(text: str | None) -> int:
    plain = text.strip() if text else ""
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= LONGEST_WHOLE else 0


def _is_of_dates(code: str) -> bool:
    return len(code) <= LONGEST_FORMAT and bool(re.search("[dmyhs]", NO_DATE.sub("", code).casefold()))
