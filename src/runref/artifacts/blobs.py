"""The files of the store: content under its digest, complete or not there at all.

``sha256/ab/cdef…`` is the hex digest split after two digits; ``sha256sum`` of such a file prints
its name. Content is written as a file of ``tmp/`` and renamed when it is whole, so that a killed
process leaves nothing that looks complete, and two writers of one digest replace the same by the
same.
"""

# ruff: noqa: PTH104, PTH108, PTH110, PTH116, PTH120, PTH123
# Paths are str here: for small files, Path objects cost more than reading the files does.

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing, digest_hex
from runref.artifacts.flushing import sync_file_system
from runref.artifacts.folders import make_folder
from runref.artifacts.leftovers import sweep
from runref.artifacts.listing import contents_of
from runref.artifacts.new_file import NewFile, create, unusable
from runref.artifacts.open_file import link_open_file
from runref.artifacts.reading import OnBytes, ignore, opened
from runref.artifacts.remote.store import Stored
from runref.git.files import link_aside

DAMAGED = "damaged"
"""Folder of the store for damaged content that was taken out of the way."""

FRESH = 3600
"""Seconds for which a time need not be renewed; far less than the collector's age guard."""
_MANY = 16
"""Files from which syncing their whole file system is quicker than syncing each."""


class Blobs:
    """Content by digest in one directory, used by many threads and processes at once."""

    def __init__(self, directory: Path, *, fsync: bool = True) -> None:
        self._directory = os.fspath(directory)
        self.fsync = fsync
        self._contents = f"{directory}{os.sep}sha256"
        self._temporary = f"{directory}{os.sep}tmp"
        self._unsynced: set[str] = set()
        self._prefix = os.urandom(8).hex()
        self._numbers = count()

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
            if status.st_mtime < time.time() - FRESH:
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

    def keep_bytes(self, data: bytes) -> str:
        """Store a small content that is in memory, and return its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not self.holds(digest, len(data)):
            with self.new_file() as new:
                new.write(data)
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
        """Return everything that is stored, in any order."""
        return contents_of(self._contents)

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
        path, aside = self.path_of(digest), f"{self._directory}{os.sep}{DAMAGED}"
        try:
            make_folder(aside)
            os.rename(path, f"{aside}{os.sep}{digest_hex(digest)}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise unusable(path, error) from error

    def supersede(self, digest: str, source: str) -> None:
        """Put a file in the place of a content, which keeps another name where there is one."""
        path, aside = self.path_of(digest), f"{self._directory}{os.sep}{DAMAGED}"
        try:
            if os.path.exists(path):
                make_folder(aside)
                link_aside(path, aside, digest_hex(digest))
        except OSError as error:
            raise unusable(path, error) from error
        self._name(source, digest)

    def write_unnamed(self, data: bytes) -> str:
        """Write a small content to a file that has no digest yet, and return its path."""
        new = create(self._unnamed())
        try:
            try:
                new.write(data)
            finally:
                new.close()
        except BaseException:
            os.unlink(new.path)
            raise
        return new.path

    def publish_all(self, waiting: dict[str, str]) -> None:
        """Give new files, by digest, their names; what has its name leaves `waiting`.

        Raises:
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """
        # No name before the bytes are on the disk, where a power cut could leave it empty.
        self._sync_all(list(waiting.values()))
        for digest, path in list(waiting.items()):
            self._name(path, digest)
            del waiting[digest]

    def is_on_disk(self, device: int) -> bool:
        """Tell whether the store is on the file system with this ``st_dev``."""
        try:
            make_folder(self._contents)
            return os.stat(self._contents).st_dev == device
        except OSError as error:
            raise unusable(self._contents, error) from error

    def publish_link(self, descriptor: int, digest: str, size: int) -> bool:
        """Make a digest a further name of an open file; false where it is stored already."""
        if self.holds(digest, size):
            return False
        target = self.path_of(digest)
        folder = os.path.dirname(target)
        try:
            if self.fsync:
                os.fsync(descriptor)
            make_folder(folder)
            made = link_open_file(descriptor, target)
        except OSError as error:
            raise unusable(target, error) from error
        self._unsynced.add(folder)
        return made

    def room(self) -> int:
        """Return how many bytes are free on the disk of the store."""
        try:
            make_folder(self._directory)
            status = os.statvfs(self._directory)
        except OSError as error:
            raise unusable(self._directory, error) from error
        return status.f_bavail * status.f_frsize

    def sync(self) -> None:
        """Make the names of what was stored last, as its bytes already do."""
        unsynced, self._unsynced = self._unsynced, set()
        if unsynced:
            self._sync_all([*sorted(unsynced), self._contents, self._directory])

    def sweep(self) -> None:
        """Remove what killed processes left behind."""
        sweep(self._temporary)

    def temporary(self, name: str) -> str:
        """Return the path of a temporary file, which is removed when nobody has written for long.

        Raises:
            StoreUnusable: The folder for such files cannot be made.
        """
        try:
            make_folder(self._temporary)
        except OSError as error:
            raise unusable(self._temporary, error) from error
        return f"{self._temporary}{os.sep}{name}"

    @contextmanager
    def new_file(self) -> Iterator[NewFile]:
        """Yield a file that has no digest yet; it is removed unless it is published."""
        path = self._unnamed()
        new = create(path)
        try:
            yield new
        finally:
            os.close(new.descriptor)
            if new.path:
                os.unlink(path)

    def publish(self, new: NewFile, digest: str, size: int) -> None:
        """Give a new file its name, unless its content is stored already."""
        if self.holds(digest, size):
            return
        if self.fsync:
            try:
                os.fsync(new.descriptor)
            except OSError as error:
                raise unusable(new.path, error) from error
        self._name(new.path, digest)
        new.path = ""

    def _unnamed(self) -> str:
        # The process's number keeps children apart that were forked with the same count.
        return f"{self._temporary}{os.sep}{self._prefix}-{os.getpid()}-{next(self._numbers)}"

    def _name(self, path: str, digest: str) -> None:
        target = self.path_of(digest)
        folder = os.path.dirname(target)
        try:
            _rename(path, target, folder)
        except OSError as error:
            raise unusable(target, error) from error
        self._unsynced.add(folder)

    def _sync_all(self, paths: list[str]) -> None:
        """Wait until files or folders are on the disk: one by one where they are few."""
        if not self.fsync:
            return
        at = self._directory
        try:
            if len(paths) >= _MANY and sync_file_system(at):
                return
            for at in paths:
                _fsync(at)
        except OSError as error:
            raise unusable(at, error) from error


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


def _fsync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(path: str, target: str, folder: str) -> None:
    try:
        os.rename(path, target)
    except FileNotFoundError:
        make_folder(folder)
        os.rename(path, target)
