"""The texts that cells of a workbook share, on disk; and how parts of workbooks are parsed."""

import re
import tempfile
from array import array
from typing import IO
from xml.parsers import expat

from shop.spreadsheets.errors import DamagedSheetError, SheetTooLargeError
from shop.spreadsheets.limits import Limits

CHUNK = 2**16
LONGEST_TEXT = 32_767 * 4  # a cell holds 32,767 characters; some programs write more
ELEMENTS_PER_TEXT = 20  # of a text in many colors
REMEMBERED = 10_000
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedTexts:
    """By their numbers, once a `parser` has read the part that holds them. Those asked for lately are in memory.

    Keeps no parser, whose handlers keep this: the file is closed with the last of those who read it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._elements = 0
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when nobody reads any more
        self._ends = array("Q", [0])
        self._lately: dict[int, str] = {}
        self._said: list[str] = []
        self._length = 0
        self._reads = self._is_phonetic = False

    def __del__(self) -> None:
        self._file.close()

    def parser(self) -> expat.XMLParserType:
        parser = new_parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        return parser

    def __getitem__(self, number: int) -> str:
        text = self._lately.get(number)
        if text is None:
            if not 0 <= number < len(self._ends) - 1:
                raise DamagedSheetError("a text is missing")
            self._file.seek(self._ends[number])
            raw = self._file.read(self._ends[number + 1] - self._ends[number])
            text = raw.decode("utf-8", "surrogatepass")
            if len(self._lately) >= REMEMBERED:
                self._lately.clear()
            self._lately[number] = text
        return text

    def _start(self, element: str, _given: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.elements + ELEMENTS_PER_TEXT * len(self._ends):
            raise SheetTooLargeError("sheet_elements", most=self._limits.elements)
        element = element.rpartition(":")[2]
        if element == "rPh":
            self._is_phonetic = True
        elif element == "t":
            self._reads = not self._is_phonetic

    def _end(self, element: str) -> None:
        element = element.rpartition(":")[2]
        if element == "si":
            self._add("".join(self._said))
            self._said.clear()
            self._length = 0
        elif element == "t":
            self._reads = False
        elif element == "rPh":
            self._is_phonetic = False

    def _text(self, data: str) -> None:
        if self._reads:
            self._said.append(data)
            self._length += len(data)
            if self._length > LONGEST_TEXT:
                raise SheetTooLargeError("sheet_long_text", most=LONGEST_TEXT)

    def _add(self, text: str) -> None:
        if len(self._ends) > self._limits.texts:
            raise SheetTooLargeError("sheet_texts", most=self._limits.texts)
        raw = unescaped(text).encode("utf-8", "surrogatepass")
        self._file.write(raw)
        self._ends.append(self._ends[-1] + len(raw))


def new_parser() -> expat.XMLParserType:
    """Without document types: no workbook has one, and entities are declared there."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = CHUNK
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def unescaped(text: str) -> str:
    """_x000D_ is how a workbook writes characters that XML cannot hold."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _refuse(*_: object) -> None:
    raise DamagedSheetError("it declares a document type")
