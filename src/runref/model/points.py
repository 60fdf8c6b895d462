"""One metric of a series file, as columns: what a curve is drawn from."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from runref.errors import ExitStatus, RunrefError
from runref.model.series import rows_of, segments
from runref.model.values import NON_FINITE

_Columns: TypeAlias = tuple[list[int], list[float], list[float]]

_PIECE = 1 << 18
"""Bytes parsed at once: what they become fits into the processor's cache."""
_PLAIN = frozenset({int, float, str})


class StepTooLarge(RunrefError):
    """A series has steps that no array of 64-bit integers can hold."""

    code = "step-too-large"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one metric, in the order in which they were logged.

    Attributes:
        step: Steps, signed 64-bit integers.
        elapsed: Seconds since the run started.
        value: Values; integers beyond 53 bits are rounded.
    """

    step: array[int]
    elapsed: array[float]
    value: array[float]

    def __len__(self) -> int:
        return len(self.step)


def read_points(files: Iterable[bytes], name: str) -> Points:
    """Return the points of one metric; none of them where it was not logged.

    Args:
        files: A rank's series files, in order.
        name: The metric.

    Raises:
        DamagedSeries: A file holds something else than log calls.
        StepTooLarge: A step does not fit into 64 bits.
    """
    points = Points(array("q"), array("d"), array("d"))
    for data in files:
        for piece in segments(data, _PIECE) if data.endswith(b"\n") else (data,):
            _extend(points, _plain_rows(piece, name) or _any_rows(piece, name), name)
    return points


def _extend(points: Points, columns: _Columns, name: str) -> None:
    steps, elapsed, values = columns
    try:
        points.step.extend(array("q", steps))
    except OverflowError as error:
        raise StepTooLarge(
            f"{name}: step {max(steps, key=abs)} does not fit into 64 bits",
            hint="The run has it whole: `git show REF:…/metrics.jsonl`.",
        ) from error
    points.elapsed.extend(array("d", elapsed))
    points.value.extend(array("d", values))


def _any_rows(data: bytes, name: str) -> _Columns:
    rows = [row for row in rows_of(data) if name in row.values]
    return (
        [row.step for row in rows],
        [row.elapsed for row in rows],
        [float(row.values[name]) for row in rows],
    )


def _plain_rows(data: bytes, name: str) -> _Columns | None:
    """Return the columns of lines without looking at other metrics; none where it takes more."""
    import orjson

    if b'"bytes:' in data or not data.endswith(b"\n"):
        return None
    collecting = gc.isenabled()
    gc.disable()  # the new lists and dictionaries make no cycles
    try:
        rows: list[dict[str, Any]] = orjson.loads(b"[" + data[:-1].replace(b"\n", b",") + b"]")
        if len(rows) != data.count(b"\n"):
            return None
        if set(map(type, rows)) != {dict} or set(map(len, rows)) != {3}:
            return None
        held: list[Mapping[str, Any]] = [row["values"] for row in rows]
        if set(map(type, held)) != {dict}:
            return None
        try:
            values = [each[name] for each in held]
        except KeyError:  # not in every line
            rows = [row for row in rows if name in row["values"]]
            values = [row["values"][name] for row in rows]
        steps, elapsed = [row["step"] for row in rows], [row["elapsed"] for row in rows]
        if set(map(type, steps)) - {int} or set(map(type, elapsed)) - {int, float}:
            return None
        kinds = set(map(type, values))
        if kinds - _PLAIN:
            return None
        if str in kinds:
            values = [NON_FINITE[each] if type(each) is str else each for each in values]
        return steps, elapsed, values
    except (orjson.JSONDecodeError, KeyError):
        return None
    finally:
        if collecting:
            gc.enable()
