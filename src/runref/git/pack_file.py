"""The bytes of a pack: written object by object, without deltas."""

from __future__ import annotations

import hashlib
import os
import zlib
from typing import BinaryIO

from runref.git.files import write_fully
from runref.git.format import Kind, ObjectFormat
from runref.git.loose import LEVEL

NUMBERS: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
KINDS: dict[int, Kind] = {number: kind for kind, number in NUMBERS.items()}
HEADER_SIZE = 12
"""Bytes before the first object: ``PACK``, the version, and how many objects there are."""

_CHUNK = 1 << 20


class PackFile:
    """A pack that grows in an open file, from its beginning.

    No deltas are made: the next ``git gc`` does that better.

    Attributes:
        size: Bytes so far; those of the whole pack once it is complete.

    Args:
        descriptor: An empty file, open for reading and writing; it stays the caller's.
        object_format: How the objects are named.
    """

    def __init__(self, descriptor: int, object_format: ObjectFormat) -> None:
        self._descriptor = descriptor
        self._format = object_format
        self._entries: dict[str, tuple[int, int, int]] = {}  # offset, length, checksum
        self.size = HEADER_SIZE
        os.lseek(descriptor, self.size, os.SEEK_SET)

    def __contains__(self, oid: str) -> bool:
        return oid in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, oid: str, kind: Kind, body: bytes) -> None:
        """Append one object.

        Raises:
            OSError: The system refused it.
        """
        entry = _entry_header(NUMBERS[kind], len(body)) + zlib.compress(body, LEVEL)
        write_fully(self._descriptor, entry)
        self._entries[oid] = (self.size, len(entry), zlib.crc32(entry))
        self.size += len(entry)

    def read(self, oid: str) -> tuple[Kind, bytes]:
        """An object added before."""
        offset, length, _ = self._entries[oid]
        entry = os.pread(self._descriptor, length, offset)
        start = next(index for index, byte in enumerate(entry) if byte < 0x80) + 1
        return KINDS[entry[0] >> 4 & 7], zlib.decompress(entry[start:])

    def complete(self) -> bytes:
        """Write the header, whose count is known only now, and the checksum over everything.

        Returns:
            The checksum.

        Raises:
            OSError: The system refused it.
        """
        os.pwrite(self._descriptor, pack_header(len(self._entries)), 0)
        hasher = hashlib.new(self._format.name, usedforsecurity=False)
        for offset in range(0, self.size, _CHUNK):
            size = min(_CHUNK, self.size - offset)
            hasher.update(os.pread(self._descriptor, size, offset))
        checksum = hasher.digest()
        write_fully(self._descriptor, checksum)
        self.size += len(checksum)
        return checksum

    def write_index(self, file: BinaryIO, checksum: bytes) -> None:
        """Write the index that git finds the objects by.

        Raises:
            OSError: The system refused it.
        """
        from dulwich.pack import write_pack_index_v2

        entries = sorted(
            (bytes.fromhex(oid), offset, crc) for oid, (offset, _, crc) in self._entries.items()
        )
        write_pack_index_v2(file, entries, checksum)


def pack_header(count: int) -> bytes:
    """What a pack of so many objects begins with."""
    return b"PACK" + (2).to_bytes(4, "big") + count.to_bytes(4, "big")


def _entry_header(number: int, size: int) -> bytes:
    """Type and size of a packed object: 4 bits of the size, then 7 a byte, lowest first."""
    first, size = number << 4 | size & 15, size >> 4
    header = bytearray()
    while size:
        header.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    header.append(first)
    return bytes(header)
