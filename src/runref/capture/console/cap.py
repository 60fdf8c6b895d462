"""The console of a run, small enough for the repository: head and tail of what was printed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

SMALLEST_CAP = 1024
"""Bytes; below this there is no room for a head, a tail and the line between them."""
_CHUNK = 1 << 16
_MARKER_ROOM = 96
"""Bytes set aside for the line that says what was left out."""
# Up to the last carriage return of a line that something follows; anchored, so that it is linear.
_OVERWRITTEN = re.compile(rb"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)
_LINE_END = re.compile(rb"\r+\n")


def cap_console(console: Path | Iterable[bytes], cap: int) -> bytes:
    """Return at most `cap` bytes of a console log: its first and its last lines.

    Of a line that was rewritten with carriage returns, as progress bars do, only the last state is
    kept; that alone makes most logs small. What still exceeds `cap` loses its middle, and a line in
    its place says how much that was. Cuts fall between lines, except inside lines longer than an
    eighth of `cap`. Memory stays in the order of `cap`, whatever the size of the log.

    Args:
        console: The log's file, or its bytes in pieces.
        cap: Bytes; at least `SMALLEST_CAP`.
    """
    if cap < SMALLEST_CAP:
        raise ValueError(f"a console log of {cap} bytes has no room, {SMALLEST_CAP} is the least")
    chunks = _read(console) if isinstance(console, Path) else console
    longest = cap // 8
    head, tail = bytearray(), deque[bytes]()
    kept = left_out_bytes = left_out_lines = 0
    for block in _final_lines(chunks, longest):
        rest = block if tail else _fill(head, block, room=cap // 2 - len(head), longest=longest)
        if not rest:
            continue
        tail.append(rest)
        kept += len(rest)
        while kept - len(tail[0]) >= cap:
            left_out_bytes += len(tail[0])
            left_out_lines += tail[0].count(b"\n")
            kept -= len(tail.popleft())
    end = b"".join(tail)
    if len(head) + len(end) <= cap:
        return bytes(head) + end
    start = _line_start(end, len(end) - (cap - len(head) - _MARKER_ROOM), longest)
    left_out_lines += end.count(b"\n", 0, start)
    marker = f"[... {left_out_bytes + start:,} bytes in {left_out_lines:,} lines left out ...]\n"
    newline = b"" if head.endswith(b"\n") else b"\n"
    return bytes(head) + newline + marker.encode() + end[start:]


def _final_lines(chunks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Yield blocks of whole lines, in the state a terminal would leave them in.

    Only the last block, and pieces of lines longer than `longest` bytes, end without a newline.
    """
    pending = b""
    for chunk in chunks:
        whole, newline, pending = (pending + chunk).rpartition(b"\n")
        if newline:
            yield _final_state(whole + newline)
        pending = _final_state(pending)
        if len(pending) > longest:
            yield pending
            pending = b""
    if pending:
        yield pending


def _final_state(lines: bytes) -> bytes:
    if b"\r" not in lines:
        return lines
    return _OVERWRITTEN.sub(b"", _LINE_END.sub(b"\n", lines))


def _fill(head: bytearray, block: bytes, *, room: int, longest: int) -> bytes:
    """Add to `head` the lines of `block` that fit into `room` bytes; return the others."""
    if len(block) <= room:
        head += block
        return b""
    end = block.rfind(b"\n", 0, room) + 1
    if not end and (block.find(b"\n") + 1 or len(block)) > longest:
        end = room
    head += block[:end]
    return block[end:]


def _line_start(text: bytes, at: int, longest: int) -> int:
    """Return where the first line of `text` begins from `at` on, or `at` inside a long line."""
    start = text.find(b"\n", at - 1, at + longest) + 1
    return start or at


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
