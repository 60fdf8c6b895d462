# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH104, PTH108, PTH110, PTH116, PTH120, PTH123, PTH208
"""Loose objects: one zlib file each, written so that no crash leaves more than rubbish."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress

from runref.git.files import Sharing, ask_again, link_aside, make_folders, write_fully, writing
from runref.git.format import Kind

LEVEL = 1
"""Compression of new objects: 40 % of the time of git's default for 20 % more bytes, until the
next ``git gc`` packs them anyway."""


class LooseObjects:
    """The loose part of one object directory.

    A new object is written as ``tmp_obj_*``, which ``git gc`` removes when a killed process left
    it behind, and renamed when it is complete. There are no lock files: two writers of one object
    write the same bytes.
    """

    def __init__(self, folder: str, sharing: Sharing) -> None:
        self.folder = folder
        self._sharing = sharing

    def _path(self, oid: str) -> str:
        return f"{self.folder}/{oid[:2]}/{oid[2:]}"

    def refresh(self, oid: str) -> None:
        """Forget that an object was not here: another machine may have written it."""
        ask_again(self._path(oid))

    def contains(self, oid: str) -> bool:
        """Whether the object is here."""
        try:
            # A file without bytes is what a power failure leaves of an object nobody synced.
            return os.stat(self._path(oid)).st_size > 0
        except FileNotFoundError:
            return False

    def freshen(self, oid: str) -> bool:
        """Make the object young, so that ``git gc`` keeps it; False where that cannot be done."""
        path = self._path(oid)
        try:
            os.utime(path)
            return os.stat(path).st_size > 0
        except OSError:  # absent, or owned by someone else: git writes a second copy then, too
            return False

    def read(self, oid: str) -> bytes | None:
        """Header and body of an object, None where it is not here.

        Raises:
            zlib.error: The file is damaged.
        """
        try:
            with open(self._path(oid), "rb") as file:
                return zlib.decompress(file.read())
        except FileNotFoundError:
            return None

    def size(self, oid: str) -> int | None:
        """Bytes of an object, told without unpacking all of it; None where it is not here.

        Raises:
            zlib.error, ValueError: The file is damaged.
        """
        try:
            with open(self._path(oid), "rb") as file:
                start = zlib.decompressobj().decompress(file.read(256), 64)
        except FileNotFoundError:
            return None
        return int(start.partition(b"\0")[0].partition(b" ")[2])

    def write(self, oid: str, header: bytes, body: bytes, *, fsync: bool) -> None:
        """Write one object.

        Raises:
            CannotWrite: The system refused it; nothing but the old state is left.
        """
        packed = zlib.compress(header + body, LEVEL)
        with writing(self.folder):
            temporary = f"{self.folder}/tmp_obj_{os.urandom(8).hex()}"  # noqa: S108
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(temporary, flags, 0o444)
            try:
                try:
                    write_fully(descriptor, packed)
                    if fsync:
                        os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self._sharing.adjust(temporary)
                self._move(temporary, self._path(oid))
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise

    def set_aside(self, oid: str, aside: str) -> None:
        """Give a file that is about to be replaced a further name, ``<oid>`` in a folder.

        Raises:
            CannotWrite: The system refused it.
        """
        path = self._path(oid)
        with writing(aside):
            if os.path.exists(path):
                make_folders(aside, self._sharing)
                link_aside(path, aside, oid)

    def _move(self, temporary: str, path: str) -> None:
        for _ in range(5):
            try:
                os.rename(temporary, path)
            except FileNotFoundError:
                # The first object here, or git gc has removed the folder while it was empty.
                make_folders(os.path.dirname(path), self._sharing)
            else:
                return
        os.rename(temporary, path)

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Names of the loose objects that start with a prefix of two or more digits."""
        with suppress(FileNotFoundError):
            for name in os.listdir(f"{self.folder}/{prefix[:2]}"):
                if name.startswith(prefix[2:]) and not name.startswith("tmp_"):
                    yield prefix[:2] + name


def split(data: bytes) -> tuple[Kind, bytes]:
    """Separate header and body of a loose object.

    Raises:
        ValueError: The bytes are no object.
    """
    start, separator, body = data.partition(b"\0")
    name, _, size = start.partition(b" ")
    kind = _KINDS.get(name)
    if kind is None or not separator or int(size) != len(body):
        raise ValueError("not a git object")
    return kind, body


_KINDS: dict[bytes, Kind] = {b"blob": "blob", b"tree": "tree", b"commit": "commit", b"tag": "tag"}
