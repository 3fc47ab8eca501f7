"""Why a table cannot be read: a stable code with facts, for which every use has its own sentence."""

from typing import Any


class UnreadableSheetError(ValueError):
    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class SheetTooLargeError(UnreadableSheetError):
    """More than any list that people send: `most` is the limit, the code says of what."""


class DamagedSheetError(UnreadableSheetError):
    """What every workbook has is missing or makes no sense."""

    def __init__(self, said: str) -> None:
        super().__init__("workbook_unreadable", said=said[:200])
