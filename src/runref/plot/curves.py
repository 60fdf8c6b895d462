"""What a plot of series shows, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LIMIT = 1e300
"""Beyond it, the height of the axes is no number any more."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One run's values of a metric, in the order in which they were logged.

    Attributes:
        label: What the legend calls it.
        x: Where the values stand on the x axis, in the order they are joined: steps, seconds since
            the run started, or seconds since 1970.
        values: As many; NaN and infinities are gaps.
        smooth: As many smoothed values; none where nothing is smoothed.
        run: Id of the run; curves of one run have one colour in all panels.
    """

    label: str
    x: Sequence[float]
    values: Sequence[float]
    smooth: Sequence[float] = ()
    run: str = ""

    def __post_init__(self) -> None:
        if len(self.x) != len(self.values):
            raise ValueError(f"{len(self.x)} steps for {len(self.values)} values")
        if len(self.smooth) not in (0, len(self.values)):
            raise ValueError(f"{len(self.smooth)} smoothed for {len(self.values)} values")

    @property
    def key(self) -> str:
        """What has one colour in all panels."""
        return self.run or self.label


def drawable(values: Sequence[float]) -> list[float]:
    """Return the values with NaN for each that cannot be drawn: NaN, infinities, beyond 1e300."""
    return [float(value) if -_LIMIT <= value <= _LIMIT else math.nan for value in values]


def above_zero(values: Sequence[float]) -> list[float]:
    """Return the values with NaN for each that cannot stand on a logarithmic axis."""
    return [value if value > 0 else math.nan for value in values]


def isolated(values: Sequence[float]) -> list[int]:
    """Return where a value stands between gaps: no line leads to it, so it needs a mark."""
    drawn = [False, *(not math.isnan(value) for value in values), False]
    return [
        index
        for index in range(len(values))
        if drawn[index + 1] and not drawn[index] and not drawn[index + 2]
    ]


def thinned(values: Sequence[float], stretches: int = 2000) -> list[int]:
    """Return which values to draw of a long series so that the picture stays the same.

    The series is cut into stretches narrower than a pixel; of each, the first and last value, the
    smallest and largest, and a gap are kept. A short series is kept whole.

    Args:
        values: The values, with NaN for gaps.
        stretches: More than the axes are pixels wide.
    """
    if len(values) <= 5 * stretches:
        return list(range(len(values)))
    kept: set[int] = set()
    for part in range(stretches):
        start = part * len(values) // stretches
        end = (part + 1) * len(values) // stretches
        present = [at for at in range(start, end) if not math.isnan(values[at])]
        kept |= {start, end - 1}
        if present:
            kept |= {min(present, key=values.__getitem__), max(present, key=values.__getitem__)}
        if len(present) < end - start:
            kept.add(next(at for at in range(start, end) if math.isnan(values[at])))
    return sorted(kept)


def shortened(label: str, limit: int) -> str:
    """Return a label of at most `limit` characters on one line; the middle goes, as ends differ."""
    line = " ".join(label.split())
    if len(line) <= limit:
        return line
    head = limit // 2
    return f"{line[:head]}…{line[head + 1 - limit :]}"
