"""Workbooks from strangers: how far their cells reach, how much text they hold, before a reader makes tables of them.

The reader makes a dense table: a file of 2 KB with one cell in the last corner would take 500 GB, and one long text
that 60,000 cells refer to is copied 60,000 times.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import IO, BinaryIO

from lxml import etree

REFERENCE = re.compile(r"(?P<column>[A-Z]{0,3})(?P<row>\d{0,7})", re.ASCII)
XML_NAMES = (".xml", ".rels", ".vml")
WATCHED = ("{*}c", "{*}row", "{*}si", "{*}dimension")


class SheetTooLargeError(ValueError):
    """A cell lies further out, or there is more text, than any list that people send."""


def check_workbook(file: BinaryIO, *, rows: int, columns: int, cells: int, text: int, unpacked: int) -> None:
    """Refuses with SheetTooLargeError, ValueError or what zipfile says of a broken archive.

    `cells` bounds height × width of each sheet, `text` the characters that all cells together show, `unpacked` the
    bytes that come out of the archive, whatever it states.
    """
    with zipfile.ZipFile(file) as archive:
        _count(archive, unpacked)
        members = sorted(archive.infolist(), key=lambda member: "sharedstrings" not in member.filename.casefold())
        lengths: list[int] = []
        for member in members:
            if member.filename.casefold().endswith(XML_NAMES):
                with archive.open(member) as stream:
                    text -= _check(stream, lengths, rows, columns, cells)
                if text < 0:
                    raise SheetTooLargeError
            elif b"sheetData" in archive.read(member):  # a sheet under a false name would not be looked at
                raise ValueError("a sheet under a false name")
    file.seek(0)


def _count(archive: zipfile.ZipFile, left: int) -> None:
    for member in archive.infolist():
        with archive.open(member) as stream:
            while chunk := stream.read(2**20):
                left -= len(chunk)
                if left < 0:
                    raise SheetTooLargeError


def _check(stream: IO[bytes], lengths: list[int], rows: int, columns: int, cells: int) -> int:
    """The characters that this part shows; `lengths` collects and then tells those of the shared texts."""
    height = width = counted = shown = 0
    for element in _elements(stream):
        name = etree.QName(element).localname
        if name == "si":
            lengths.append(sum(len(part) for part in element.itertext()))
        elif name == "c":
            shown += _length(element, lengths)
        counted += name == "row"
        row, column = _corner(element)
        height, width = max(height, row, counted), max(width, column)
        if height > rows or width > columns or height * width > cells:
            raise SheetTooLargeError
        if name != "dimension":
            element.clear()
    return shown


def _elements(stream: IO[bytes]) -> Iterator[etree._Element]:
    try:
        options = {"resolve_entities": False, "no_network": True, "load_dtd": False}
        for _, element in etree.iterparse(stream, events=("end",), tag=WATCHED, **options):
            yield element
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None


def _corner(element: etree._Element) -> tuple[int, int]:
    """Of a cell `r="B7"`, a row `r="7"`, a dimension `ref="A1:XFD1048576"`."""
    stated = element.get("r") or (element.get("ref") or "").rpartition(":")[2]
    place = REFERENCE.fullmatch(stated.upper())
    if place is None:
        raise SheetTooLargeError
    column = 0
    for letter in place["column"]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(place["row"] or 0), column


def _length(cell: etree._Element, lengths: list[int]) -> int:
    said = "".join(map(str, cell.itertext()))
    if cell.get("t") != "s":
        return len(said)
    return lengths[int(said)] if said.strip().isdigit() and int(said) < len(lengths) else 0
