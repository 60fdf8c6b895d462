"""Counting values into bins."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

_MOST = 100
"""Bins beyond which bars are thinner than they can be told apart."""


def bin_edges(
    values: Sequence[float], bins: int | None = None, *, log: bool = False
) -> list[float]:
    """Return where bins begin and end: one more edge than bins.

    Without a number of bins, the larger of Sturges' (for few values) and Freedman and Diaconis'
    (for many) is taken, at most 100. Equal values get one bin around them.

    Args:
        values: Finite numbers, at least one; above zero where `log`.
        bins: How many.
        log: Make them equally wide on a logarithmic axis.
    """
    scaled = sorted(math.log10(v) if log else v for v in values)
    low, high = scaled[0], scaled[-1]
    if low == high or not math.isfinite(high - low):
        width = 0.05 if log else abs(low) * 0.05 or 0.5
        low, high = low - width, high + width
        bins = bins or 1
    count = bins or _count(scaled)
    edges = [low + (high - low) * (at / count) for at in range(count)] + [high]
    if not log:
        return edges
    powers = [10**edge for edge in edges]
    powers[0] = min(powers[0], *values)
    powers[-1] = max(powers[-1], *values)
    return powers


def counted(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Return how many values lie in each bin; the last one has both of its edges."""
    counts = [0] * (len(edges) - 1)
    for value in values:
        at = bisect_right(edges, value) - 1
        counts[min(max(at, 0), len(counts) - 1)] += 1
    return counts


def _count(ordered: Sequence[float]) -> int:
    number, reach = len(ordered), ordered[-1] - ordered[0]
    sturges = math.ceil(math.log2(number)) + 1
    middle_half = ordered[(3 * number) // 4] - ordered[number // 4]
    width = 2 * middle_half / number ** (1 / 3)
    freedman = math.ceil(reach / width) if width > reach / _MOST else sturges
    return max(1, min(max(sturges, freedman), _MOST))
