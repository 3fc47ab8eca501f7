"""Why a table cannot be read: a stable code with facts, and its sentence. A use may have a sentence of its own."""

from collections.abc import Mapping
from typing import Any


class UnreadableSheetError(ValueError):
    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code].format(**self.facts)


class SheetTooLargeError(UnreadableSheetError):
    """More than any list that people send: `most` is the limit, the code says of what."""


class DamagedSheetError(UnreadableSheetError):
    """What every workbook has is missing or makes no sense."""

    def __init__(self, said: str) -> None:
        super().__init__("workbook_unreadable", said=said[:200])


SENTENCES: Mapping[str, str] = {
    "too_large_unpacked": "Unpacked, the file is larger than {mib} MiB.",
    "packed_too_tightly": "Unpacked, the file is more than {times} times as large: no list is. Send it unpacked.",
    "too_many_lines": "The table has more than {most} lines. Delete the empty ones, or send it in parts.",
    "line_too_long": (
        "A line is longer than {mib} MiB. Is a quotation mark opened and never closed, or do the line ends lack?"
    ),
    "binary_excel": "The file is a binary workbook (.xlsb). Save it as .xlsx and send it again.",
    "not_text": "The file is not text. Send the list as YAML, JSON, CSV, XLSX or YML.",
    "unknown_encoding": "The file's letters cannot be read. Save it as UTF-8 or windows-1251.",
    "archive": "The file is a zip archive and no workbook. Send the list itself, packed by gzip at most.",
    "workbook_damaged": "The workbook is damaged or was cut off. Save it again.",
    "workbook_unreadable": "The workbook cannot be read: {said}. Save it again.",
    "workbook_parts": "The workbook consists of too many parts.",
    "workbook_locked": "The workbook is protected by a password. Save it without one.",
    "sheet_rows": "The sheet is too large: more than {most} rows. Delete the empty ones.",
    "sheet_columns": "The sheet is too large: more than {most} columns. Delete the empty ones.",
    "sheet_cells": "The sheet is too large: more than {most} cells. Delete the empty ones.",
    "sheet_text": "The sheet is too large: its cells show more than {most} characters.",
    "sheet_long_text": "The sheet is too large: a cell holds more than {most} characters.",
    "sheet_texts": "The workbook is too large: more than {most} different texts.",
    "sheet_elements": "The workbook is too large: a part of it has more than {most} elements.",
    "quotation_mark": "The table cannot be read{line}. Is a quotation mark opened and never closed?",
}
