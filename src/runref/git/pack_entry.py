"""The head of an object in a pack: how large it is, without unpacking it.

The layout is that of git's ``gitformat-pack(5)``: kind and size, for a delta the name or distance
of its base, then zlib data; a delta begins with the sizes of its base and of what it makes.
"""

from __future__ import annotations

import zlib

HEAD = 128
"""Bytes of an entry from which its size can be told: more than the longest head has."""

_OFFSET_DELTA, _NAMED_DELTA = 6, 7


def size_of_entry(head: bytes, oid_length: int) -> int:
    """Return the bytes of the object that a packed entry makes.

    Args:
        head: The entry's first `HEAD` bytes, or all of it.
        oid_length: Bytes in a binary object name: 20 or 32.

    Raises:
        ValueError, zlib.error: it is no entry.
    """
    try:
        kind = head[0] >> 4 & 7
        size, position = _size(head)
        if kind == _OFFSET_DELTA:
            while head[position] & 0x80:
                position += 1
            return _size_of_delta(head[position + 1 :])
        if kind == _NAMED_DELTA:
            return _size_of_delta(head[position + oid_length :])
    except IndexError as problem:
        raise ValueError("an entry of a pack that ends too early") from problem
    return size


def _size(head: bytes) -> tuple[int, int]:
    size, shift, position = head[0] & 15, 4, 1
    while head[position - 1] & 0x80:
        size |= (head[position] & 0x7F) << shift
        shift, position = shift + 7, position + 1
    return size, position


def _size_of_delta(data: bytes) -> int:
    delta = zlib.decompressobj().decompress(data, 32)
    _, position = _number(delta, 0)
    return _number(delta, position)[0]


def _number(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 0x7F) << shift
        shift, position = shift + 7, position + 1
        if not byte & 0x80:
            return number, position
