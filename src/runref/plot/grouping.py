"""Curves of several runs as one mean with a band around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runref.plot.curves import Curve, drawable

Spread = Literal["std", "minmax"]


@dataclass(frozen=True, slots=True)
class Band:
    """The runs of one group, aligned on their steps, in the order of steps.

    Attributes:
        label: What the legend calls it.
        x: The steps at which at least one run has a finite value.
        mean: The mean there.
        low: The lower edge of the band.
        high: The upper edge.
        count: How many runs have a value there.
        runs: Ids of the runs.
        raw: The mean before smoothing; none where nothing is smoothed.
    """

    label: str
    x: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    count: Sequence[int]
    runs: Sequence[str]
    raw: Sequence[float] = ()

    @property
    def key(self) -> str:
        """What has one colour in all panels."""
        return self.label


def grouped(label: str, curves: Sequence[Curve], spread: Spread = "std") -> Band:
    """Return the mean of curves and what they are spread over.

    Of a run that logged a step twice, the last value counts. The standard deviation is that of a
    sample (divided by n - 1), and zero for a single run.

    Args:
        label: What the legend calls the group.
        curves: The runs; smoothed ones count as smoothed.
        spread: ``std`` for one standard deviation to both sides, ``minmax`` for all values.
    """
    at = _by_step([(curve.x, curve.smooth or curve.values) for curve in curves])
    steps = sorted(at)
    means = [_mean(at[step]) for step in steps]
    edges = [_edges(at[step], mean, spread) for step, mean in zip(steps, means, strict=True)]
    raw: list[float] = []
    if any(len(curve.smooth) for curve in curves):
        unsmoothed = _by_step([(curve.x, curve.values) for curve in curves])
        raw = [_mean(unsmoothed[step]) for step in steps]
    return Band(
        label,
        steps,
        means,
        [low for low, _ in edges],
        [high for _, high in edges],
        [len(at[step]) for step in steps],
        [curve.run for curve in curves],
        raw,
    )


def _by_step(
    series: Sequence[tuple[Sequence[float], Sequence[float]]],
) -> dict[float, list[float]]:
    """Return the finite values at each step, one of each series that has one."""
    at: dict[float, list[float]] = {}
    for steps, values in series:
        last = {
            step: value
            for step, value in zip(steps, drawable(values), strict=True)
            if not math.isnan(value)
        }
        for step, value in last.items():
            at.setdefault(step, []).append(value)
    return at


def _mean(values: Sequence[float]) -> float:
    # Rounding must not move the mean of equal values off them.
    return min(max(math.fsum(values) / len(values), min(values)), max(values))


def _edges(values: Sequence[float], mean: float, spread: Spread) -> tuple[float, float]:
    if spread == "minmax":
        return min(values), max(values)
    if len(values) < 2:
        return mean, mean
    # Divided by the largest first, as squares of large numbers are beyond the range of a float.
    largest = max(abs(value - mean) for value in values) or 1.0
    squares = math.fsum(((value - mean) / largest) ** 2 for value in values)
    deviation = largest * math.sqrt(squares / (len(values) - 1))
    return mean - deviation, mean + deviation
