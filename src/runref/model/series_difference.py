"""Where two series part, bit for bit. All functions are pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runref.model.difference import ADDED, CHANGED, REMOVED, same_value
from runref.model.record import MetricSummary
from runref.model.values import Number, decode_number

_PIECE = 4096
"""Points compared at once, before looking for the one that differs."""

LEFT, RIGHT = "left", "right"


@dataclass(slots=True)
class Points:
    """A series as it is being read.

    Attributes:
        steps: Step of each point, in the order of logging.
        values: Value of each point as the format writes it: NaN and infinities by name.
    """

    steps: list[int]
    values: list[Number | str]


@dataclass(frozen=True, slots=True)
class Parting:
    """The first point that two series do not share.

    Attributes:
        step: Its step; where the sides differ in it, the smaller one.
        equal: How many points before it are the same.
        left: Value of the left series; none where that has ended.
        right: Value of the right series; none where that has ended.
        ended: ``left`` or ``right`` where that series has no more points, else empty.
        last_step: Step of the last point that both have; none where there is no such point.
    """

    step: int
    equal: int
    left: Number | None
    right: Number | None
    ended: str = ""
    last_step: int | None = None


@dataclass(frozen=True, slots=True)
class MetricChange:
    """How a metric differs.

    Attributes:
        name: Name of the metric; of another rank than 0 with ``(rank 1)`` behind it.
        kind: ``added``, ``removed`` or ``changed``.
        left: Last value on the left.
        right: Last value on the right.
        left_summary: What the left series comes to, where the record says so.
        right_summary: What the right series comes to.
        parting: Where the series part; none where one side has none, or where a series could not
            be read.
    """

    name: str
    kind: str
    left: Number | None = None
    right: Number | None = None
    left_summary: MetricSummary | None = None
    right_summary: MetricSummary | None = None
    parting: Parting | None = None


def columns_of(
    rows: Iterable[Mapping[str, Any]], rank: int, into: dict[str, Points]
) -> dict[str, Points]:
    """Add the points of parsed lines of one rank to their series, and return the series."""
    suffix = f" (rank {rank})" if rank else ""
    for row in rows:
        step = row["step"]
        for name, value in row["values"].items():
            points = into.get(name + suffix)
            if points is None:
                points = into[name + suffix] = Points([], [])
            points.steps.append(step)
            points.values.append(value)
    return into


def find_parting(left: Points, right: Points) -> Parting | None:
    """Return the first point that differs in step or value; none where all are the same.

    NaN equals NaN, 1 equals 1.0, and 0.0 does not equal -0.0.
    """
    shared = min(len(left.steps), len(right.steps))
    at = _first_difference(left, right, shared)
    if at == len(left.steps) == len(right.steps):
        return None
    before = left.steps[at - 1] if at else None
    if at == shared:
        ended = LEFT if at == len(left.steps) else RIGHT
        longer = right if ended == LEFT else left
        value = decode_number(longer.values[at])
        was, now = (None, value) if ended == LEFT else (value, None)
        return Parting(longer.steps[at], at, was, now, ended, before)
    step = min(left.steps[at], right.steps[at])
    was, now = decode_number(left.values[at]), decode_number(right.values[at])
    return Parting(step, at, was, now, last_step=before)


def _first_difference(left: Points, right: Points, shared: int) -> int:
    for start in range(0, shared, _PIECE):
        end = min(start + _PIECE, shared)
        values = left.values[start:end]
        others = right.values[start:end]
        # Comparing whole lists is fast, and blind to the sign of zero.
        if values == others and left.steps[start:end] == right.steps[start:end] and 0 not in values:
            continue
        for at in range(start, end):
            if left.steps[at] != right.steps[at] or not same_value(
                left.values[at], right.values[at]
            ):
                return at
    return shared


def compare_metrics(
    summaries: tuple[Mapping[str, MetricSummary], Mapping[str, MetricSummary]],
    series: tuple[Mapping[str, Points], Mapping[str, Points]] | None,
) -> tuple[MetricChange, ...]:
    """Return how the metrics of two runs differ, in the order of their names.

    Args:
        summaries: What the records say of the series.
        series: The series themselves; none where they could not be read. Then only the summaries
            are compared.
    """
    names = {*summaries[0], *summaries[1]}
    if series is not None:
        names |= {*series[0], *series[1]}
    found = (_compare(name, summaries, series) for name in sorted(names))
    return tuple(change for change in found if change is not None)


def _compare(
    name: str,
    summaries: tuple[Mapping[str, MetricSummary], Mapping[str, MetricSummary]],
    series: tuple[Mapping[str, Points], Mapping[str, Points]] | None,
) -> MetricChange | None:
    left, right = summaries[0].get(name), summaries[1].get(name)
    points = (None, None) if series is None else (series[0].get(name), series[1].get(name))
    has_left, has_right = (left or points[0]) is not None, (right or points[1]) is not None
    kind = REMOVED if not has_right else ADDED if not has_left else CHANGED
    parting = None
    if points[0] is not None and points[1] is not None:
        parting = find_parting(points[0], points[1])
        if parting is None:
            return None
    elif kind == CHANGED and same_summary(left, right):
        return None
    return MetricChange(
        name, kind, _last(left, points[0]), _last(right, points[1]), left, right, parting
    )


def same_summary(left: MetricSummary | None, right: MetricSummary | None) -> bool:
    """Tell whether two series come to the same, NaN included."""
    if left is None or right is None:
        return left is right
    return all(
        same_value(getattr(left, name), getattr(right, name)) for name in MetricSummary.__slots__
    )


def _last(summary: MetricSummary | None, points: Points | None) -> Number | None:
    if summary is not None:
        return summary.last
    return None if points is None else decode_number(points.values[-1])
