"""Points, lines and bars coloured by a column: numbers by a bar of colours, text by a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize

from runref.model.grouping import ABSENT
from runref.plot.columns import Column, spans_decades
from runref.plot.curves import shortened
from runref.plot.drawing.axes import as_drawn, label_moments, label_powers, unit_label
from runref.plot.drawing.style import COLOUR_MAP, COLOURS, MISSING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def groups(column: Column) -> list[str]:
    """Return the texts of a column in the order of the legend, `ABSENT` last if any run is so."""
    absent = [ABSENT] if any(value is None for value in column.values) else []
    return [*(name for name in column.categories if name != ABSENT), *absent] or [ABSENT]


def group_of(value: object) -> str:
    """Return the group that a value belongs to."""
    return ABSENT if value is None else str(value)


def colour_at(place: int) -> str:
    """Return the colour of the group at a place of the legend."""
    return COLOURS[place % len(COLOURS)]


class NumberColours:
    """Colours for the numbers of a column, and the bar that explains them."""

    def __init__(self, column: Column) -> None:
        numbers = column.numbers
        self._unit, self._label = unit_label(column.name, numbers, column.kind)
        self._kind = column.kind
        drawn = [v for v in as_drawn(numbers, column.kind, self._unit) if v == v]  # noqa: PLR0124
        low, high = min(drawn, default=0.0), max(drawn, default=1.0)
        if low == high:
            margin = abs(low) * 0.05 or 0.5
            low, high = low - margin, high + margin
        self._log = column.kind != "moment" and spans_decades(drawn)
        norm = LogNorm(low, high) if self._log else Normalize(low, high)
        self._map = ScalarMappable(norm, COLOUR_MAP)

    def of(self, number: float) -> Any:
        """Return the colour of a number; grey for NaN."""
        (drawn,) = as_drawn([number], self._kind, self._unit)
        if drawn != drawn:  # noqa: PLR0124 - NaN
            return MISSING
        return tuple(self._map.to_rgba(np.array([drawn]))[0])

    def explain(self, figure: Figure, axes: Axes) -> None:
        """Put the bar beside the axes."""
        bar = figure.colorbar(self._map, ax=axes, pad=0.02, aspect=30)
        bar.outline.set_visible(False)
        bar.set_label(shortened(self._label, 60))
        bar.ax.grid(visible=False)
        bar.ax.minorticks_off()
        if self._kind == "moment":
            label_moments(bar.ax.yaxis)
        elif self._log:
            label_powers(bar.ax.yaxis)
