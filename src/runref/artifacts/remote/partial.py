"""Files that appear whole where they are visible while they grow: under another name at first.

A content is written as ``tmp/<digest>-<who>`` and renamed when all of it is there and verified.
Where a large one is left unfinished by a process that was killed, the next push of the same file
from the same machine goes on with it: what is there is read back and compared with the file, so
that a torn or damaged end is noticed, and what agrees is not sent again.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Protocol

from runref.artifacts.blobs import damaged
from runref.artifacts.reading import OnBytes, Source
from runref.artifacts.remote.objects import SMALL, CutShort, verified
from runref.artifacts.remote.place import TEMPORARY, Entry
from runref.artifacts.remote.room import IN_FLIGHT

RESUMED = 64 << 20
"""Bytes from which an upload is continued: below, to begin anew costs less than to look."""

_ABANDONED = 7 * 24 * 3600
"""Seconds after which a partial file belongs to nobody; clocks may differ by hours."""


class Growing(Protocol):
    """A file under a temporary name, which this process has for itself until it is closed."""

    def take(self, source: Source, on_bytes: OnBytes) -> str:
        """Make its content that of a local file, and return the digest of what was written."""

    def write(self, data: bytes) -> None:
        """Append bytes to a file that is new."""

    def finish(self) -> None:
        """Return once its bytes are safe; nothing is written to it any more."""

    def close(self) -> None:
        """Let go of it, finished or not."""


class Tree(Protocol):
    """Files that are renamed; what `Partials` needs of a place."""

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; none where there is no such file."""

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield the files below a folder; none where there is no such folder."""

    def create(self, name: str) -> Growing:
        """Open a new file; an error where there is one."""

    def resume(self, name: str, source: Source) -> Growing | None:
        """Open a file, new or begun earlier; none where a living process may be writing it."""

    def publish(self, name: str, path: str) -> None:
        """Rename a complete file; it takes the place of what was there."""

    def discard(self, name: str) -> None:
        """Remove a file; it is no error where there is none."""


class Partials:
    """Writes files of a tree such that no unfinished one has a name that says otherwise."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._swept = False
        self._sweeping = threading.Lock()

    def put(self, path: str, data: bytes) -> None:
        """Write a small file; see `Place.put`."""
        name = f"{TEMPORARY}/{os.urandom(12).hex()}"
        with self._removed_on_error(name), closing(self._tree.create(name)) as growing:
            growing.write(data)
            self._publish(growing, name, path, len(data))

    def store(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        """Copy a local file; see `Place.store`."""
        self._sweep()
        size = source.status.st_size
        if self._tree.size(path) == size:
            on_bytes(size)
        elif size <= SMALL:
            with IN_FLIGHT.taken(size):
                self.put(path, verified(source, digest))
            on_bytes(size)
        else:
            self._store_large(path, source, digest, on_bytes)

    def _store_large(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        digits = digest.removeprefix("sha256:")
        name = f"{TEMPORARY}/{digits}-{_client(source)}"
        resumed = None
        if source.status.st_size >= RESUMED:
            resumed = self._tree.resume(name, source)
        if resumed is not None:
            with closing(resumed):
                self._fill(resumed, name, source, digest, on_bytes)
                self._publish(resumed, name, path, source.status.st_size)
            return
        name = f"{TEMPORARY}/{digits}-{os.urandom(8).hex()}"
        with self._removed_on_error(name), closing(self._tree.create(name)) as growing:
            self._fill(growing, name, source, digest, on_bytes)
            self._publish(growing, name, path, source.status.st_size)

    def _fill(
        self, growing: Growing, name: str, source: Source, digest: str, on_bytes: OnBytes
    ) -> None:
        found = growing.take(source, on_bytes)
        source.confirm()
        if found != digest:
            self._tree.discard(name)
            raise damaged(digest, source.path)

    def _publish(self, growing: Growing, name: str, path: str, size: int) -> None:
        """Rename a file while it is still this process's: whoever has it next may write to it."""
        growing.finish()
        written = self._tree.size(name)
        if written != size:
            self._tree.discard(name)
            raise CutShort(f"{name} has {written} of {size} bytes after it was written")
        self._tree.publish(name, path)

    @contextmanager
    def _removed_on_error(self, name: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._tree.discard(name)
            raise

    def _sweep(self) -> None:
        """Remove what processes left behind that were killed long ago."""
        with self._sweeping:
            if self._swept:
                return
            limit = time.time() - _ABANDONED
            for entry in self._tree.below(TEMPORARY):
                if entry.modified is not None and entry.modified < limit:
                    with suppress(PermissionError):  # somebody else's, who sweeps as well
                        self._tree.discard(entry.path)
            self._swept = True


def _client(source: Source) -> str:
    """Return what tells this user's uploads of this very file from all others'."""
    who = (socket.gethostname(), os.getuid(), os.path.abspath(source.path), source.status.st_ino)  # noqa: PTH100
    return hashlib.sha256(repr(who).encode()).hexdigest()[:16]
