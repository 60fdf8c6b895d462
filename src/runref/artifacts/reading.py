"""Reading a file whole, once, and noticing when it does not hold still."""

# ruff: noqa: PTH116
# Paths are str here: for small files, Path objects cost more than reading the files does.

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runref.errors import RunrefError

BUFFER = 1 << 20
"""Bytes per read: large enough that a thread releases the GIL for long, small enough for the L2
cache, so that a chunk is still warm when it is written after it was hashed."""

_TICK = 100_000_000
"""Nanoseconds in which two writes may leave equal times: well over the kernel's 1 to 10 ms."""
_COARSE_TICK = 2_000_000_000
"""The same where times are whole seconds, or, as on FAT, two of them."""

OnBytes = Callable[[int], None]
"""Told the number of bytes that were dealt with since the last call."""


class ArtifactVanished(RunrefError):
    """A file is not there, or went away while it was read."""

    code = "artifact-vanished"


class ArtifactChanged(RunrefError):
    """A file was written to while it was read, so that no digest is true of it."""

    code = "artifact-changed"


class ArtifactUnreadable(RunrefError):
    """The operating system does not let a file be read."""

    code = "artifact-unreadable"


class ArtifactSpecial(RunrefError):
    """A path is a socket, a pipe or a device: nothing that has content to keep."""

    code = "artifact-special"


class Source:
    """A regular file that is open for one reading.

    Attributes:
        path: Where it was opened.
        status: What ``fstat`` said before the first byte was read.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.status = os.fstat(descriptor)

    def digest(self, write: Callable[[memoryview], None] | None, on_bytes: OnBytes) -> str:
        """Read everything, hand every chunk to ``write``, and return the digest."""
        # A chunk is no longer than the file: most files are small, and zeroing 1 MiB costs more
        # than hashing them.
        buffer = memoryview(bytearray(min(BUFFER, self.status.st_size + 1)))
        sha256 = hashlib.sha256()
        total = 0
        while count := self._read(buffer):
            total += count
            if total > self.status.st_size:
                raise changed(self.path)  # and it may grow faster than it is read
            chunk = buffer[:count]
            sha256.update(chunk)
            if write is not None:
                write(chunk)
            on_bytes(count)
        return f"sha256:{sha256.hexdigest()}"

    def read_all(self) -> bytes:
        """Return the content of a small file; a byte more than its size if it grew meanwhile."""
        size = self.status.st_size
        try:
            data = os.read(self.descriptor, size + 1)
            # Networked disks may hand out less at a time.
            while len(data) < size and (more := os.read(self.descriptor, size + 1 - len(data))):
                data += more
        except OSError as error:
            raise unreadable(self.path, error) from error
        return data

    def confirm(self, *, unwritten: bool = False) -> os.stat_result:
        """Return the file's status if its path still leads to what was read.

        Args:
            unwritten: Be sure that no byte was written, also where someone set the modification
                time back; a change of its permissions or links counts as one then.

        Raises:
            ArtifactVanished: The path is gone.
            ArtifactChanged: Size or modification time moved, or another file took its place.
        """
        now = status_of(self.path)
        if _identity(now) != _identity(self.status):
            raise changed(self.path)
        if unwritten and now.st_ctime_ns != self.status.st_ctime_ns:
            raise changed(self.path)
        return now

    def _read(self, buffer: memoryview) -> int:
        try:
            return os.readv(self.descriptor, [buffer])
        except OSError as error:
            raise unreadable(self.path, error) from error


@contextmanager
def opened(path: str, *, follow: bool = True) -> Iterator[Source]:
    """Open a regular file for one reading.

    Args:
        path: The file.
        follow: Follow the path where it is a symbolic link. Inside a directory links are entries
            of their own, and a file that turned into one is a change.

    Raises:
        ArtifactVanished: There is no such file.
        ArtifactSpecial: It is no regular file.
        ArtifactUnreadable: The operating system refuses.
    """
    # Without O_NONBLOCK a pipe that took the file's place would hang the run for good.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        source = Source(path, descriptor)
        if not stat.S_ISREG(source.status.st_mode):
            raise special(path, source.status.st_mode)
        yield source
    finally:
        os.close(descriptor)


def hash_file(path: Path, on_bytes: OnBytes | None = None) -> tuple[str, int]:
    """Return a file's digest and its size in bytes.

    Raises:
        ArtifactVanished: There is no such file, or it went away while it was read.
        ArtifactChanged: It was written to while it was read.
        ArtifactSpecial: It is no regular file.
        ArtifactUnreadable: The operating system refuses.
    """
    with opened(os.fspath(path)) as source:
        digest = source.digest(None, on_bytes or ignore)
        return digest, source.confirm().st_size


def settled(status: os.stat_result) -> bool:
    """Tell whether a file's times are so old that another write will change them.

    A second write in the same tick of the file system's clock leaves them as they are.
    """
    newest = max(status.st_mtime_ns, status.st_ctime_ns)
    tick = _TICK if newest % 1_000_000_000 else _COARSE_TICK
    return newest + tick < time.time_ns()


def status_of(path: str) -> os.stat_result:
    """Return the status of what a path leads to, with errors that name it."""
    try:
        return os.stat(path)
    except OSError as error:
        raise unreadable(path, error) from error


def what_is(mode: int) -> str:
    """Return the word for a special file of this ``st_mode``."""
    for test, word in (
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISBLK, "block device"),
        (stat.S_ISCHR, "character device"),
        (stat.S_ISDIR, "directory"),
    ):
        if test(mode):
            return word
    return "special file"


def special(path: str, mode: int) -> ArtifactSpecial:
    """Return the error for a path that has no content to keep."""
    return ArtifactSpecial(
        f"{path} is a {what_is(mode)}, not a file",
        hint="name the file or directory that holds the data",
    )


def changed(path: str) -> ArtifactChanged:
    """Return the error for a file that did not hold still."""
    return ArtifactChanged(
        f"{path} changed while it was read",
        hint="close the file before it is recorded, or write it under another name and rename it",
    )


def ignore(_count: int) -> None:
    """Take no notice of progress."""


def unreadable(path: str, error: OSError) -> RunrefError:
    """Return the error for what the operating system said about a file that is read."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return ArtifactVanished(
            f"{path} does not exist", hint="it was never written, or was removed before it was read"
        )
    if error.errno == errno.ELOOP:
        return changed(path)
    return ArtifactUnreadable(
        f"{path} cannot be read: {error.strerror}", hint="check its permissions and its disk"
    )


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
