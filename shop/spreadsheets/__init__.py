"""Tables from strangers, XLSX and text with separators: read as a stream of lines, within limits that each use states.

A Line is the cells of one row, from the first column on: text, and in workbooks numbers, points in time, yes or no.
"""

from shop.spreadsheets.archives import is_zip
from shop.spreadsheets.errors import DamagedSheetError, SheetTooLargeError, UnreadableSheetError
from shop.spreadsheets.limits import Limits
from shop.spreadsheets.lines import CutLine, Line, cell_text, is_blank, is_cut_value, last_filled
from shop.spreadsheets.text_tables import DELIMITERS, TextTable
from shop.spreadsheets.workbooks import Sheet, Workbook

__all__ = [
    "DELIMITERS",
    "CutLine",
    "DamagedSheetError",
    "Limits",
    "Line",
    "Sheet",
    "SheetTooLargeError",
    "TextTable",
    "UnreadableSheetError",
    "Workbook",
    "cell_text",
    "is_blank",
    "is_cut_value",
    "is_zip",
    "last_filled",
]
