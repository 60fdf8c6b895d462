"""What went wrong with recording: told once when it happens, and counted for the record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from runref.model.record import Notice


class Notices:
    """Collects the problems of one process's part in a run.

    Args:
        tell: Shows a message to the user; called once for each kind of problem and object.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.RLock()  # a signal handler may log, too
        self._seen: dict[tuple[str, str], Notice] = {}

    def add(self, code: str, message: str, *, about: str = "") -> None:
        """Note a problem; `about` names the object, so that each is told once."""
        key = (code, about)
        with self._lock:
            earlier = self._seen.get(key)
            known = earlier or Notice(code, message, 0)
            self._seen[key] = replace(known, count=known.count + 1)
        if earlier is None:
            self._tell(message)

    def all(self) -> tuple[Notice, ...]:
        """Return what happened in this process."""
        with self._lock:
            return tuple(notice for notice in self._seen.values() if notice.count)

    def for_child(self) -> Notices:
        """Return the notices of a forked child: what was told stays told, nothing has happened."""
        child = Notices(self._tell)
        child._seen = {key: replace(notice, count=0) for key, notice in self._seen.items()}
        return child
