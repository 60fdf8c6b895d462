"""The tar file that a bundle is: plain files, one after the other, and nothing else."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

from runref.bundle.errors import NoBundle, damaged, refused

BLOCK = 512
END = bytes(2 * BLOCK)
_ENCODING = "utf-8"
_OCTAL = 1 << 33
"""Bytes from which a size does not fit into eleven octal digits."""
_OWNER = b"0000644\0" + b"0000000\0" * 2
_REST = (b"0" + bytes(100) + b"ustar  \0").ljust(356, b"\0")
_SUM_OF_REST = sum(_REST) + sum(b" " * 8)
"""In the sum of a header, its checksum counts as spaces."""


class Header(NamedTuple):
    """Name and size in bytes of a file in the tar."""

    name: str
    size: int


def encode_header(name: str, size: int, seconds: int) -> bytes:
    """Return what stands before a file, as GNU tar writes it; tarfile takes ten times as long.

    Args:
        name: Relative, of at most 100 bytes.
        size: Bytes.
        seconds: Its time, since the epoch.
    """
    number = b"%011o\0" % size if size < _OCTAL else b"\x80" + size.to_bytes(11, "big")
    before = name.encode().ljust(100, b"\0") + _OWNER + number + b"%011o\0" % seconds
    checksum = b"%06o\0 " % (sum(before) + _SUM_OF_REST)
    return before + checksum + _REST


def padding(size: int) -> bytes:
    """Return what stands behind a file of so many bytes."""
    return bytes(-size % BLOCK)


def length_of(sizes: Iterable[int]) -> int:
    """Return the bytes of a tar with files of these sizes."""
    return sum(BLOCK + size + -size % BLOCK for size in sizes) + len(END)


class TarReader:
    """Reads a tar in one pass; what is no plain file is refused.

    Args:
        stream: Need not be seekable.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = self._behind = 0
        self._name = ""

    def next(self) -> Header | None:
        """Return the next file; none at the end. The one before must have been read.

        Raises:
            BundleDamaged: The tar ends too early, or a header is damaged.
            BundleRefused: Something is no plain file.
        """
        if self._left:
            raise ValueError("the file before was not read to its end")
        self._exactly(self._behind)
        block = self._exactly(BLOCK)
        if block == bytes(BLOCK):
            self._finish()
            return None
        header = _parse(block)
        self._left, self._behind = header.size, -header.size % BLOCK
        self._name = header.name
        return header

    def read(self, size: int) -> bytes:
        """Return up to so many bytes of the present file; none at its end.

        Raises:
            BundleDamaged: The tar ends too early.
        """
        data = self._stream.read(min(size, self._left))
        if not data and self._left and size:
            raise damaged(f"it ends in the middle of {self._name}")
        self._left -= len(data)
        return data

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._stream.read(size - len(data))
            if not more:
                raise damaged(f"it ends after {self._name}" if self._name else "it is empty")
            data += more
        return data

    def _finish(self) -> None:
        while data := self._stream.read(1 << 16):
            if data.strip(b"\0"):
                raise refused("something stands behind its end")


def _parse(block: bytes) -> Header:
    if block.startswith(b"\x1f\x8b"):
        raise NoBundle("the file is compressed", hint="a bundle is a plain tar: `gunzip` it")
    try:
        info = tarfile.TarInfo.frombuf(block, _ENCODING, "backslashreplace")
    except tarfile.HeaderError as error:
        raise damaged(f"a header is none ({error})") from error
    if info.type != tarfile.REGTYPE or info.linkname:
        kind = _KINDS.get(info.type, f"of type {info.type!r}")
        raise refused(f"{info.name!r:.120} is {kind}, where a plain file should be")
    if info.size < 0:
        raise refused(f"{info.name!r:.120} declares {info.size} bytes")
    return Header(info.name, info.size)


_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.GNUTYPE_LONGNAME: "a long name",
    tarfile.GNUTYPE_LONGLINK: "a long link",
    tarfile.XHDTYPE: "an extended header",
    tarfile.XGLTYPE: "an extended header",
}
