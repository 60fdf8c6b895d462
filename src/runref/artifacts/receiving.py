"""Receiving content from elsewhere, piece by piece, and going on where a killed process ended.

Large content grows in ``tmp/<hex digest>.partial``, a name that the next attempt finds. Whoever
writes to it holds its lock; whoever does not get the lock begins a file of his own. What an earlier
attempt left is hashed again before anything is added, and the whole is compared with the digest
before it gets its name.
"""

# ruff: noqa: PTH108, PTH116
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from runref.artifacts.artifact import ArtifactDamaged
from runref.artifacts.blobs import Blobs
from runref.artifacts.new_file import NewFile, unusable
from runref.artifacts.reading import BUFFER

PARTIAL = ".partial"


class Receiver(Protocol):
    """Takes the bytes of one content in their order.

    Attributes:
        start: How many bytes an earlier attempt left; the next one to be written has this index.
    """

    start: int

    def write(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            ArtifactDamaged: They are more than the content has.
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """

    def finish(self) -> None:
        """Verify what was written, and let it appear under its digest.

        Raises:
            ArtifactDamaged: It is other content; all of it is dropped.
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """


@contextmanager
def receiving(blobs: Blobs, digest: str, size: int) -> Iterator[Receiver]:
    """Yield the receiver for a content of a known size in bytes."""
    if size < BUFFER:  # not worth going on with: asked for again whole
        yield _Small(blobs, digest, size)
        return
    new = _claim(blobs.temporary(digest.removeprefix("sha256:") + PARTIAL))
    if new is None:
        with blobs.new_file() as own:
            yield _Large(blobs, own, digest, size)
        return
    try:
        yield _Large(blobs, new, digest, size)
    finally:
        os.close(new.descriptor)


class _Small:
    """Content that fits into memory."""

    def __init__(self, blobs: Blobs, digest: str, size: int) -> None:
        self.start = 0
        self._blobs = blobs
        self._digest = digest
        self._size = size
        self._data = bytearray()

    def write(self, chunk: bytes | memoryview) -> None:
        self._data += chunk
        if len(self._data) > self._size:
            raise _other(self._digest)

    def finish(self) -> None:
        data = bytes(self._data)
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != self._digest:
            raise _other(self._digest)
        self._blobs.keep_bytes(data)


class _Large:
    """Content that grows in a file."""

    def __init__(self, blobs: Blobs, new: NewFile, digest: str, size: int) -> None:
        self._blobs = blobs
        self._new = new
        self._digest = digest
        self._size = size
        self._sha256 = hashlib.sha256()
        self._total = self.start = self._resume()

    def write(self, chunk: bytes | memoryview) -> None:
        view = memoryview(chunk)
        if self._total + len(view) > self._size:
            raise self._drop()
        self._new.write(view)
        self._sha256.update(view)
        self._total += len(view)

    def finish(self) -> None:
        if f"sha256:{self._sha256.hexdigest()}" != self._digest:
            raise self._drop()
        try:
            mode = os.fstat(self._new.descriptor).st_mode
            os.fchmod(self._new.descriptor, mode & 0o444)
        except OSError as error:
            raise unusable(self._new.path, error) from error
        self._blobs.publish(self._new, self._digest, self._total)
        if self._new.path:  # somebody else has stored it meanwhile
            self._remove()

    def _resume(self) -> int:
        """Hash what is there, and return how many bytes that is."""
        descriptor = self._new.descriptor
        try:
            if os.fstat(descriptor).st_size > self._size:
                os.ftruncate(descriptor, 0)
            os.utime(descriptor)  # in use again: not swept meanwhile
            buffer = memoryview(bytearray(BUFFER))
            total = 0
            while count := os.readv(descriptor, [buffer]):
                self._sha256.update(buffer[:count])
                total += count
        except OSError as error:
            raise unusable(self._new.path, error) from error
        return total

    def _drop(self) -> ArtifactDamaged:
        self._remove()
        return _other(self._digest)

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._new.path)
        self._new.path = ""


def _claim(path: str) -> NewFile | None:
    """Open the partial file for whoever gets its lock; none where somebody else has it."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except PermissionError:
            return None  # another user's
        except OSError as error:
            raise unusable(path, error) from error
        try:
            # flock, not lockf: it holds against other threads of this process too.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None  # in use, or the file system has no locks
        # Whoever held it before may have given it its digest as a name, or removed it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return NewFile(path, descriptor)
        os.close(descriptor)


def _other(digest: str) -> ArtifactDamaged:
    return ArtifactDamaged(
        f"what was received for {digest} is other content",
        hint="bring it from another remote, or push it there again from where it is whole",
    )
