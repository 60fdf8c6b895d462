# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH104, PTH108
"""A new pack."""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress

from runref.git.files import Sharing, make_folders, write_fully, writing
from runref.git.format import Kind, ObjectFormat
from runref.git.loose import LEVEL

_NUMBERS: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_KINDS: dict[int, Kind] = {number: kind for kind, number in _NUMBERS.items()}


class PackWriter:
    """A new pack that grows object by object, and appears when it is finished.

    Until then it is ``tmp_pack_*``, which ``git gc`` removes when a killed process left it behind.
    No deltas are made: the next ``git gc`` does that better.
    """

    def __init__(self, objects_folder: str, object_format: ObjectFormat, sharing: Sharing) -> None:
        self._folder = f"{objects_folder}/pack"
        self._format = object_format
        self._sharing = sharing
        self._entries: dict[str, tuple[int, int, int]] = {}  # offset, length, checksum
        self._end = 12
        with writing(self._folder):
            make_folders(self._folder, sharing)
            self._path = f"{self._folder}/tmp_pack_{os.urandom(8).hex()}"  # noqa: S108
            self._descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444
            )
            os.lseek(self._descriptor, self._end, os.SEEK_SET)

    def __contains__(self, oid: str) -> bool:
        return oid in self._entries

    def add(self, oid: str, kind: Kind, body: bytes) -> None:
        """Append one object.

        Raises:
            CannotWrite: The system refused it.
        """
        entry = _entry_header(_NUMBERS[kind], len(body)) + zlib.compress(body, LEVEL)
        with writing(self._folder):
            write_fully(self._descriptor, entry)
        self._entries[oid] = (self._end, len(entry), zlib.crc32(entry))
        self._end += len(entry)

    def read(self, oid: str) -> tuple[Kind, bytes]:
        """An object added before."""
        offset, length, _ = self._entries[oid]
        entry = os.pread(self._descriptor, length, offset)
        start = next(index for index, byte in enumerate(entry) if byte < 0x80) + 1
        return _KINDS[entry[0] >> 4 & 7], zlib.decompress(entry[start:])

    def finish(self, *, fsync: bool) -> None:
        """Make the pack visible.

        Raises:
            CannotWrite: The system refused it; the repository is as it was.
        """
        temporary_index = f"{self._folder}/tmp_idx_{os.urandom(8).hex()}"  # noqa: S108
        try:
            with writing(self._folder):
                checksum = self._complete(fsync=fsync)
                self._write_index(temporary_index, checksum, fsync=fsync)
                base = f"{self._folder}/pack-{checksum.hex()}"
                for temporary, name in ((self._path, ".pack"), (temporary_index, ".idx")):
                    self._sharing.adjust(temporary)
                    os.rename(temporary, base + name)
        finally:
            self.discard()
            with suppress(OSError):
                os.unlink(temporary_index)

    def _complete(self, *, fsync: bool) -> bytes:
        """Write the header, whose count is known only now, and the checksum over everything."""
        header = b"PACK" + (2).to_bytes(4, "big") + len(self._entries).to_bytes(4, "big")
        os.pwrite(self._descriptor, header, 0)
        hasher = hashlib.new(self._format.name, usedforsecurity=False)
        for offset in range(0, self._end, 1 << 20):
            size = min(1 << 20, self._end - offset)
            hasher.update(os.pread(self._descriptor, size, offset))
        write_fully(self._descriptor, hasher.digest())
        if fsync:
            os.fsync(self._descriptor)
        return hasher.digest()

    def _write_index(self, path: str, checksum: bytes, *, fsync: bool) -> None:
        from dulwich.pack import write_pack_index_v2

        entries = sorted(
            (bytes.fromhex(oid), offset, crc) for oid, (offset, _, crc) in self._entries.items()
        )
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o444), "wb") as file:
            write_pack_index_v2(file, entries, checksum)
            file.flush()
            if fsync:
                os.fsync(file.fileno())

    def discard(self) -> None:
        """Close, and remove the unfinished file; objects written so far are lost."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(FileNotFoundError):
            os.unlink(self._path)


def _entry_header(number: int, size: int) -> bytes:
    """Type and size of a packed object: 4 bits of the size, then 7 a byte, lowest first."""
    first, size = number << 4 | size & 15, size >> 4
    header = bytearray()
    while size:
        header.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    header.append(first)
    return bytes(header)
