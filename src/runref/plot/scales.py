"""Where values stand on an axis from 0 to 1, and which of them are named there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from runref.plot.columns import Column, Kind
from runref.plot.units import moment, shown, unit_of

_CATEGORIES = 12
"""Texts that are named on one axis; of more, every second, third and so on is."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """From numbers to heights between 0 and 1.

    Attributes:
        low: The number at 0; the logarithm of it where `log`.
        high: The number at 1, likewise.
        log: Whether the axis is logarithmic.
        kind: What the numbers mean.
        names: The texts that the numbers stand for.
        only: The number that all values are, where they are one; it stands in the middle.
    """

    low: float
    high: float
    log: bool = False
    kind: Kind = "number"
    names: tuple[str, ...] = ()
    only: float | None = None

    def height(self, number: float) -> float:
        """Return where a number stands; NaN where it cannot."""
        if self.log:
            number = math.log10(number) if number > 0 else math.nan
        # Halves first: the whole may be beyond the range of a float.
        return (number / 2 - self.low / 2) / (self.high / 2 - self.low / 2)

    def ticks(self, about: int = 5) -> list[tuple[float, str]]:
        """Return the numbers to name and what they are called, from low to high.

        Args:
            about: How many.
        """
        if self.names:
            every = -(-len(self.names) // _CATEGORIES)
            return [(float(at), name) for at, name in enumerate(self.names) if at % every == 0]
        if self.only is not None:
            return [(self.only, shown(self.only, self.kind))]
        if self.log:
            return [(10**power, shown(10**power)) for power in self._powers(about)]
        unit, name = unit_of([abs(self.low), abs(self.high)])
        unit, name = (unit, f" {name}") if self.kind == "duration" else (1.0, "")
        places = _round_numbers(self.low / unit, self.high / unit, about)
        if self.kind == "moment":
            reach = self.high - self.low
            return [(place, moment(place, reach)) for place in places]
        digits = _digits(places)
        return [(place * unit, f"{_plain(place, digits)}{name}") for place in places]

    def _powers(self, about: int) -> list[float]:
        """Return the logarithms of the numbers to name: whole powers of ten if there are enough."""
        low, high = math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9)
        if high - low >= 1:
            every = max(1, -(-(high - low) // about))
            return [float(power) for power in range(low, high + 1, every)]
        subs = [math.log10(sub) for sub in (1, 2, 3, 5, 7)]
        start = math.floor(self.low)
        found = [start + shift + sub for shift in (0, 1) for sub in subs]
        within = [each for each in found if self.low - 1e-9 <= each <= self.high + 1e-9]
        return within if len(within) > 1 else [self.low, self.high]


def scale_of(column: Column, *, log: bool) -> Scale:
    """Return the scale on which all values of a column stand."""
    if column.kind == "text":
        names = tuple(column.categories)
        margin = 0.5 if len(names) == 1 else 0.0
        return Scale(-margin, max(len(names) - 1, 0) + margin, names=names)
    return number_scale(column.numbers, log=log, kind=column.kind)


def number_scale(numbers: list[float], *, log: bool = False, kind: Kind = "number") -> Scale:
    """Return the scale from the smallest to the largest number; equal ones stand in the middle."""
    present = [n for n in numbers if not math.isnan(n) and (n > 0 or not log)]
    ends = (min(present), max(present)) if present else (1.0, 1.0)
    low, high = (math.log10(end) for end in ends) if log else ends
    only = ends[0] if present and ends[0] == ends[1] else None
    if low == high:
        margin = 0.5 if log else abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
    return Scale(low, high, log, kind, only=only)


def _round_numbers(low: float, high: float, about: int) -> list[float]:
    """Return round numbers between two others, about so many."""
    reach = high - low
    if not math.isfinite(reach):
        return [low, high]
    rough = reach / about
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.0
    if power == 0 or reach < abs(high) * 1e-12:
        return [low, high]
    step = next(power * factor for factor in _STEPS if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _digits(places: list[float]) -> int:
    """Return how many digits after the point tell round numbers apart; -1 for scientific ones."""
    largest = max(map(abs, places), default=0.0)
    if largest >= 1e6 or (largest and largest < 1e-4):
        return -1
    for digits in range(8):
        if all(abs(place - round(place, digits)) <= largest * 1e-9 for place in places):
            return digits
    return -1


def _plain(place: float, digits: int) -> str:
    return f"{place:.4g}" if digits < 0 else f"{place + 0.0:.{digits}f}"
