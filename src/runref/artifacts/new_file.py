"""A file of the store before it has a digest, and what the operating system may say of it."""

# ruff: noqa: PTH120
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import errno
import os

from runref.artifacts.folders import make_folder
from runref.artifacts.reading import Source
from runref.artifacts.reflink import clone
from runref.errors import RunrefError


class StoreFull(RunrefError):
    """The disk or the quota of the artifact store is full."""

    code = "artifact-store-full"


class StoreUnusable(RunrefError):
    """The operating system does not let the artifact store be read or written."""

    code = "artifact-store-unusable"


class NewFile:
    """A file of the store that has no digest yet; its path is empty once it has one."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes."""
        try:
            written = os.write(self.descriptor, chunk)
            while written < len(chunk):
                written += os.write(self.descriptor, memoryview(chunk)[written:])
        except OSError as error:
            raise unusable(self.path, error) from error

    def clone(self, source: Source) -> bool:
        """Share all blocks with a source where the file system can; say whether it did."""
        try:
            return clone(source.descriptor, self.descriptor)
        except OSError as error:
            raise unusable(self.path, error) from error

    def close(self) -> None:
        """Close it; a network file system may tell only now that its disk is full."""
        try:
            os.close(self.descriptor)
        except OSError as error:
            raise unusable(self.path, error) from error


def create(path: str) -> NewFile:
    """Create a file that has no digest yet.

    Raises:
        StoreFull: There is no room.
        StoreUnusable: The operating system refuses.
    """
    # Read-only from the start; the descriptor may write all the same.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        try:
            return NewFile(path, os.open(path, flags, 0o444))
        except FileNotFoundError:
            make_folder(os.path.dirname(path))
            return NewFile(path, os.open(path, flags, 0o444))
    except OSError as error:
        raise unusable(path, error) from error


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
