"""What a transfer does about errors: which end it, and which are only named."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from runref.artifacts.remote.store import (
    RemoteAbsent,
    RemoteFull,
    RemoteRefused,
    RemoteUnreachable,
    RemoteUnusable,
)
from runref.errors import RunrefError

REMOTE_ERRORS = (RemoteAbsent, RemoteFull, RemoteRefused, RemoteUnreachable, RemoteUnusable)
"""What a remote can answer instead of doing what was asked."""

_IN_A_ROW = 3
"""So many contents in a row that a remote did not answer for, each asked for again and again, are
no accident: the others would take as long, and fail."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A content that could not be moved, where others could.

    Attributes:
        digest: The content.
        error: What happened; its hint says what to do.
    """

    digest: str
    error: RunrefError


class Patience:
    """Counts the contents in a row that a remote did not answer for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = 0

    def renew(self) -> None:
        """Take notice that the remote answers."""
        with self._lock:
            self._lost = 0

    def lose(self, error: RemoteUnreachable) -> None:
        """Take notice that it did not; raises the error once it is one too many."""
        with self._lock:
            self._lost += 1
            if self._lost == _IN_A_ROW:
                raise error
