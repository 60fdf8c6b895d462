"""One metric of a series file, as columns: what a curve is drawn from."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runref.errors import ExitStatus, RunrefError
from runref.model.series import rows_of
from runref.model.values import NON_FINITE

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
    steps: list[int] = []
    elapsed: list[float] = []
    values: list[float] = []
    for data in files:
        rows = _plain_rows(data, name)
        if rows is None:
            parsed = [row for row in rows_of(data) if name in row.values]
            columns = (
                [row.step for row in parsed],
                [row.elapsed for row in parsed],
                [float(row.values[name]) for row in parsed],
            )
        else:
            columns = rows
        steps += columns[0]
        elapsed += columns[1]
        values += columns[2]
    try:
        return Points(array("q", steps), array("d", elapsed), array("d", values))
    except OverflowError as error:
        raise StepTooLarge(
            f"{name}: step {max(steps, key=abs)} does not fit into 64 bits",
            hint="The run has it whole: `git show REF:…/metrics.jsonl`.",
        ) from error


def _plain_rows(data: bytes, name: str) -> tuple[list[int], list[float], list[float]] | None:
    """Return the columns of a file without looking at other metrics; none where it takes more."""
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
