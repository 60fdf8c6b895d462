"""What differs between two files, as a patch in git's format, which ``git apply`` takes."""

from __future__ import annotations

import re
from base64 import b85encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from stat import S_IFMT
from typing import NamedTuple
from zlib import compress

from runref.model.line_difference import Block, differing_blocks, split_lines

CONTEXT = 3
"""Equal lines shown around those that differ."""
HEADER, HUNK, SAME, PLUS, MINUS = "header", "hunk", "same", "plus", "minus"
"""Kinds of lines of a patch."""

_BINARY_LOOK = 8000
"""Bytes at the beginning of a content in which git looks for a NUL."""
_SHORT = 7
_FUNCTION = re.compile(rb"[A-Za-z$_]")
_FUNCTION_SHOWN = 80
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_BASE85_LINE = 52
"""Bytes in a line of a binary patch."""


class Line(NamedTuple):
    """One line of a patch, without its newline."""

    kind: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Side:
    """A file as one side has it.

    Attributes:
        mode: Git's mode.
        oid: Name of its content.
        data: The content; none where it is too large to be shown.
    """

    mode: int
    oid: str
    data: bytes | None

    @property
    def is_binary(self) -> bool:
        """Whether it is shown as binary, by git's own rule."""
        return self.data is None or is_binary(self.data)


def is_binary(data: bytes) -> bool:
    """Tell whether git takes a content for binary: a NUL among its first 8000 bytes."""
    return b"\0" in data[:_BINARY_LOOK]


def file_patch(
    path: bytes, old: Side | None, new: Side | None, *, binary: bool = False
) -> Iterator[Line]:
    """Yield the patch of one file.

    Args:
        path: Relative to the root of the snapshot.
        old: The file before; none where it was added.
        new: The file now; none where it was deleted.
        binary: Write the content of binary files, too, so that the patch can be applied.
    """
    if old is not None and new is not None and S_IFMT(old.mode) != S_IFMT(new.mode):
        # A file that became a link is another thing under the same name.
        yield from file_patch(path, old, None, binary=binary)
        yield from file_patch(path, None, new, binary=binary)
        return
    names = _quoted(b"a/" + path), _quoted(b"b/" + path)
    yield Line(HEADER, b"diff --git %s %s" % names)
    yield from _modes(old, new)
    if old is not None and new is not None and old.oid == new.oid:
        return
    in_binary = any(side is not None and side.is_binary for side in (old, new))
    written = binary and all(side is None or side.data is not None for side in (old, new))
    yield _index_line(old, new, whole=in_binary and written)
    shown = names[0] if old else b"/dev/null", names[1] if new else b"/dev/null"
    if not in_binary:
        yield from _text_patch(path, shown, _data(old), _data(new))
    elif written:
        yield Line(HEADER, b"GIT binary patch")
        yield from _literal(_data(new))
        yield from _literal(_data(old))
    else:
        yield Line(HEADER, b"Binary files %s and %s differ" % shown)


def _data(side: Side | None) -> bytes:
    return b"" if side is None or side.data is None else side.data


def _modes(old: Side | None, new: Side | None) -> Iterator[Line]:
    if old is None and new is not None:
        yield Line(HEADER, b"new file mode %06o" % new.mode)
    elif new is None and old is not None:
        yield Line(HEADER, b"deleted file mode %06o" % old.mode)
    elif old is not None and new is not None and old.mode != new.mode:
        yield Line(HEADER, b"old mode %06o" % old.mode)
        yield Line(HEADER, b"new mode %06o" % new.mode)


def _index_line(old: Side | None, new: Side | None, *, whole: bool) -> Line:
    length = len((old or new).oid)  # type: ignore[union-attr]
    oids = [side.oid if side else "0" * length for side in (old, new)]
    text = "..".join(oid if whole else oid[:_SHORT] for oid in oids)
    mode = (
        f" {old.mode:06o}" if old is not None and new is not None and old.mode == new.mode else ""
    )
    return Line(HEADER, f"index {text}{mode}".encode())


def _text_patch(path: bytes, shown: tuple[bytes, bytes], old: bytes, new: bytes) -> Iterator[Line]:
    left, right = split_lines(old), split_lines(new)
    blocks = differing_blocks(left, right)
    if not blocks:
        return
    # Other programs take a date for the end of such a name unless a tab comes first.
    end = b"\t" if b" " in path and b'"' not in shown[0] + shown[1] else b""
    yield Line(HEADER, b"--- " + shown[0] + (b"" if shown[0] == b"/dev/null" else end))
    yield Line(HEADER, b"+++ " + shown[1] + (b"" if shown[1] == b"/dev/null" else end))
    function, looked = b"", 0
    for hunk in _hunks(blocks):
        start = max(hunk[0].left_start - CONTEXT, 0)
        for line in left[looked:start]:
            if _FUNCTION.match(line):
                function = line
        looked = start
        yield from _hunk(hunk, left, right, function)


def _hunks(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Yield the blocks that share their context together."""
    hunk: list[Block] = []
    for block in blocks:
        if hunk and block.left_start - hunk[-1].left_end > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    yield hunk


def _hunk(
    blocks: Sequence[Block], left: Sequence[bytes], right: Sequence[bytes], function: bytes
) -> Iterator[Line]:
    first, last = blocks[0], blocks[-1]
    before = min(CONTEXT, first.left_start)
    after = min(CONTEXT, len(left) - last.left_end)
    old = _range(first.left_start - before, last.left_end + after)
    new = _range(first.right_start - before, last.right_end + after)
    title = function[:_FUNCTION_SHOWN].rstrip()
    yield Line(HUNK, b"@@ -%s +%s @@%s" % (old, new, b" " + title if title else b""))
    at = first.left_start - before
    for block in blocks:
        yield from _marked(SAME, b" ", left[at : block.left_start])
        yield from _marked(MINUS, b"-", left[block.left_start : block.left_end])
        yield from _marked(PLUS, b"+", right[block.right_start : block.right_end])
        at = block.left_end
    yield from _marked(SAME, b" ", left[at : at + after])


def _range(start: int, end: int) -> bytes:
    count = end - start
    first = start + 1 if count else start
    return b"%d" % first if count == 1 else b"%d,%d" % (first, count)


def _marked(kind: str, sign: bytes, lines: Iterable[bytes]) -> Iterator[Line]:
    for line in lines:
        yield Line(kind, sign + line.removesuffix(b"\n"))
        if not line.endswith(b"\n"):
            yield Line(SAME, b"\\ No newline at end of file")


def _literal(data: bytes) -> Iterator[Line]:
    yield Line(HEADER, b"literal %d" % len(data))
    packed = compress(data)
    for at in range(0, len(packed), _BASE85_LINE):
        piece = packed[at : at + _BASE85_LINE]
        count = len(piece)
        sign = chr(ord("A") + count - 1) if count <= 26 else chr(ord("a") + count - 27)
        yield Line(HEADER, sign.encode() + b85encode(piece, pad=True))
    yield Line(HEADER, b"")


def _quoted(name: bytes) -> bytes:
    """Return a path as git writes it: what is special or no ASCII makes it a C string."""
    if all(32 <= byte < 127 and byte not in (34, 92) for byte in name):
        return name
    return b'"' + "".join(map(_quoted_byte, name)).encode() + b'"'


def _quoted_byte(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
