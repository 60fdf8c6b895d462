"""Where two sequences of lines differ: patience difference, whose time is bounded.

Lines that both sides have once are matched first, and what lies between them is compared alone.
That is how people read a change, and it takes no more time on a large file than sorting it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

MANY_LINES = 2_000_000
"""Lines beyond which a content is too large to be compared by lines."""

_PIECE = 250_000
"""Pairs of lines of one piece without unique lines that are compared with each other."""
_PIECES = 12_000_000
"""Pairs of lines of all such pieces; beyond it a piece counts as replaced as a whole."""


class Block(NamedTuple):
    """Lines that differ: ``left[left_start:left_end]`` gave way to ``right[right_start:…]``."""

    left_start: int
    left_end: int
    right_start: int
    right_end: int


def differing_blocks(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Block]:
    """Return where two sequences differ, in order; what lies between the blocks is equal.

    The blocks are right, and not always the fewest: long stretches of lines that occur several
    times on both sides may count as replaced as a whole.
    """
    numbers: dict[Hashable, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in left]
    b = [numbers.setdefault(line, len(numbers)) for line in right]
    found, budget = [], _PIECES
    todo = [Block(0, len(a), 0, len(b))]
    while todo:
        piece = _trimmed(a, b, todo.pop())
        if piece.left_start == piece.left_end or piece.right_start == piece.right_end:
            found.append(piece)
            continue
        inner = list(_between_anchors(a, b, piece))
        if inner:
            todo += inner
            continue
        pairs = (piece.left_end - piece.left_start) * (piece.right_end - piece.right_start)
        if pairs <= min(_PIECE, budget):
            budget -= pairs
            found += _compared(a, b, piece)
        else:
            found.append(piece)
    return list(_joined(sorted(found)))


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines of a content with their newlines, which the last one may lack."""
    *lines, rest = data.split(b"\n")
    whole = [line + b"\n" for line in lines]
    return [*whole, rest] if rest else whole


def count_lines(blocks: Sequence[Block]) -> tuple[int, int]:
    """Return how many lines were added and removed."""
    added = sum(block.right_end - block.right_start for block in blocks)
    return added, sum(block.left_end - block.left_start for block in blocks)


def _trimmed(a: Sequence[int], b: Sequence[int], piece: Block) -> Block:
    """Return a piece without the equal lines at its beginning and end."""
    left, left_end, right, right_end = piece
    while left < left_end and right < right_end and a[left] == b[right]:
        left += 1
        right += 1
    while left < left_end and right < right_end and a[left_end - 1] == b[right_end - 1]:
        left_end -= 1
        right_end -= 1
    return Block(left, left_end, right, right_end)


def _between_anchors(a: Sequence[int], b: Sequence[int], piece: Block) -> Iterator[Block]:
    """Yield the pieces between the lines that both sides have once; none without such lines."""
    left, left_end, right, right_end = piece
    once_left = _once(a, left, left_end)
    once_right = _once(b, right, right_end)
    pairs = [(at, once_right[line]) for line, at in once_left.items() if line in once_right]
    anchors = _increasing(pairs)
    if not anchors:
        return
    for at, other in anchors:
        yield Block(left, at, right, other)
        left, right = at + 1, other + 1
    yield Block(left, left_end, right, right_end)


def _once(lines: Sequence[int], start: int, end: int) -> dict[int, int]:
    """Return the place of each line that occurs once, in order."""
    counts = Counter(lines[start:end])
    return {lines[at]: at for at in range(start, end) if counts[lines[at]] == 1}


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest choice of pairs, ordered by the first, whose seconds increase too."""
    ends: list[int] = []  # smallest second with which a choice of each length can end
    at: list[int] = []  # and the pair it belongs to
    before: list[int] = []
    for place, (_, other) in enumerate(pairs):
        length = bisect_left(ends, other)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [other]
        at[length : length + 1] = [place]
    chosen = []
    place = at[-1] if at else -1
    while place >= 0:
        chosen.append(pairs[place])
        place = before[place]
    return chosen[::-1]


def _compared(a: Sequence[int], b: Sequence[int], piece: Block) -> Iterator[Block]:
    left, left_end, right, right_end = piece
    matcher = SequenceMatcher(None, a[left:left_end], b[right:right_end], autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag != "equal":
            yield Block(left + i, left + i_end, right + j, right + j_end)


def _joined(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield blocks with those that touch made one, and without empty ones."""
    last: Block | None = None
    for block in blocks:
        if block.left_start == block.left_end and block.right_start == block.right_end:
            continue
        if last is not None and last[1] == block[0] and last[3] == block[2]:
            last = Block(last[0], block[1], last[2], block[3])
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last
