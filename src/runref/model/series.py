"""Series: the lines of ``metrics.jsonl``, what they come to, and how several writers make one.

A line is one log call: ``{"step": 3, "elapsed": 1.25, "values": {"loss": 0.5}}``. ``elapsed`` is
seconds since the run started, by a clock that never goes back. All functions are pure.
"""

from __future__ import annotations

import gc
import heapq
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

from runref.errors import ExitStatus, RunrefError
from runref.model.codec import UnreadableDocument, load_json
from runref.model.record import MetricSummary
from runref.model.values import NON_FINITE, NotANumber, Number, decode_number

_ORJSON_LIMIT = 2**63
"""Beyond it orjson reads integers as floats."""

SEGMENT_SIZE = 16 << 20
"""Bytes after which a series goes on in another file of the run."""

_NAME = re.compile(r"metrics(?:\.rank-([0-9]+))?(?:\.part-([0-9]+))?\.jsonl")
_UNIT = 1 << 1074
"""Every finite float is a whole multiple of ``1 / _UNIT``, so sums in this unit are exact."""


class DamagedSeries(RunrefError):
    """A committed series holds a line that is no log call."""

    code = "damaged-series"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class Row:
    """One log call."""

    step: int
    elapsed: float
    values: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class Lines:
    """What a series file holds.

    Attributes:
        good: The bytes of the whole, well-formed lines.
        rows: Those lines, parsed; values of NaN and infinities still by name.
        damaged: Lines in the middle that are no log call.
        torn: Bytes after the last newline: a write that a kill cut short, never acknowledged.
    """

    good: bytes
    rows: Sequence[Mapping[str, Any]]
    damaged: tuple[bytes, ...] = ()
    torn: bytes = b""


def read_lines(data: bytes) -> Lines:
    """Split a series file that may have been cut at any byte into what counts and what does not."""
    end = data.rfind(b"\n") + 1
    body, torn = data[:end], data[end:]
    if not body:
        return Lines(b"", (), (), torn)
    # One parse of the whole file is several times faster than one for each line; a newline cannot
    # stand inside a JSON string.
    with collector_paused():
        rows = _parse_plain(b"[" + body[:-1].replace(b"\n", b",") + b"]")
        whole = len(rows) == body.count(b"\n")
        if whole and all(map(_is_row, rows)) and _have_small_numbers(rows):
            return Lines(body, rows, (), torn)
    return _read_one_by_one(body, torn)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python from looking for cycles while many objects are made that have none.

    Looking takes longer than parsing does.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _parse_plain(data: bytes) -> Sequence[Any]:
    """Return a JSON list that holds nothing the codec has to see to; empty for any other text."""
    import orjson

    if b'"bytes:' in data:
        return ()
    try:
        rows: list[Any] = orjson.loads(data)
    except orjson.JSONDecodeError:
        return ()
    return rows


def _read_one_by_one(body: bytes, torn: bytes) -> Lines:
    good, rows, damaged = [], [], []
    for line in _split(body):
        try:
            row = load_json(line)
        except UnreadableDocument:
            row = None
        if _is_row(row) and _have_numbers([row]):
            good.append(line)
            rows.append(row)
        elif line.strip():
            damaged.append(line)
    return Lines(b"".join(good), rows, tuple(damaged), torn)


def _split(body: bytes) -> list[bytes]:
    # bytes.splitlines would split at a carriage return, too.
    return [line + b"\n" for line in body.split(b"\n")[:-1]]


def _is_row(row: Any) -> bool:
    return (
        type(row) is dict
        and len(row) == 3
        and type(row.get("step")) is int
        and type(row.get("elapsed")) in (float, int)
        and type(row.get("values")) is dict
    )


def _have_small_numbers(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether all values are numbers that orjson read exactly: no integers over 64 bits."""
    values = list(chain.from_iterable([row["values"].values() for row in rows]))
    kinds = set(map(type, values))
    if str in kinds:
        if not {value for value in values if type(value) is str} <= NON_FINITE.keys():
            return False
        values = [value for value in values if type(value) is not str]
    if not kinds <= {int, float, str}:
        return False
    return not values or (min(values) > -_ORJSON_LIMIT and max(values) < _ORJSON_LIMIT)


def _have_numbers(rows: Sequence[Mapping[str, Any]]) -> bool:
    held = [row["values"].values() for row in rows]
    if set(map(type, chain.from_iterable(held))) <= {int, float}:
        return True
    try:
        for value in chain.from_iterable(held):
            decode_number(value)
    except NotANumber:
        return False
    return True


def rows_of(data: bytes) -> list[Row]:
    """Return the log calls of a committed series file.

    Raises:
        DamagedSeries: a line is no log call, or the file does not end with a newline.
    """
    lines = read_lines(data)
    if lines.damaged or lines.torn:
        shown = (lines.damaged or (lines.torn,))[0][:60]
        raise DamagedSeries(f"the series holds a line that is no log call: {shown!r}")
    return [
        Row(row["step"], row["elapsed"], {k: decode_number(v) for k, v in row["values"].items()})
        for row in lines.rows
    ]


class Summariser:
    """Summarises series that arrive in pieces, with memory that does not grow with their length.

    How they are cut into pieces makes no difference to the result, to the bit.
    """

    def __init__(self) -> None:
        self._series: dict[str, _Running] = {}

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in lines as `read_lines` gives them, which follow those of earlier calls."""
        columns: dict[str, tuple[list[int], list[Any]]] = {}
        for row in rows:
            step = row["step"]
            for name, value in row["values"].items():
                column = columns.get(name)
                if column is None:
                    column = columns[name] = ([], [])
                column[0].append(step)
                column[1].append(value)
        for name, (steps, values) in columns.items():
            if not set(map(type, values)) <= {int, float}:
                values = [decode_number(value) for value in values]  # noqa: PLW2901
            series = self._series.get(name)
            if series is None:
                series = self._series[name] = _Running(steps[0], values[0])
            series.extend(steps, values)

    def result(self) -> dict[str, MetricSummary]:
        """Return the summary of each series seen so far."""
        return {name: series.summary() for name, series in self._series.items()}


class _Running:
    """What one series came to so far."""

    __slots__ = ("count", "finite", "first", "last", "last_step", "max", "min", "total")

    def __init__(self, step: int, value: Number) -> None:
        self.count = self.finite = self.total = 0
        self.first = self.last = value
        self.last_step = step
        self.min: tuple[Number, int] = (math.nan, step)  # value and step
        self.max: tuple[Number, int] = (math.nan, step)

    def extend(self, steps: list[int], values: list[Number]) -> None:
        self.count += len(values)
        self.last, self.last_step = values[-1], steps[-1]
        finite = values
        if not all(map(math.isfinite, values)):
            known = [not math.isnan(value) for value in values]
            steps, values = list(compress(steps, known)), list(compress(values, known))
            finite = [value for value in values if math.isfinite(value)]
        if values:
            low, high = min(values), max(values)
            if not low >= self.min[0]:  # the first of equal ones stays; NaN is below all
                self.min = low, steps[values.index(low)]
            if not high <= self.max[0]:
                self.max = high, steps[values.index(high)]
        self.finite += len(finite)
        self.total += _exact_sum(finite)

    def summary(self) -> MetricSummary:
        return MetricSummary(
            count=self.count,
            first=self.first,
            last=self.last,
            min=self.min[0],
            max=self.max[0],
            mean=self.total / (self.finite * _UNIT) if self.finite else math.nan,
            last_step=self.last_step,
            step_of_min=self.min[1],
            step_of_max=self.max[1],
        )


def _exact_sum(values: list[Number]) -> int:
    """Return the sum of finite numbers, as floats, in multiples of ``1 / _UNIT``.

    `math.fsum` is fast and rounds once; summing again with its result taken away gives what it
    rounded away, until nothing is left.
    """
    parts: list[float] = []
    try:
        while rest := math.fsum(chain(values, (-part for part in parts))):
            parts.append(rest)
    except OverflowError:  # the sum is beyond the range of a float; the mean is not
        parts = list(map(float, values))
    return sum(map(_units, parts))


def _units(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (_UNIT // denominator)


def merge_writers(parts: Sequence[Lines]) -> Lines:
    """Return the lines of several writers of one rank as one file, in the order of their time.

    Each writer's lines are in order already; a single writer's bytes are kept as they are.
    """
    if len(parts) == 1:
        return parts[0]
    streams = [zip(_split(part.good), part.rows, strict=True) for part in parts]
    merged = list(heapq.merge(*streams, key=lambda pair: pair[1]["elapsed"]))
    return Lines(
        b"".join(line for line, _ in merged),
        [row for _, row in merged],
        tuple(line for part in parts for line in part.damaged),
    )


def segments(data: bytes, size: int = SEGMENT_SIZE) -> Iterator[bytes]:
    """Cut whole lines into pieces of at most `size` bytes; a longer line is a piece of its own."""
    start = 0
    while len(data) - start > size:
        end = data.rfind(b"\n", start, start + size) + 1
        if end <= start:
            end = data.index(b"\n", start) + 1
        yield data[start:end]
        start = end
    if start < len(data):
        yield data[start:]


def segment_name(rank: int, number: int) -> str:
    """Return the name of a series file: ``metrics.jsonl``, ``metrics.rank-1.part-2.jsonl``."""
    of_rank = f".rank-{rank}" if rank else ""
    part = f".part-{number}" if number > 1 else ""
    return f"metrics{of_rank}{part}.jsonl"


def parse_segment_name(name: str) -> tuple[int, int] | None:
    """Return rank and number of a series file, or none where `name` names another file."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    rank, number = int(match[1] or 0), int(match[2] or 1)
    return (rank, number) if segment_name(rank, number) == name else None
