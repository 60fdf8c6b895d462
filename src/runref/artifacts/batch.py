"""Storing many small files: written one by one, put onto the disk together, named then."""

# ruff: noqa: PTH108
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from types import TracebackType

from runref.artifacts.blobs import Blobs

_FULL = 4096
"""Contents that wait at most: so many are written twice after a kill, and no more."""


class Batch:
    """Small contents that appear under their digests by `publish`, or when the block ends.

    Where the block ends by an error, what still waits is dropped. Used by many threads at once.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._waiting: dict[str, str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.publish()
        else:
            _remove(self._waiting)

    def keep(self, data: bytes) -> str:
        """Take a content, and return its digest.

        Raises:
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest in self._waiting or self._blobs.holds(digest, len(data)):
            return digest
        path = self._blobs.write_unnamed(data)
        with self._lock:
            twice = self._waiting.setdefault(digest, path) != path
            full = len(self._waiting) >= _FULL
        if twice:  # another thread met the same content at the same moment
            os.unlink(path)
        if full:
            self.publish()
        return digest

    def publish(self) -> None:
        """Give everything that waits its name, once it is on the disk."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        try:
            self._blobs.publish_all(waiting)
        finally:
            _remove(waiting)


def _remove(waiting: dict[str, str]) -> None:
    for path in waiting.values():
        with suppress(FileNotFoundError):
            os.unlink(path)
