"""CSV and other text: encoding (UTF-8, UTF-16 with a mark, windows-1251) is seen in the file; read line by line."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from shop.spreadsheets.errors import SheetTooLargeError, UnreadableSheetError
from shop.spreadsheets.lines import CutLine, Line, is_blank, is_cut_line

DELIMITERS = (";", "\t", ",", "|")
CHUNK = 2**20
HEAD = 2**16
LONGEST_LINE = CHUNK  # characters, more or less: a line that fills a chunk is seen, one that is cut by its border not
COMPARED = 20  # lines before the last one

# A line of our own after the last one: where it is part of another, a quotation mark was left open, and all that came
# after it has become one cell.
END = "\x04 end of the table"


class TextTable:
    """Looked over once, before any line is read: what it is written in, how many lines it has, how it ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        mark = file.read(3)
        encodings = ("utf-16",) if mark.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1251")
        if not any(self._fits(encoding) for encoding in encodings):
            raise UnreadableSheetError("unknown_encoding")

    def _fits(self, encoding: str) -> bool:
        self.encoding, self.lines_expected = encoding, 0
        self._is_cut_in_character = self._has_endless_line = False
        decoder, is_plain, last = codecs.getincrementaldecoder(encoding)(), True, ""
        self._file.seek(0)
        try:
            while chunk := self._file.read(CHUNK):
                text = decoder.decode(chunk)
                if "\x00" in text:
                    raise UnreadableSheetError("not_text")
                ends = text.count("\n") + text.count("\r") - text.count("\r\n")
                self.lines_expected += ends
                self._has_endless_line |= not ends and len(chunk) == CHUNK
                is_plain, last = is_plain and text.isascii(), text[-1:] or last
        except UnicodeDecodeError:
            return False
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            if is_plain:
                return False
            self._is_cut_in_character = True
        self._lacks_line_end = last not in ("\n", "\r", "") or self._is_cut_in_character
        return True

    def check_size(self, *, lines: int) -> None:
        if self.lines_expected > lines:
            raise SheetTooLargeError("too_many_lines", most=lines)
        if self._has_endless_line:
            raise SheetTooLargeError("line_too_long", mib=LONGEST_LINE // 2**20)

    def head(self) -> str:
        self._file.seek(0)
        return codecs.getincrementaldecoder(self.encoding)(errors="ignore").decode(self._file.read(HEAD))

    def lines(self, delimiter: str) -> Iterator[Line]:
        """A CutLine at last where the text ends in the middle of a line."""
        before: deque[Line] = deque(maxlen=COMPARED)
        last: Line | None = None
        for line in self._lines(delimiter):
            if last is not None:
                yield last
                if self._lacks_line_end and not all(map(is_blank, last)):
                    before.append(last)
            last = line
        if last is not None:
            is_cut = self._lacks_line_end and (self._is_cut_in_character or is_cut_line(last, list(before)))
            yield CutLine(last) if is_cut else last

    def _lines(self, delimiter: str) -> Iterator[Line]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self.encoding, errors="ignore", newline="")
        rows = csv.reader(chain(text, [END]), delimiter=delimiter)
        line = 1
        try:
            for cells in rows:
                if cells == [END]:
                    return
                if cells and cells[-1].endswith(END):
                    raise UnreadableSheetError("quotation_mark", line=line)
                yield cells
                line = rows.line_num + 1
        except csv.Error:
            raise UnreadableSheetError("quotation_mark", line=line) from None
        finally:
            text.detach()
