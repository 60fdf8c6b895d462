"""Series: the lines of ``metrics.jsonl``, what they come to, and how several writers make one.

A line is one log call: ``{"step": 3, "elapsed": 1.25, "values": {"loss": 0.5}}``. ``elapsed`` is
seconds since the run started, by a clock that never goes back. All functions are pure.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runref.errors import ExitStatus, RunrefError
from runref.model.codec import UnreadableDocument, load_json
from runref.model.record import MetricSummary
from runref.model.values import Number, decode_number

SEGMENT_SIZE = 16 << 20
"""Bytes after which a series goes on in another file of the run."""


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
    try:
        # One parse of the whole file is several times faster than one for each line; a newline
        # cannot stand inside a JSON string.
        rows = load_json(b"[" + body[:-1].replace(b"\n", b",") + b"]")
        if all(map(_is_row, rows)):
            return Lines(body, rows, (), torn)
    except UnreadableDocument:
        pass
    return _read_one_by_one(body, torn)


def _read_one_by_one(body: bytes, torn: bytes) -> Lines:
    good, rows, damaged = [], [], []
    for line in body.splitlines(keepends=True):
        try:
            row = load_json(line)
        except UnreadableDocument:
            row = None
        if _is_row(row):
            good.append(line)
            rows.append(row)
        elif line.strip():
            damaged.append(line)
    return Lines(b"".join(good), rows, tuple(damaged), torn)


def _is_row(row: Any) -> bool:
    return (
        type(row) is dict
        and len(row) == 3
        and type(row.get("step")) is int
        and type(row.get("elapsed")) in (float, int)
        and type(row.get("values")) is dict
    )


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


@dataclass(slots=True)
class _Running:
    """What a series came to so far; its fields are those of `MetricSummary`."""

    first: Number
    count: int = 0
    last: Number = 0
    last_step: int = 0
    low: Number = math.nan
    high: Number = math.nan
    step_of_low: int = 0
    step_of_high: int = 0
    sums: list[float] = field(default_factory=list)
    finite: int = 0


class Summariser:
    """Summarises series that arrive in pieces, with memory that does not grow with their length."""

    def __init__(self) -> None:
        self._series: dict[str, _Running] = {}

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in parsed lines, which follow those of earlier calls.

        Raises:
            NotANumber: a value is neither a number nor the name of a non-finite one.
        """
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
            self._add_column(name, steps, values)

    def result(self) -> dict[str, MetricSummary]:
        """Return the summary of each series seen so far."""
        return {name: _summary_of(series) for name, series in self._series.items()}

    def _add_column(self, name: str, steps: list[int], values: list[Any]) -> None:
        if not set(map(type, values)) <= {int, float}:
            values = [decode_number(value) for value in values]
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = _Running(first=values[0], step_of_low=steps[0])
            series.step_of_high = steps[0]
        series.count += len(values)
        series.last, series.last_step = values[-1], steps[-1]
        finite = values
        if not all(map(math.isfinite, values)):
            finite = [value for value in values if math.isfinite(value)]
            values = [value if not math.isnan(value) else None for value in values]
        ordered = finite if finite is values else [v for v in values if v is not None]
        if ordered:
            _extend_range(series, steps, values, min(ordered), max(ordered))
        if finite:
            series.sums.append(math.fsum(finite))
            series.finite += len(finite)


def _extend_range(
    series: _Running, steps: list[int], values: list[Any], low: Number, high: Number
) -> None:
    if math.isnan(series.low) or low < series.low:
        series.low, series.step_of_low = low, steps[values.index(low)]
    if math.isnan(series.high) or high > series.high:
        series.high, series.step_of_high = high, steps[values.index(high)]


def _summary_of(series: _Running) -> MetricSummary:
    return MetricSummary(
        count=series.count,
        first=series.first,
        last=series.last,
        min=series.low,
        max=series.high,
        mean=math.fsum(series.sums) / series.finite if series.finite else math.nan,
        last_step=series.last_step,
        step_of_min=series.step_of_low,
        step_of_max=series.step_of_high,
    )


def merge_writers(parts: Sequence[Lines]) -> Lines:
    """Return the lines of several writers of one rank as one file, in the order of their time.

    Each writer's lines are in order already; a single writer's bytes are kept as they are.
    """
    if len(parts) == 1:
        return parts[0]
    streams = [zip(part.good.splitlines(keepends=True), part.rows, strict=True) for part in parts]
    merged = list(heapq.merge(*streams, key=lambda pair: pair[1]["elapsed"]))
    return Lines(
        b"".join(line for line, _ in merged),
        [row for _, row in merged],
        tuple(line for part in parts for line in part.damaged),
    )


def segments(data: bytes, size: int = SEGMENT_SIZE) -> Iterator[bytes]:
    """Cut `data` at line ends into pieces of at most `size` bytes (longer lines stay whole)."""
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
    pieces = name.split(".")
    if pieces[0] != "metrics" or pieces[-1] != "jsonl":
        return None
    rank, number = 0, 1
    for piece in pieces[1:-1]:
        word, _, digits = piece.partition("-")
        if not digits.isdecimal() or word not in ("rank", "part"):
            return None
        rank, number = (int(digits), number) if word == "rank" else (rank, int(digits))
    return rank, number
