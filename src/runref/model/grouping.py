"""Runs that have values in common, and what their other values come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = "(none)"
"""What the group of those is called that have no value in common: no value looks like it."""


def _mean(values: Sequence[float]) -> float:
    numbers = list(map(_float, values))
    if not all(map(math.isfinite, numbers)):
        return sum(numbers) / len(numbers)
    try:
        return math.fsum(numbers) / len(numbers)
    except OverflowError:  # the sum is beyond the range of a float; the mean is not
        return math.fsum(number / len(numbers) for number in numbers)


def _std(values: Sequence[float]) -> float | None:
    import statistics

    if len(values) < 2:
        return None
    numbers = list(map(_float, values))
    try:
        return statistics.stdev(numbers) if all(map(math.isfinite, numbers)) else math.nan
    except OverflowError:
        return math.inf


def _median(values: Sequence[float]) -> float:
    import statistics

    try:
        return statistics.median(values)
    except OverflowError:
        return statistics.median(map(_float, values))


def _sum(values: Sequence[float]) -> float:
    numbers = list(map(_float, values))
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # too large, or infinities of both signs
        return sum(numbers)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf


AGGREGATES: Mapping[str, Callable[[Sequence[float]], float | int | None]] = {
    "mean": _mean,
    "std": _std,
    "count": len,
    "min": min,
    "max": max,
    "median": _median,
    "sum": _sum,
}
"""What numbers can come to. ``std`` is that of a sample (n - 1); one number has none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that have the same values under some names.

    Attributes:
        key: Those values; none where they are missing.
        runs: How many runs.
        values: For each other column, what its numbers come to, by the name of the aggregate;
            empty where no run has a number there.
    """

    key: tuple[Any, ...]
    runs: int
    values: tuple[Mapping[str, float | int | None], ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """The groups, in the order of their keys.

    Attributes:
        groups: The groups.
        left_out: For each column, how many values are no numbers, or NaN, and were left out.
    """

    groups: tuple[Group, ...]
    left_out: tuple[int, ...]


def group(rows: Iterable[Sequence[Any]], by: int, aggregates: Sequence[str]) -> Grouped:
    """Group rows by their first values, and reduce the others.

    Args:
        rows: Rows of equal length; none stands for what is missing.
        by: How many values, from the first, make the key.
        aggregates: Names of `AGGREGATES`.
    """
    held: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
    keys: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    width = 0
    for row in rows:
        width = len(row) - by
        exact = tuple(map(_exact, row[:by]))
        keys.setdefault(exact, tuple(row[:by]))
        held.setdefault(exact, []).append(row[by:])
    left_out = [0] * width
    groups = []
    for exact, members in held.items():
        columns = []
        for place, column in enumerate(zip(*members, strict=True)):
            numbers = [value for value in column if _is_number(value)]
            present = sum(value is not None for value in column)
            left_out[place] += present - len(numbers)
            columns.append(_reduced(numbers, aggregates))
        groups.append(Group(keys[exact], len(members), tuple(columns)))
    groups.sort(key=lambda each: tuple(map(order_of, each.key)))
    return Grouped(tuple(groups), tuple(left_out))


def order_of(value: Any) -> tuple[int, Any]:
    """Return what a value is sorted by: numbers, NaN, then text and lists, then what is missing."""
    if value is None:
        return 3, 0
    if isinstance(value, (bool, int, float)):
        return (1, 0) if value != value else (0, value)  # noqa: PLR0124 - NaN
    return 2, str(value)


def _reduced(
    numbers: Sequence[float], aggregates: Sequence[str]
) -> Mapping[str, float | int | None]:
    if not numbers:
        return {name: 0 for name in aggregates if name == "count"}
    return {name: AGGREGATES[name](numbers) for name in aggregates}


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and not math.isnan(value))


def _exact(value: Any) -> tuple[str, Any]:
    """Return what the values of one group have in common: True is not 1, and NaN is NaN."""
    if isinstance(value, (list, Mapping)):
        return "parts", repr(value)
    if isinstance(value, float) and math.isnan(value):
        return "nan", None
    return "bool" if isinstance(value, bool) else "", value
