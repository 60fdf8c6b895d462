"""Files of a mounted file system: a disk of this machine, NFS or Lustre.

They are used without fsspec, which can neither open a file that must be new, nor lock it, nor tell
when its bytes are on the disk.
"""

# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH116, PTH120
# Paths are str here: for small files, Path objects cost more than reading the files does.

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from runref.artifacts.reading import BUFFER, OnBytes, Source, opened
from runref.artifacts.reflink import clone
from runref.artifacts.remote.objects import check_length
from runref.artifacts.remote.partial import Partials
from runref.artifacts.remote.place import Entry
from runref.artifacts.remote.store import Sink


class Disk:
    """A folder that this machine's operating system reaches.

    Folders and files get the permissions of the root, whatever the umask: a root that a group may
    write to (best with the setgid bit) is one that all of them can push to.

    Args:
        root: An absolute path. It is created where it is missing, but the folder above is not: a
            file system that is not mounted must not be written to the disk below.
    """

    shard_digits = 2

    def __init__(self, root: str) -> None:
        self._root = root
        self._partials = Partials(self)

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; see `Place.size`."""
        try:
            return os.stat(self._at(path)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def confirm(self) -> None:
        """Do nothing: a root that is missing holds nothing yet."""

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield the files below a folder; see `Place.below`."""
        try:
            with os.scandir(self._at(folder)) as entries:
                found = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return
        for each in found:
            path = f"{folder}/{each.name}"
            if each.is_dir(follow_symlinks=False):
                yield from self.below(path)
                continue
            with suppress(FileNotFoundError):  # removed since the folder was listed
                status = each.stat()
                yield Entry(path, status.st_size, status.st_mtime)

    def read(self, path: str, sink: Sink, start: int, size: int | None) -> None:
        """Hand a file's bytes to a sink; see `Place.read`."""
        descriptor = os.open(self._at(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            position = os.lseek(descriptor, start, os.SEEK_SET)
            while chunk := os.read(descriptor, BUFFER):
                sink(chunk)
                position += len(chunk)
        finally:
            os.close(descriptor)
        check_length(self._at(path), position, size or 0)

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
        for path in paths:
            self.discard(path)

    def create(self, name: str) -> _Growing:
        """Open a new file; see `Tree.create`."""
        path = self._at(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return _Growing(path, os.open(path, flags, 0o600))
        except FileNotFoundError:
            self._make_folder(os.path.dirname(path))
            return _Growing(path, os.open(path, flags, 0o600))

    def resume(self, name: str, source: Source) -> _Growing | None:
        """Open a file, new or begun earlier, that no living process has; see `Tree.resume`."""
        del source
        path = self._at(name)
        self._make_folder(os.path.dirname(path))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if not _claimed(path, descriptor):
            os.close(descriptor)
            return None
        return _Growing(path, descriptor)

    def publish(self, name: str, path: str) -> None:
        """Rename a complete file; see `Tree.publish`."""
        partial, target = self._at(name), self._at(path)
        folder = os.path.dirname(target)
        os.chmod(partial, os.stat(self._root).st_mode & 0o444)
        try:
            os.rename(partial, target)
        except FileNotFoundError:
            self._make_folder(folder)
            os.rename(partial, target)
        _sync_folder(folder)

    def discard(self, name: str) -> None:
        """Remove a file; see `Tree.discard`."""
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(self._at(name))

    def _make_folder(self, path: str) -> None:
        if os.path.isdir(path):  # noqa: PTH112
            return
        if path != self._root:
            self._make_folder(os.path.dirname(path))
        try:
            os.mkdir(path)
        except FileExistsError:
            return
        if path != self._root:
            os.chmod(path, os.stat(self._root).st_mode & 0o7777)
        _sync_folder(os.path.dirname(path))

    def _at(self, path: str) -> str:
        return f"{self._root}{os.sep}{path}"


class _Growing:
    """A file that this process has for itself, with what an earlier one wrote to it."""

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._kept = os.fstat(descriptor).st_size
        self._position = 0

    def take(self, source: Source, on_bytes: OnBytes) -> str:
        """Make its content that of a local file, by sharing its blocks where that is possible."""
        if not self._kept and clone(source.descriptor, self._descriptor):
            # The clone holds still, whatever happens to the original from here on.
            with opened(self._path) as copy:
                return copy.digest(None, on_bytes)
        digest = source.digest(self._continue, on_bytes)
        if self._kept > self._position:
            os.ftruncate(self._descriptor, self._position)
        return digest

    def write(self, data: bytes) -> None:
        """Append bytes to a file that is new."""
        self._append(memoryview(data))

    def finish(self) -> None:
        """Return once its bytes are on the disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of it, and of the lock."""
        os.close(self._descriptor)

    def _continue(self, chunk: memoryview) -> None:
        """Append a chunk, unless it is there already."""
        end = self._position + len(chunk)
        compared = self._kept >= end
        if compared and os.pread(self._descriptor, len(chunk), self._position) == bytes(chunk):
            self._position = end
            return
        if self._kept > self._position:
            # What follows the first difference cannot be trusted either.
            os.ftruncate(self._descriptor, self._position)
            self._kept = self._position
        self._append(chunk)

    def _append(self, chunk: memoryview) -> None:
        while chunk:
            written = os.pwrite(self._descriptor, chunk, self._position)
            self._position += written
            chunk = chunk[written:]


def _claimed(path: str, descriptor: int) -> bool:
    """Lock an open file; false where another process has it, or has published it meanwhile."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # some file systems have no locks: then nothing is continued there
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
