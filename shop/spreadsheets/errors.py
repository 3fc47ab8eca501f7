"""Why a table cannot be read: a stable code with facts, and its sentence. A use may have a sentence of its own."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Sentences(NamedTuple):
    en: str
    ru: str


class UnreadableSheetError(ValueError):
    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code].en.format(**self.facts)


class SheetTooLargeError(UnreadableSheetError):
    """More than any list that people send: `most` is the limit, the code says of what."""


class DamagedSheetError(UnreadableSheetError):
    """What every workbook has is missing or makes no sense."""

    def __init__(self, said: str) -> None:
        super().__init__("workbook_unreadable", said=said[:200])


SENTENCES: Mapping[str, Sentences] = {
    "too_large_unpacked": Sentences(
        "Unpacked, the file is larger than {mib} MiB.",
        "В распакованном виде файл больше {mib} МиБ.",
    ),
    "packed_too_tightly": Sentences(
        "Unpacked, the file is more than {times} times as large: no list is. Send it unpacked.",
        "В распакованном виде файл больше в {times} с лишним раз: таких списков не бывает. Отправьте его несжатым.",
    ),
    "too_many_lines": Sentences(
        "The table has more than {most} lines. Delete the empty ones, or send it in parts.",
        "В таблице больше {most} строк. Удалите пустые или отправьте её частями.",
    ),
    "line_too_long": Sentences(
        "A line is longer than {mib} MiB. Is a quotation mark opened and never closed, or do the line ends lack?",
        "Строка длиннее {mib} МиБ. Не осталась ли открытой кавычка и не пропали ли концы строк?",
    ),
    "binary_excel": Sentences(
        "The file is a binary workbook (.xlsb). Save it as .xlsx and send it again.",
        "Это двоичная книга Excel (.xlsb). Сохраните её как .xlsx и отправьте снова.",
    ),
    "not_text": Sentences(
        "The file is not text. Send the list as YAML, JSON, CSV, XLSX or YML.",
        "Это не текст. Отправьте список как YAML, JSON, CSV, XLSX или YML.",
    ),
    "unknown_encoding": Sentences(
        "The file's letters cannot be read. Save it as UTF-8 or windows-1251.",
        "Буквы в файле не читаются. Сохраните его в UTF-8 или windows-1251.",
    ),
    "archive": Sentences(
        "The file is a zip archive and no workbook. Send the list itself, packed by gzip at most.",
        "Это архив zip, а не книга Excel. Отправьте сам список; сжать его можно только gzip.",
    ),
    "workbook_damaged": Sentences(
        "The workbook is damaged or was cut off. Save it again.",
        "Книга Excel повреждена или оборвана. Сохраните её ещё раз.",
    ),
    "workbook_unreadable": Sentences(
        "The workbook cannot be read: {said}. Save it again.",
        "Книга Excel не читается ({said}). Сохраните её ещё раз.",
    ),
    "workbook_parts": Sentences(
        "The workbook consists of too many parts.",
        "Книга Excel состоит из слишком многих частей.",
    ),
    "workbook_locked": Sentences(
        "The workbook is protected by a password. Save it without one.",
        "Книга Excel защищена паролем. Сохраните её без пароля.",
    ),
    "sheet_rows": Sentences(
        "The sheet is too large: more than {most} rows. Delete the empty ones.",
        "Лист слишком велик: больше {most} строк. Удалите пустые.",
    ),
    "sheet_columns": Sentences(
        "The sheet is too large: more than {most} columns. Delete the empty ones.",
        "Лист слишком велик: больше {most} столбцов. Удалите пустые.",
    ),
    "sheet_cells": Sentences(
        "The sheet is too large: more than {most} cells. Delete the empty ones.",
        "Лист слишком велик: больше {most} ячеек. Удалите пустые.",
    ),
    "sheet_text": Sentences(
        "The sheet is too large: its cells show more than {most} characters.",
        "Лист слишком велик: в его ячейках больше {most} знаков.",
    ),
    "sheet_long_text": Sentences(
        "The sheet is too large: a cell holds more than {most} characters.",
        "Лист слишком велик: в ячейке больше {most} знаков.",
    ),
    "sheet_texts": Sentences(
        "The workbook is too large: more than {most} different texts.",
        "Книга Excel слишком велика: больше {most} разных текстов.",
    ),
    "sheet_elements": Sentences(
        "The workbook is too large: a part of it has more than {most} elements.",
        "Книга Excel слишком велика: в одной из её частей больше {most} элементов.",
    ),
    "quotation_mark": Sentences(
        "The table cannot be read{line}. Is a quotation mark opened and never closed?",
        "Таблица не читается{line}. Не осталась ли открытой кавычка, не обрывается ли файл?",
    ),
}
