# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH104, PTH108
"""A pack from elsewhere, of which nothing is believed.

It is read once, in pieces: every object is unpacked, measured against what it declares and named by
its own content. So neither a size that lies nor a name that lies gets through, and no object needs
to fit into memory. Only packs without deltas are taken, as `PackFile` writes them: a delta can
unpack to any size.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from runref.errors import RunrefError
from runref.git.files import Sharing, make_folders, write_fully, writing
from runref.git.format import Kind, ObjectFormat, header
from runref.git.pack_file import HEADER_SIZE, KINDS

_CHUNK = 1 << 16
_VERSION = 2


class PackRefused(RunrefError):
    """A pack from elsewhere is damaged, or made to do harm."""

    code = "pack-refused"


@dataclass(frozen=True, slots=True)
class PackLimits:
    """What a pack may ask for.

    Attributes:
        objects: How many objects.
        object_size: Bytes of one object, unpacked.
        tree_size: Bytes of one tree; about 35 for each of its names.
        ratio: Bytes of all objects together for each byte of the pack, beyond `base`.
        base: Bytes of all objects together that a pack of any size may have.
    """

    objects: int = 10_000_000
    object_size: int = 1 << 30
    tree_size: int = 16 << 20
    ratio: int = 200
    base: int = 1 << 30

    def unpacked(self, pack_size: int) -> int:
        """Bytes that all objects of a pack may have together."""
        return self.base + self.ratio * pack_size


class PackedObject(NamedTuple):
    """What a pack holds under a name."""

    kind: Kind
    size: int


class PackReader:
    """A pack that comes in pieces, and becomes one of an object folder.

    Args:
        read: Returns up to so many bytes of the pack, none at its end.
        size: Bytes of the pack.
        object_format: How the objects are named.
        limits: What the pack may ask for.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        size: int,
        object_format: ObjectFormat,
        limits: PackLimits = PackLimits(),
    ) -> None:
        self._read = read
        self._size = size
        self._format = object_format
        self._limits = limits
        self._left = limits.unpacked(size)
        self._checksum = hashlib.new(object_format.name, usedforsecurity=False)
        self._index: list[tuple[bytes, int, int]] = []
        self.objects: dict[str, PackedObject] = {}

    def receive(self, objects_folder: str, sharing: Sharing = Sharing()) -> None:  # noqa: B008
        """Write the pack, with its index, into the ``pack`` folder of an object folder.

        Nothing is left of one that is refused.

        Raises:
            PackRefused: It is damaged, holds what it must not, or is too large.
            CannotWrite: The system refused it.
        """
        folder = f"{objects_folder}/pack"
        path = f"{folder}/tmp_pack_{os.urandom(8).hex()}"  # noqa: S108
        index = f"{folder}/tmp_idx_{os.urandom(8).hex()}"  # noqa: S108
        try:
            with writing(folder):
                make_folders(folder, sharing)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                descriptor = os.open(path, flags, 0o444)
            try:
                self._window = _Window(self._read, self._size, descriptor, self._checksum)
                checksum = self._objects()
                with writing(path):
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with writing(folder):
                self._write_index(index, checksum)
                base = f"{folder}/pack-{checksum.hex()}"
                os.rename(path, base + ".pack")
                os.rename(index, base + ".idx")
        finally:
            for left in (path, index):
                with suppress(OSError):
                    os.unlink(left)

    def _objects(self) -> bytes:
        window = self._window
        start = window.take(HEADER_SIZE)
        count = int.from_bytes(start[8:], "big")
        if start[:8] != b"PACK" + _VERSION.to_bytes(4, "big"):
            raise _refused("it is no pack of version 2")
        if count > self._limits.objects:
            raise _refused(f"it declares {count:,} objects")
        for _ in range(count):
            self._one_object()
        window.finish_hashing()
        expected = self._checksum.digest()
        if window.take(len(expected)) != expected:
            raise _refused("its checksum is another one")
        if not window.at_end():
            raise _refused("something follows its end")
        return expected

    def _one_object(self) -> None:
        window = self._window
        offset = window.position
        window.begin_entry()
        kind, size = self._entry_header()
        limit = self._limits.tree_size if kind == "tree" else self._limits.object_size
        if size > limit:
            raise _refused(f"it declares a {kind} of {size:,} bytes at byte {offset:,}")
        self._left -= size
        if self._left < 0:
            raise _refused(f"its objects unpack to far more than its {self._size:,} bytes")
        oid = window.unpack(self._format, kind, size)
        if oid.hex() in self.objects:
            raise _refused(f"it holds object {oid.hex()} twice")
        self.objects[oid.hex()] = PackedObject(kind, size)
        self._index.append((oid, offset, window.entry_crc))

    def _entry_header(self) -> tuple[Kind, int]:
        byte = self._window.take(1)[0]
        number, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            byte = self._window.take(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise _refused(f"the size of an object makes no sense at {self._window.position:,}")
        if number not in KINDS:
            raise _refused(f"it holds a delta, or no object, before byte {self._window.position:,}")
        return KINDS[number], size

    def _write_index(self, path: str, checksum: bytes) -> None:
        from dulwich.pack import write_pack_index_v2

        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o444), "wb") as file:
            write_pack_index_v2(file, sorted(self._index), checksum)
            file.flush()
            os.fsync(file.fileno())


class _Window:
    """The bytes of a pack as they come by: written, hashed, and looked at.

    Attributes:
        position: How many bytes were taken.
        entry_crc: Checksum of what was taken since `begin_entry`.
    """

    def __init__(
        self, read: Callable[[int], bytes], size: int, descriptor: int, hasher: hashlib._Hash
    ) -> None:
        self._read = read
        self._left = size
        self._descriptor = descriptor
        self._hasher: hashlib._Hash | None = hasher
        self._buffer = memoryview(b"")
        self.position = 0
        self.entry_crc = 0

    def begin_entry(self) -> None:
        self.entry_crc = 0

    def finish_hashing(self) -> None:
        """Leave what follows, the checksum itself, out of it."""
        self._hasher = None

    def at_end(self) -> bool:
        return not self._buffer and not self._left

    def take(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        taken = b""
        while len(taken) < count:
            self._fill()
            taken += self._advance(min(count - len(taken), len(self._buffer)))
        return taken

    def unpack(self, object_format: ObjectFormat, kind: Kind, size: int) -> bytes:
        """Pass over one packed object, and return the name of its content."""
        inflater = zlib.decompressobj()
        name = hashlib.new(object_format.name, header(kind, size), usedforsecurity=False)
        total, feed = 0, min(_CHUNK, size + 64)
        while not inflater.eof:
            self._fill()
            given = self._buffer[:feed]
            try:
                body = inflater.decompress(given, _CHUNK)
            except zlib.error as error:
                raise _refused(f"an object cannot be unpacked at byte {self.position:,}") from error
            self._advance(len(given) - len(inflater.unused_data or inflater.unconsumed_tail))
            name.update(body)
            total += len(body)
            if total > size:
                break
        if total != size:
            raise _refused(f"an object is not as large as it declares before {self.position:,}")
        return name.digest()

    def _fill(self) -> None:
        if self._buffer:
            return
        data = self._read(min(_CHUNK, self._left))
        if not data:
            raise _refused("it ends too early")
        self._left -= len(data)
        with writing("the pack"):
            write_fully(self._descriptor, data)
        self._buffer = memoryview(data)

    def _advance(self, count: int) -> bytes:
        taken = self._buffer[:count]
        self._buffer = self._buffer[count:]
        self.position += count
        self.entry_crc = zlib.crc32(taken, self.entry_crc)
        if self._hasher is not None:
            self._hasher.update(taken)
        return bytes(taken)


def _refused(what: str) -> PackRefused:
    return PackRefused(
        f"the pack is refused: {what}",
        hint="get it again from where it was made; if it stays so, do not trust its maker",
    )
