"""Drawing curves and bands, one metric in each panel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from runref.plot.charts import CurvesChart, Panel
from runref.plot.columns import Kind
from runref.plot.curves import Curve, above_zero, drawable, isolated, shortened, thinned
from runref.plot.drawing.axes import as_drawn, prepare, unit_label, whole_ticks
from runref.plot.drawing.style import (
    COLOURS,
    DASHES,
    legend,
    legend_columns,
    new_figure,
    set_title,
    styled,
)
from runref.plot.grouping import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MANY = 14
"""Curves up to which lines are drawn bold."""
_PALE = 0.25
"""How much of a raw line is seen behind the smoothed one."""
_KINDS: dict[str, Kind] = {"step": "number", "time": "duration", "wall": "moment"}
_LABELS = {"step": "step", "time": "time since the start", "wall": "time"}


def draw_curves(chart: CurvesChart) -> Figure:
    """Return a figure with one line for each run, or a mean with a band for each group.

    Values that are NaN or infinite are gaps; a value with gaps on both sides, or alone, is a dot.
    """
    with styled():
        labels, kind = chart.labels(), _KINDS[chart.x]
        grid = _grid(len(chart.panels))
        beside = legend_columns(len(labels)) or (len(chart.panels) > 1 and len(labels) > 1)
        figure = new_figure(*_size(grid, int(beside), alone=len(chart.panels) <= 1))
        every_x = [x for panel in chart.panels for each in _all(panel) for x in each.x]
        unit, x_label = unit_label(_LABELS[chart.x], every_x, kind)
        pen = _Pen(chart, kind, unit)
        # Of each panel, as a column's lowest one, which has the label, may be in the row above.
        cells = figure.subplots(*grid, sharex=True, squeeze=False).flatten()
        for axes, panel in zip(cells, chart.panels, strict=False):
            pen.draw(axes, panel)
        for place, axes in enumerate(cells[: len(chart.panels) or 1]):
            lowest = place + grid[1] >= len(chart.panels)
            prepare(axes, "x", x_label if lowest else "", kind, log=chart.log_x)
            axes.tick_params(labelbottom=lowest)
            axes.margins(x=0.02)
        for axes in cells[len(chart.panels) or 1 :]:
            axes.set_visible(False)
        if kind == "number" and not chart.log_x and all(float(x).is_integer() for x in every_x):
            whole_ticks(cells[0].xaxis)
        if len(chart.panels) > 1 and chart.title:
            figure.suptitle(shortened(chart.title, 60), fontsize=11, x=0.01, ha="left")
        elif chart.title:
            set_title(cells[0], chart.title)
        if labels:
            names = [pen.label(key, label) for key, label in labels.items()]
            handles = [pen.handles[key] for key in labels]
            legend(figure, cells[0], handles, names, inside=not beside)
    return figure


class _Pen:
    """Draws every run, or group, in one look in all panels."""

    def __init__(self, chart: CurvesChart, kind: Kind, unit: float) -> None:
        self._chart, self._kind, self._unit = chart, kind, unit
        self._place = {key: place for place, key in enumerate(chart.keys())}
        self._width = 1.5 if len(self._place) <= _MANY else 0.9
        self._finite: set[str] = set()
        self.handles: dict[str, Line2D] = {}

    def draw(self, axes: Axes, panel: Panel) -> None:
        """Draw one panel."""
        # A low panel has room for a short name only.
        name = panel.metric if len(self._chart.panels) <= 1 else shortened(panel.metric, 26)
        prepare(axes, "y", name, "number", log=False)
        for band in panel.bands:
            self._band(axes, band)
        for curve in panel.curves:
            self._curve(axes, curve)
        if self._chart.log_y:
            prepare(axes, "y", name, "number", log=True)

    def label(self, key: str, label: str) -> str:
        """Return what the legend says."""
        return label if key in self._finite else f"{shortened(label, 30)} (no finite value)"

    def _curve(self, axes: Axes, curve: Curve) -> None:
        look = self._look(curve.key)
        if curve.smooth:
            self._line(axes, curve.x, curve.values, look | {"alpha": _PALE, "zorder": 1.5})
        dotted = self._line(axes, curve.x, curve.smooth or curve.values, look)
        self._remember(curve.key, curve.values, look, dotted=dotted)

    def _band(self, axes: Axes, band: Band) -> None:
        look = self._look(band.key)
        x, low, high = self._x(band.x), self._y(band.low), self._y(band.high)
        if self._chart.log_y:  # a band that reaches below zero ends at the axis
            floor = min((v for v in self._y(band.mean) if v > 0), default=1.0) / 10
            low = [floor if math.isnan(v) and h > 0 else v for v, h in zip(low, high, strict=True)]
        axes.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0)
        if len(band.raw):
            self._line(axes, band.x, band.raw, look | {"alpha": _PALE, "zorder": 1.5})
        dotted = self._line(axes, band.x, band.mean, look)
        self._remember(band.key, band.mean, look, dotted=dotted)

    def _look(self, key: str) -> dict[str, Any]:
        place = self._place[key]
        return {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": DASHES[place // len(COLOURS) % len(DASHES)],
            "linewidth": self._width,
        }

    def _line(
        self, axes: Axes, x: Sequence[float], values: Sequence[float], look: dict[str, Any]
    ) -> bool:
        """Draw a line and tell whether it consists of dots only."""
        across = self._x(x)
        along = [
            math.nan if math.isnan(x) else value
            for x, value in zip(across, self._y(values), strict=True)
        ]
        kept = thinned(along)
        axes.plot([across[at] for at in kept], [along[at] for at in kept], **look)
        alone = isolated(along)
        if not alone:
            return False
        axes.plot([across[at] for at in alone], [along[at] for at in alone], **_dots(look))
        return len(alone) == sum(not math.isnan(value) for value in along)

    def _remember(
        self, key: str, values: Sequence[float], look: dict[str, Any], *, dotted: bool
    ) -> None:
        if not all(math.isnan(value) for value in drawable(values)):
            self._finite.add(key)
        if key not in self.handles or not dotted:
            self.handles[key] = Line2D([], [], **(_dots(look) if dotted else look))

    def _x(self, x: Sequence[float]) -> list[float]:
        places = above_zero(x) if self._chart.log_x else x
        return as_drawn(places, self._kind, self._unit)

    def _y(self, values: Sequence[float]) -> list[float]:
        drawn = drawable(values)
        return above_zero(drawn) if self._chart.log_y else drawn


def _dots(look: dict[str, Any]) -> dict[str, Any]:
    return look | {"linestyle": "none", "marker": "o", "markersize": 5}


def _all(panel: Panel) -> Sequence[Curve | Band]:
    return [*panel.curves, *panel.bands]


def _grid(panels: int) -> tuple[int, int]:
    """Return rows and columns for so many panels."""
    columns = 1 if panels <= 3 else 2 if panels <= 8 else 3
    return max(1, -(-panels // columns)), columns


def _size(grid: tuple[int, int], beside: int, *, alone: bool) -> tuple[float, float]:
    """Return width and height in inches, the legend included."""
    rows, columns = grid
    legend_width = 2.6 * beside
    if alone:
        return 7.2 + legend_width, 5.4 if beside else 4.5
    return {1: 7.2, 2: 9.6, 3: 12.6}[columns] + legend_width, max(5.4, 2.5 * rows + 0.4)
