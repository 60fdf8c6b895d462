"""Drawing a point for each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from matplotlib.lines import Line2D

from runref.plot.charts import ScatterChart
from runref.plot.columns import Column
from runref.plot.drawing.axes import as_drawn, label_categories, prepare, unit_label, whole_ticks
from runref.plot.drawing.colours import NumberColours, colour_at, group_of, groups
from runref.plot.drawing.style import COLOURS, MARKERS, legend, new_figure, set_title, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 200
"""Points up to which they are large."""


def draw_scatter(chart: ScatterChart) -> Figure:
    """Return a figure with a point for each run that has x and y."""
    with styled():
        by_text = chart.color is not None and chart.color.kind == "text"
        names = groups(chart.color) if by_text and chart.color else []
        figure = new_figure(7.2 + (2.0 if names else 0.6 if chart.color else 0), 4.8)
        axes = figure.subplots()
        x = _axis(axes, "x", chart.x, log=chart.log_x)
        y = _axis(axes, "y", chart.y, log=chart.log_y)
        size = 6.5 if len(x) <= _FEW else 4.0
        if chart.color is not None and not by_text:
            colours = NumberColours(chart.color)
            paint = [colours.of(number) for number in chart.color.numbers]
            axes.scatter(x, y, s=size**2, c=paint, **_EDGE)
            colours.explain(figure, axes)
        elif chart.color is None:
            axes.scatter(x, y, s=size**2, c=COLOURS[0], **_EDGE)
        else:
            _draw_groups(axes, chart.color, list(zip(x, y, strict=True)), size)
            handles = [Line2D([], [], linestyle="none", **_look(i)) for i in range(len(names))]
            legend(figure, axes, handles, names, inside=False, title=chart.color.name)
        set_title(axes, chart.title)
        _finish(axes, chart)
    return figure


_EDGE: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.6, "alpha": 0.9, "zorder": 2}


def _look(place: int) -> dict[str, Any]:
    marker = MARKERS[place % len(MARKERS)]
    return {"color": colour_at(place), "marker": marker, "markersize": 6.5}


def _draw_groups(
    axes: Axes, color: Column, points: Sequence[tuple[float, float]], size: float
) -> None:
    for place, name in enumerate(groups(color)):
        held = zip(points, color.values, strict=True)
        shown = [point for point, value in held if group_of(value) == name]
        look = _look(place)
        axes.scatter(
            [x for x, _ in shown],
            [y for _, y in shown],
            s=size**2,
            c=look["color"],
            marker=look["marker"],
            **_EDGE,
        )


def _axis(axes: Axes, side: Literal["x", "y"], column: Column, *, log: bool) -> list[float]:
    """Make an axis ready for a column and return the column's numbers as they are drawn."""
    unit, label = unit_label(column.name, column.numbers, column.kind)
    prepare(axes, side, label, column.kind, log=log)
    return as_drawn(column.numbers, column.kind, unit)


def _finish(axes: Axes, chart: ScatterChart) -> None:
    """Choose ticks, now that it is known from where to where the axes reach."""
    axes.margins(0.06)
    for side, column, log in (("x", chart.x, chart.log_x), ("y", chart.y, chart.log_y)):
        axis = axes.xaxis if side == "x" else axes.yaxis
        if column.kind == "text":
            label_categories(axis, column)
            if side == "x":
                axes.set_xlim(-0.5, len(column.categories) - 0.5)
        elif column.kind == "moment" and len(set(column.numbers)) == 1:
            (place,) = as_drawn(column.numbers[:1], "moment")
            axis.set_view_interval(place - 1 / 24, place + 1 / 24, ignore=True)
        elif column.kind == "number" and log:
            prepare(axes, "x" if side == "x" else "y", column.name, column.kind, log=True)
        elif column.kind == "number" and all(n.is_integer() for n in column.numbers):
            whole_ticks(axis)
