"""The files of the store: content under its digest, complete or not there at all.

``sha256/ab/cdef…`` is the hex digest split after two digits; ``sha256sum`` of such a file prints
its name. Content is written as a file of ``tmp/`` and renamed when it is whole, so that a killed
process leaves nothing that looks complete, and two writers of one digest replace the same by the
same.

Hard links to the user's file would save the copy, but a link shares its permissions and its bytes
too: either the user's file became read-only, or writing to it would silently rewrite the store.
Hence content is cloned where the file system can (`reflink`), and copied elsewhere.
"""

# ruff: noqa: PTH103, PTH104, PTH108, PTH116, PTH120, PTH123
# Paths are str here: for small files, Path objects cost more than reading the files does.

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing, digest_hex
from runref.artifacts.reading import BUFFER, OnBytes, Source, changed, ignore, opened
from runref.artifacts.reflink import clone
from runref.artifacts.remote.store import Stored
from runref.errors import RunrefError

_ABANDONED = 24 * 3600
"""Seconds after which a temporary file that nobody writes to belongs to no living process."""


_FRESH = 3600
"""Seconds for which a time need not be renewed; far less than the collector's age guard."""

_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{62}")


class StoreFull(RunrefError):
    """The disk or the quota of the artifact store is full."""

    code = "artifact-store-full"


class StoreUnusable(RunrefError):
    """The operating system does not let the artifact store be read or written."""

    code = "artifact-store-unusable"


class Blobs:
    """Content by digest in one directory, used by many threads and processes at once."""

    def __init__(self, directory: Path, *, fsync: bool = True) -> None:
        self._directory = os.fspath(directory)
        self._fsync = fsync
        self._contents = f"{directory}{os.sep}sha256"
        self._temporary = f"{directory}{os.sep}tmp"
        self._unsynced: set[str] = set()

    def path_of(self, digest: str) -> str:
        """Return where the content of a digest is, or would be."""
        digits = digest_hex(digest)
        return f"{self._contents}{os.sep}{digits[:2]}{os.sep}{digits[2:]}"

    def size_of(self, digest: str) -> int | None:
        """Return the stored size of a digest in bytes; none where it is not stored."""
        try:
            return os.stat(self.path_of(digest)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unusable(self.path_of(digest), error) from error

    def holds(self, digest: str, size: int) -> bool:
        """Tell whether a content need not be stored, and keep the collector away from it if so.

        A file of another size is what a power cut made of one that was not synced. One that is old
        might be collected this very moment, unless its time is renewed; where it belongs to another
        user and cannot be, it is to be stored again.
        """
        path = self.path_of(digest)
        try:
            status = os.stat(path)
            if status.st_size != size:
                return False
            if status.st_mtime < time.time() - _FRESH:
                os.utime(path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        except OSError as error:
            if error.errno == errno.EROFS:
                return True
            raise unusable(path, error) from error
        return True

    def open(self, digest: str) -> BinaryIO:
        """Open stored content for reading; the bytes are not verified."""
        try:
            return open(self.path_of(digest), "rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing(digest) from error
        except OSError as error:
            raise unusable(self.path_of(digest), error) from error

    def keep(self, source: Source, on_bytes: OnBytes) -> str:
        """Store the content of a file in one reading, and return its digest.

        Raises:
            ArtifactChanged: The file did not hold still; nothing was stored.
            ArtifactVanished: It went away.
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """
        if source.status.st_size < BUFFER:
            data = source.read_all()
            if len(data) != source.status.st_size:
                raise changed(source.path)
            on_bytes(len(data))
            source.confirm()
            return self.keep_bytes(data)
        with self.new_file() as new:
            if new.clone(source):
                # The clone holds still, whatever happens to the original from here on.
                with opened(new.path) as copy:
                    digest = copy.digest(None, on_bytes)
            else:
                digest = source.digest(new.write, on_bytes)
            source.confirm()
            self.publish(new, digest, source.status.st_size)
        return digest

    def keep_bytes(self, data: bytes) -> str:
        """Store a small content that is in memory, and return its digest."""
        import hashlib

        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not self.holds(digest, len(data)):
            with self.new_file() as new:
                new.write(memoryview(data))
                self.publish(new, digest, len(data))
        return digest

    def verify(self, digest: str, on_bytes: OnBytes = ignore) -> None:
        """Read the content of a digest and compare.

        Raises:
            ArtifactMissing: It is not stored.
            ArtifactDamaged: The bytes are others.
        """
        if self.size_of(digest) is None:
            raise missing(digest)
        path = self.path_of(digest)
        with opened(path) as source:
            if source.digest(None, on_bytes) != digest:
                raise damaged(digest, path)

    def contents(self) -> Iterator[Stored]:
        """Yield everything that is stored, in any order."""
        for folder in _scan(self._contents):
            if not _FOLDER.fullmatch(folder.name):
                continue
            for entry in _scan(folder.path):
                # Network file systems leave names of their own beside what is removed in use.
                if not _NAME.fullmatch(entry.name):
                    continue
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    digest = f"sha256:{folder.name}{entry.name}"
                    yield Stored(digest, status.st_size, status.st_mtime)

    def delete(self, digest: str) -> int:
        """Remove a content, and return the bytes that are free now."""
        path = self.path_of(digest)
        try:
            status = os.stat(path)
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except OSError as error:
            raise unusable(path, error) from error
        return status.st_size if status.st_nlink == 1 else 0

    def set_aside(self, digest: str) -> None:
        """Take damaged content out of the way."""
        path, aside = self.path_of(digest), f"{self._directory}{os.sep}damaged"
        try:
            os.makedirs(aside, exist_ok=True)
            os.rename(path, f"{aside}{os.sep}{digest_hex(digest)}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise unusable(path, error) from error

    def sync(self) -> None:
        """Make the names of what was stored last, as its bytes already do."""
        unsynced, self._unsynced = self._unsynced, set()
        if not self._fsync or not unsynced:
            return
        for directory in (*sorted(unsynced), self._contents, self._directory):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise unusable(directory, error) from error
            finally:
                os.close(descriptor)

    def sweep(self) -> None:
        """Remove what killed processes left behind."""
        limit = time.time() - _ABANDONED
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            os.scandir(self._temporary) as entries,
        ):
            for entry in entries:
                # Another process may sweep too, or own the file; a store may be read-only.
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < limit:
                        os.unlink(entry.path)

    def temporary(self, name: str) -> str:
        """Return the path of a temporary file, which is removed when nobody has written for long.

        Raises:
            StoreUnusable: The folder for such files cannot be made.
        """
        try:
            os.makedirs(self._temporary, exist_ok=True)
        except OSError as error:
            raise unusable(self._temporary, error) from error
        return f"{self._temporary}{os.sep}{name}"

    @contextmanager
    def new_file(self) -> Iterator[NewFile]:
        """Yield a file that has no digest yet; it is removed unless it is published."""
        path = f"{self._temporary}{os.sep}{os.urandom(12).hex()}"
        descriptor = _create(path)
        new = NewFile(path, descriptor)
        try:
            yield new
        finally:
            os.close(descriptor)
            if new.path:
                os.unlink(path)

    def publish(self, new: NewFile, digest: str, size: int) -> None:
        """Give a new file its name, unless its content is stored already."""
        if self.holds(digest, size):
            return
        target = self.path_of(digest)
        folder = os.path.dirname(target)
        try:
            if self._fsync:
                os.fsync(new.descriptor)
            _rename(new.path, target, folder)
        except OSError as error:
            raise unusable(target, error) from error
        new.path = ""
        self._unsynced.add(folder)


class NewFile:
    """A file of the store that has no digest yet; its path is empty once it has one."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def write(self, chunk: memoryview) -> None:
        """Append bytes."""
        try:
            while chunk:
                chunk = chunk[os.write(self.descriptor, chunk) :]
        except OSError as error:
            raise unusable(self.path, error) from error

    def clone(self, source: Source) -> bool:
        """Share all blocks with a source where the file system can; say whether it did."""
        try:
            return clone(source.descriptor, self.descriptor)
        except OSError as error:
            raise unusable(self.path, error) from error


def missing(digest: str) -> ArtifactMissing:
    """Return the error for content that the store does not hold."""
    return ArtifactMissing(
        f"{digest} is not in the artifact store",
        hint="it was recorded without its content, or was made on another machine",
    )


def damaged(digest: str, path: str) -> ArtifactDamaged:
    """Return the error for content that is not what its name says."""
    return ArtifactDamaged(
        f"{path} does not have the digest {digest}",
        hint="a disk or a program changed it: remove it and bring the content back from elsewhere",
    )


def _create(path: str) -> int:
    # Read-only from the start; the descriptor may write all the same.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        try:
            return os.open(path, flags, 0o444)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return os.open(path, flags, 0o444)
    except OSError as error:
        raise unusable(path, error) from error


def _scan(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise unusable(folder, error) from error


def _rename(path: str, target: str, folder: str) -> None:
    try:
        os.rename(path, target)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        os.rename(path, target)


def unusable(path: str, error: OSError) -> RunrefError:
    """Return the error for what the operating system said about a file of the store."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"no room to store {path}: {error.strerror}",
            hint="free space on that disk, or record large files without storing them",
        )
    return StoreUnusable(
        f"{path} cannot be used: {error.strerror}",
        hint="check the permissions of the artifact store and its disk",
    )
