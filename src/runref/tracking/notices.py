"""What went wrong with recording: told once when it happens, and counted for the record."""

from __future__ import annotations

import threading
from collections.abc import Callable

from runref.model.record import Notice


class Notices:
    """Collects the problems of one process's part in a run.

    Args:
        tell: Shows a message to the user; called once for each kind of problem and object.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], Notice] = {}

    def add(self, code: str, message: str, *, about: str = "") -> None:
        """Note a problem; `about` names the object, so that each is told once."""
        key = (code, about)
        with self._lock:
            earlier = self._seen.get(key)
            self._seen[key] = Notice(
                code,
                earlier.message if earlier else message,
                earlier.count + 1 if earlier else 1,
            )
        if earlier is None:
            self._tell(message)

    def all(self) -> tuple[Notice, ...]:
        """Return what was noted so far."""
        with self._lock:
            return tuple(self._seen.values())
