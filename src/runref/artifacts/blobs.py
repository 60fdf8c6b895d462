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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing, digest_hex
from runref.artifacts.reading import BUFFER, OnBytes, Source, changed, ignore, opened
from runref.artifacts.reflink import clone
from runref.errors import RunrefError

_ABANDONED = 24 * 3600
"""Seconds after which a temporary file that nobody writes to belongs to no living process."""


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
            raise _unusable(self.path_of(digest), error) from error

    def open(self, digest: str) -> BinaryIO:
        """Open stored content for reading; the bytes are not verified."""
        try:
            return open(self.path_of(digest), "rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing(digest) from error
        except OSError as error:
            raise _unusable(self.path_of(digest), error) from error

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
        with self._new_file() as new:
            if new.clone(source):
                # The clone holds still, whatever happens to the original from here on.
                with opened(new.path) as copy:
                    digest = copy.digest(None, on_bytes)
            else:
                digest = source.digest(new.write, on_bytes)
            source.confirm()
            self._publish(new, digest, source.status.st_size)
        return digest

    def keep_bytes(self, data: bytes) -> str:
        """Store a small content that is in memory, and return its digest."""
        import hashlib

        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if self.size_of(digest) != len(data):
            with self._new_file() as new:
                new.write(memoryview(data))
                self._publish(new, digest, len(data))
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
                raise _unusable(directory, error) from error
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

    @contextmanager
    def _new_file(self) -> Iterator[_NewFile]:
        path = f"{self._temporary}{os.sep}{os.urandom(12).hex()}"
        descriptor = _create(path)
        new = _NewFile(path, descriptor)
        try:
            yield new
        finally:
            os.close(descriptor)
            if new.path:
                os.unlink(path)

    def _publish(self, new: _NewFile, digest: str, size: int) -> None:
        """Give a new file its name, unless its content is stored already."""
        # A file of another size is what a power cut made of one that was not synced: replaced.
        if self.size_of(digest) == size:
            return
        target = self.path_of(digest)
        folder = os.path.dirname(target)
        try:
            if self._fsync:
                os.fsync(new.descriptor)
            _rename(new.path, target, folder)
        except OSError as error:
            raise _unusable(target, error) from error
        new.path = ""
        self._unsynced.add(folder)


class _NewFile:
    """A file of the store that has no digest yet; its path is empty once it has one."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def write(self, chunk: memoryview) -> None:
        try:
            while chunk:
                chunk = chunk[os.write(self.descriptor, chunk) :]
        except OSError as error:
            raise _unusable(self.path, error) from error

    def clone(self, source: Source) -> bool:
        try:
            return clone(source.descriptor, self.descriptor)
        except OSError as error:
            raise _unusable(self.path, error) from error


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
        raise _unusable(path, error) from error


def _rename(path: str, target: str, folder: str) -> None:
    try:
        os.rename(path, target)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        os.rename(path, target)


def _unusable(path: str, error: OSError) -> RunrefError:
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
