"""Axes of numbers, durations, moments and text, linear and logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from runref.plot.columns import Column, Kind
from runref.plot.curves import shortened
from runref.plot.units import shown, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_CATEGORY = 22
"""Characters of a text at its tick."""
_NAMED = 40
"""Ticks with names that have room beside each other; of more, every second, third … is named."""
_ROW = 60
"""Characters that have room beside each other."""


def as_drawn(values: Sequence[float], kind: Kind, unit: float = 1.0) -> list[float]:
    """Return numbers as matplotlib takes them: durations in their unit, moments in days."""
    if kind == "moment":
        return [value / 86400 for value in values]
    return [value / unit for value in values] if kind == "duration" else list(values)


def prepare(axes: Axes, side: Literal["x", "y"], label: str, kind: Kind, *, log: bool) -> None:
    """Make one axis linear or logarithmic, with ticks for what it counts.

    Args:
        axes: What the axis belongs to.
        side: Which of the two.
        label: What it is called.
        kind: What its numbers mean.
        log: Whether it is logarithmic.
    """
    axis: Axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_label_text(shortened(label, 70 if side == "x" else 46))
    if kind == "moment":
        label_moments(axis)
    elif log:
        (axes.set_xscale if side == "x" else axes.set_yscale)("log")
        label_powers(axis)


def label_moments(axis: Axis) -> None:
    """Give an axis ticks for days since 1970 in UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def label_powers(axis: Axis) -> None:
    """Give a logarithmic axis plain numbers, more of them the fewer decades it has."""
    low, high = sorted(abs(edge) for edge in axis.get_view_interval())
    decades = math.log10(high / low) if low > 0 else 1.0
    subs = (1.0,) if decades > 2.5 else (1.0, 3.0) if decades > 1.2 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _place: shown(value)))
    axis.set_minor_formatter(NullFormatter())


def label_categories(axis: Axis, column: Column) -> None:
    """Name the places of texts on an axis."""
    names = column.categories
    every = -(-len(names) // _NAMED)
    axis.set_major_locator(FixedLocator(list(range(0, len(names), every))))
    texts = [shortened(name, _CATEGORY) for name in names]
    axis.set_major_formatter(FuncFormatter(lambda value, _place: _at(texts, value)))
    if axis is not axis.axes.xaxis:
        return
    if len(texts) > _NAMED // 2:
        axis.set_tick_params(rotation=90, labelsize=7.5)
    elif sum(map(len, texts)) > _ROW:
        axis.set_tick_params(rotation=30)
        for label in axis.get_ticklabels():
            label.set_horizontalalignment("right")


def whole_ticks(axis: Axis) -> None:
    """Have ticks at whole numbers only."""
    axis.set_major_locator(MaxNLocator(integer=True))


def unit_label(label: str, numbers: Sequence[float], kind: Kind) -> tuple[float, str]:
    """Return how large the unit of an axis is, and the axis's label with it."""
    if kind == "duration":
        size, unit = unit_of(numbers)
        return size, f"{label} ({unit})"
    return 1.0, f"{label} (UTC)" if kind == "moment" else label


def _at(texts: Sequence[str], value: float) -> str:
    place = round(value)
    return texts[place] if 0 <= place < len(texts) and abs(value - place) < 1e-6 else ""
