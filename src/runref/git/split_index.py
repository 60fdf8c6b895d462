"""The split index: a large shared file, and a small one that says what has changed since.

The format is that of git's ``Documentation/gitformat-index.txt``, its bitmaps those of Daniel
Lemire's EWAH compression: runs of equal 64-bit words, each followed by words as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Entry = TypeVar("_Entry")

_WORD = 64


def merge(
    shared: Sequence[tuple[bytes, _Entry]], own: Sequence[tuple[bytes, _Entry]], bitmaps: bytes
) -> list[tuple[bytes, _Entry]]:
    """The entries that the two files describe together.

    Args:
        shared: Entries of the shared file.
        own: Entries of the small file: first replacements, whose names may be empty, then new ones.
        bitmaps: Which shared entries are deleted and which replaced; may be empty.

    Raises:
        ValueError: The parts do not fit together.
    """
    if not bitmaps:
        return list(shared)
    deleted, position = _bits(bitmaps, 0)
    replaced, _ = _bits(bitmaps, position)
    if len(replaced) > len(own):
        raise ValueError("the split index replaces more entries than it has")
    merged = dict(enumerate(shared))
    for number, (_, entry) in zip(replaced, own, strict=False):
        merged[number] = (shared[number][0], entry)
    for number in deleted:
        del merged[number]
    return sorted([*merged.values(), *own[len(replaced) :]], key=lambda item: item[0])


def _bits(data: bytes, position: int) -> tuple[list[int], int]:
    """Numbers of the bits that are set in a bitmap, and where it ends."""
    words = int.from_bytes(data[position + 4 : position + 8], "big")
    start, end = position + 8, position + 8 + 8 * words
    if end + 4 > len(data):
        raise ValueError("a bitmap of the split index ends too early")
    numbers = [int.from_bytes(data[at : at + 8], "big") for at in range(start, end, 8)]
    return list(_set_bits(numbers)), end + 4


def _set_bits(words: list[int]) -> Iterator[int]:
    position, bit = 0, 0
    while position < len(words):
        marker = words[position]
        run, literal = marker >> 1 & 0xFFFFFFFF, marker >> 33
        if marker & 1:
            yield from range(bit, bit + run * _WORD)
        bit += run * _WORD
        for word in words[position + 1 : position + 1 + literal]:
            yield from (bit + number for number in range(_WORD) if word >> number & 1)
            bit += _WORD
        position += 1 + literal
