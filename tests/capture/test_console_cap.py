from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.capture.console.cap import SMALLEST_CAP, cap_console

MARKER = re.compile(rb"\[\.\.\. ([0-9,]+) bytes in ([0-9,]+) lines left out \.\.\.\]\n")


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        (b"", b""),
        (b"a\nb", b"a\nb"),
        (b"\r 10%\r 50%\r100%\n", b"100%\n"),
        (b"\r 10%\r\r\n", b" 10%\n"),
        (b"windows\r\n", b"windows\n"),
        (b"10%\r20%\r", b"20%\r"),
        (b"50%\r        \rdone\n", b"done\n"),
        (b"a\rb\nc\rd\n", b"b\nd\n"),
    ],
)
def test_a_line_keeps_the_state_it_was_left_in(log: bytes, shown: bytes) -> None:
    assert cap_console([log], 4096) == shown
    assert cap_console([bytes([each]) for each in log], 4096) == shown


def test_head_and_tail_are_kept_and_what_lies_between_is_counted(tmp_path: Path) -> None:
    lines = [b"line %d\n" % number for number in range(10_000)]
    log = tmp_path / "console.log"
    log.write_bytes(b"".join(lines))
    shown = cap_console(log, 4096)
    marker = MARKER.search(shown)
    assert marker is not None
    assert len(shown) <= 4096
    head, tail = shown[: marker.start()].splitlines(True), shown[marker.end() :].splitlines(True)
    assert lines[: len(head)] == head
    assert lines[-len(tail) :] == tail
    assert min(len(b"".join(head)), len(b"".join(tail))) > 1800
    left_out = lines[len(head) : -len(tail)]
    assert int(marker[1].replace(b",", b"")) == len(b"".join(left_out))
    assert int(marker[2].replace(b",", b"")) == len(left_out)


def test_a_cap_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        cap_console([b"x"], SMALLEST_CAP - 1)


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


lines = st.lists(st.binary(max_size=100) | st.sampled_from([b"\r", b"\n", b"\r\n", b"50%"]))
cuts = st.lists(st.integers(min_value=0, max_value=10_000), max_size=8)


@given(lines, cuts)
def test_pieces_make_no_difference(parts: list[bytes], places: list[int]) -> None:
    data = b"\n".join(parts)
    assert cap_console(chunked(data, places), 2048) == cap_console([data], 2048)


@given(st.lists(st.binary(max_size=3000), max_size=30), st.integers(SMALLEST_CAP, 5000))
def test_the_cap_holds_for_anything(parts: list[bytes], cap: int) -> None:
    shown = cap_console(parts, cap)
    assert len(shown) <= cap
    if MARKER.search(b"".join(parts)) is None and b"\r" not in b"".join(parts):
        data = b"".join(parts)
        if marker := MARKER.search(shown):
            head = shown[: marker.start()]
            added = not data.startswith(head)  # the newline that ends a line which was cut
            assert data.startswith(head[:-1] if added else head)
            assert data.endswith(shown[marker.end() :])
            left_out = int(marker[1].replace(b",", b""))
            assert left_out + len(shown) - len(marker[0]) == len(data) + added
        else:
            assert shown == data


@pytest.mark.parametrize("piece", [b"x" * 1000, b"\r%50" * 250, b"line\n" * 200])
def test_memory_does_not_grow_with_the_log(piece: bytes) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(3000):
            yield piece

    tracemalloc.start()
    try:
        cap_console(chunks(), 8192)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
