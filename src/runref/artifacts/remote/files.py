"""Files of any file system that fsspec has a driver for, such as SMB, HDFS or WebDAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from runref.artifacts.reading import OnBytes, Source
from runref.artifacts.remote import threads
from runref.artifacts.remote.objects import check_length, modified
from runref.artifacts.remote.partial import Growing, Partials
from runref.artifacts.remote.place import CHUNK, Entry
from runref.artifacts.remote.store import Sink


class Files:
    """A folder of a file system behind fsspec, whose files are renamed when they are complete.

    An upload that was cut off begins anew: drivers agree neither on appending nor on locks.

    Args:
        fs: fsspec's file system, which remembers no listings.
        root: Path there, without a slash at its end. It is created where it is missing, but the
            folder above is not.
    """

    shard_digits = 2

    def __init__(self, fs: Any, root: str) -> None:
        self.fs = fs
        self.root = root
        self._partials = Partials(self)

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; see `Place.size`."""
        try:
            info = self.fs.info(self.at(path))
        except FileNotFoundError:
            return None
        return int(info["size"]) if info["type"] == "file" else None

    def confirm(self) -> None:
        """Do nothing: a root that is missing holds nothing yet."""

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield the files below a folder; see `Place.below`."""
        try:
            found = self.fs.ls(self.at(folder), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        for info in found:
            path = f"{folder}/{info['name'].rstrip('/').rpartition('/')[2]}"
            if info["type"] == "directory":
                yield from self.below(path)
            elif info["type"] == "file":
                yield Entry(path, int(info["size"]), modified(info))

    def read(self, path: str, sink: Sink, start: int, size: int | None) -> None:
        """Hand a file's bytes to a sink; see `Place.read`."""
        position = start
        with self.fs.open(self.at(path), "rb") as file:
            file.seek(start)
            while chunk := file.read(CHUNK):
                sink(chunk)
                position += len(chunk)
        check_length(self.at(path), position, size or 0)

    def put(self, path: str, data: bytes) -> None:
        """Write a small file; see `Place.put`."""
        self._partials.put(path, data)

    def store(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        """Copy a local file; see `Place.store`."""
        self._partials.store(path, source, digest, on_bytes)

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:  # noqa: ARG002
        """Return that there are no uploads without a name; see `Place.unfinished`."""
        return 0, 0

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files; see `Place.remove`."""
        for _done in threads.each(self.discard, paths):
            pass

    def create(self, name: str) -> Growing:
        """Open a new file; see `Tree.create`. Its name is random, so it is not asked for twice."""
        path = self.at(name)
        try:
            return _Growing(self.fs.open(path, "wb"))
        except FileNotFoundError:
            self.make_folder(path.rpartition("/")[0])
            return _Growing(self.fs.open(path, "wb"))

    def resume(self, name: str, source: Source) -> Growing | None:
        """Return none: nothing is continued; see `Tree.resume`."""
        del name, source
        return None

    def publish(self, name: str, path: str) -> None:
        """Rename a complete file; see `Tree.publish`."""
        partial, target = self.at(name), self.at(path)
        self.make_folder(target.rpartition("/")[0])
        try:
            self.fs.mv(partial, target)
        except OSError:
            # Some do not rename onto a file that exists.
            if self.size(path) is None:
                raise
            if self.size(path) == self.size(name):
                self.discard(name)
                return
            self.discard(path)
            self.fs.mv(partial, target)

    def discard(self, name: str) -> None:
        """Remove a file; see `Tree.discard`."""
        with suppress(FileNotFoundError):
            self.fs.rm_file(self.at(name))

    def make_folder(self, path: str) -> None:
        """Create a folder where it is missing, and those above it down from the root."""
        if self.fs.isdir(path):
            return
        if path != self.root:
            self.make_folder(path.rpartition("/")[0])
        try:
            self.fs.mkdir(path, create_parents=False)
        except OSError:
            if not self.fs.isdir(path):
                raise

    def at(self, path: str) -> str:
        """Return the path of a file in the file system."""
        return f"{self.root}/{path}"


class _Growing:
    """A new file behind fsspec."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def take(self, source: Source, on_bytes: OnBytes) -> str:
        """Write a local file's content, and return its digest."""
        return source.digest(self._file.write, on_bytes)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._file.write(data)

    def finish(self) -> None:
        """Send what is left."""
        self._file.close()

    def close(self) -> None:
        """Close it, where an error left it open."""
        self._file.close()
