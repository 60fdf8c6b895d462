"""Files of an object store: what is put appears at once and whole, and nothing is renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from runref.artifacts.blobs import damaged
from runref.artifacts.reading import OnBytes, Source, changed
from runref.artifacts.remote import threads
from runref.artifacts.remote.place import CHUNK, Entry
from runref.artifacts.remote.room import IN_FLIGHT
from runref.artifacts.remote.store import Sink

SMALL = 8 << 20
"""Bytes up to which a file is read into memory, verified there, and put in one request."""

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
"""What fsspec's drivers call the time at which a file was written; the truest first."""


class CutShort(EOFError):
    """A file ended before its size; `failures.explained` makes it a `RemoteInterrupted`."""


class Objects:
    """A folder of any object store that fsspec has a driver for.

    Args:
        fs: fsspec's file system, which remembers no listings.
        root: Path there, without a slash at its end.
    """

    shard_digits = 2

    def __init__(self, fs: Any, root: str) -> None:
        self.fs = fs
        self.root = root

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; see `Place.size`."""
        try:
            info = self.fs.info(self._at(path))
        except FileNotFoundError:
            return None
        return int(info["size"]) if info["type"] == "file" else None

    def confirm(self) -> None:
        """Do nothing: drivers say in ways of their own, or not at all, that a bucket is absent."""

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield the files below a folder; see `Place.below`."""
        for path, info in self.fs.find(self._at(folder), detail=True).items():
            if info["type"] == "file" and len(path) > len(self.root):
                yield Entry(path[len(self.root) + 1 :], int(info["size"]), modified(info))

    def read(self, path: str, sink: Sink, start: int, size: int | None) -> None:
        """Hand a file's bytes to a sink; see `Place.read`."""
        if size is None:
            size = self._size_for_sure(path)
        if size - start > CHUNK:
            from runref.artifacts.remote import ranged

            ranged.read(self.fs, self._at(path), sink, start, size)
        else:
            self._read_whole(path, sink, start, size)

    def put(self, path: str, data: bytes) -> None:
        """Write a small file; see `Place.put`."""
        self.fs.pipe_file(self._at(path), data)

    def store(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        """Copy a local file; see `Place.store`.

        A small one is put without asking whether it is there: that would be a second request, and
        the same bytes take the place of the same.
        """
        size = source.status.st_size
        if size <= SMALL:
            with IN_FLIGHT.taken(size):
                self.put(path, verified(source, digest))
            on_bytes(size)
        elif self.size(path) == size:
            on_bytes(size)
        else:
            self._store_large(path, source, digest, on_bytes)

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:  # noqa: ARG002
        """Return that there are no uploads without a name; see `Place.unfinished`."""
        return 0, 0

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files; see `Place.remove`."""
        for _done in threads.each(self._remove_one, paths):
            pass

    def _store_large(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        # Drivers keep back the last piece until the file is closed, and only then is there an
        # object. Without autocommit it takes a word more, where drivers know of that.
        file = self.fs.open(self._at(path), "wb", autocommit=False)
        try:
            found = source.digest(file.write, on_bytes)
            source.confirm()
            if found != digest:
                raise damaged(digest, source.path)
        except BaseException:
            file.discard()
            file.closed = True  # or it would be closed, and there, when it is collected
            raise
        file.close()
        file.commit()

    def _read_whole(self, path: str, sink: Sink, start: int, size: int) -> None:
        if start >= size:
            return
        with IN_FLIGHT.taken(size - start):
            data = self.fs.cat_file(self._at(path), start=start or None)
            check_length(self._at(path), start + len(data), size)
            sink(data)

    def _size_for_sure(self, path: str) -> int:
        size = self.size(path)
        if size is None:
            raise FileNotFoundError(self._at(path))
        return size

    def _remove_one(self, path: str) -> None:
        try:
            self.fs.rm_file(self._at(path))
        except FileNotFoundError:
            return

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}"


class Memory(Objects):
    """fsspec's memory, for tests and examples: its open files can be seen while they grow."""

    def _store_large(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        self.put(path, verified(source, digest))
        on_bytes(source.status.st_size)


def verified(source: Source, digest: str) -> bytes:
    """Return the content of a small file.

    Raises:
        ArtifactChanged: It was written to meanwhile.
        ArtifactDamaged: It has another digest.
    """
    data = source.read_all()
    if len(data) > source.status.st_size:
        raise changed(source.path)
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise damaged(digest, source.path)
    return data


def check_length(path: str, end: int, size: int) -> None:
    """Raise the error of a body that was cut short, where it was."""
    if end < size:
        raise CutShort(f"{path} ended after {end} of {size} bytes")


def modified(info: dict[str, Any]) -> float | None:
    """Return when a file was written by what fsspec tells of it, in seconds since the epoch."""
    value = next((info[name] for name in _TIMES if info.get(name)), None)
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) else None


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
