"""What a process remembers for a moment, so as not to compute it again for everybody who asks meanwhile."""

import time
from typing import Self, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(dict[Key, Value]):
    """Forgets all at once: after so many seconds, or when it holds so many."""

    def __init__(self, *, seconds: float, most: int) -> None:
        super().__init__()
        self._seconds, self._most, self._until = seconds, most, 0.0

    def fresh(self) -> Self:
        """The same, without anything that is older than it may be: to be asked for before each look."""
        now = time.monotonic()
        if now >= self._until or len(self) >= self._most:
            self.clear()
            self._until = now + self._seconds
        return self
