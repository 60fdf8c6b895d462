"""What `FsspecStore` asks of a kind of storage: files below a root, each whole or not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from runref.artifacts.reading import OnBytes, Source
from runref.artifacts.remote.store import Sink

CHUNK = 4 << 20
"""Bytes given to a sink at once; what is no larger travels in one request."""

TEMPORARY = "tmp"
"""Folder of files that are renamed when they are whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below the root of a place.

    Attributes:
        path: Below the root, with ``/``.
        size: Bytes.
        modified: Seconds since the epoch by the place's own clock; none where it does not say.
    """

    path: str
    size: int
    modified: float | None


class Place(Protocol):
    """A tree of files in some kind of storage; safe for threads. Paths are below its root.

    Methods raise what the storage's driver raises: `failures.explained` stands around their calls.
    """

    @property
    def shard_digits(self) -> int:
        """How many digits of a digest make a listing of good size: see `below`."""

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; none where there is no such file."""

    def confirm(self) -> None:
        """Raise where the root cannot be there, as in a bucket that does not exist."""

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield the files below a folder, however deep; none where there is no such folder.

        ``sha256/`` followed by `shard_digits` digits is as good as a folder.
        """

    def read(self, path: str, sink: Sink, start: int, size: int | None) -> None:
        """Hand a file's bytes from `start` on to a sink; `size` is that of the whole file."""

    def put(self, path: str, data: bytes) -> None:
        """Write a small file, at once whole; what was there is replaced."""

    def store(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        """Copy a local file, which appears once all of it is there and has this digest.

        Raises:
            ArtifactDamaged: The local file has another digest.
        """

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:
        """Return number and bytes of uploads without a name that were not gone on with since then.

        Those that have one, below `TEMPORARY`, do not count. They are removed, too, on demand.
        """

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""
