"""Drawing parallel coordinates: an axis for each column, a line for each run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from runref.plot.charts import ParallelChart
from runref.plot.columns import Column
from runref.plot.curves import isolated, shortened
from runref.plot.drawing.colours import NumberColours, colour_at, group_of, groups
from runref.plot.drawing.style import legend, new_figure, set_title, styled
from runref.plot.scales import Scale, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MANY = 20
"""Lines up to which they are drawn bold."""
_TICK = 14
"""Characters of a tick's label."""


def draw_parallel(chart: ParallelChart) -> Figure:
    """Return a figure with a line for each run; a value that a run lacks is a gap in its line."""
    with styled():
        last = chart.columns[-1]
        names = groups(last) if last.kind == "text" else []
        width = max(7.2, 1.7 * len(chart.columns) + 1.2)
        figure = new_figure(width + (2.0 if names else 0.6), 4.8)
        axes = figure.subplots()
        scales = [
            scale_of(column, log=log) for column, log in zip(chart.columns, chart.log, strict=True)
        ]
        if names:
            colours = [colour_at(names.index(group_of(value))) for value in last.values]
            handles = [Line2D([], [], color=colour_at(at), lw=2) for at in range(len(names))]
            legend(figure, axes, handles, names, inside=False, title=last.name)
        else:
            by_number = NumberColours(last)
            colours = [by_number.of(number) for number in last.numbers]
            by_number.explain(figure, axes)
        _draw_lines(axes, chart.columns, scales, colours)
        _draw_axes(axes, chart.columns, scales)
        set_title(axes, chart.title)
    return figure


def _draw_lines(
    axes: Axes, columns: Sequence[Column], scales: Sequence[Scale], colours: Sequence[object]
) -> None:
    heights = [
        [scale.height(number) for number in column.numbers]
        for column, scale in zip(columns, scales, strict=True)
    ]
    places = list(range(len(columns)))
    bold = len(colours) <= _MANY
    for run, colour in enumerate(colours):
        line = [column[run] for column in heights]
        axes.plot(places, line, color=colour, lw=1.8 if bold else 1.1, alpha=0.9 if bold else 0.7)
        if alone := isolated(line):
            marks = [line[at] for at in alone]
            axes.plot(alone, marks, color=colour, marker="o", markersize=4, linestyle="none")


def _draw_axes(axes: Axes, columns: Sequence[Column], scales: Sequence[Scale]) -> None:
    """Draw the upright axes with their ticks; the frame of the figure goes."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(visible=False)
    axes.set_yticks([])
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlim(-0.45, len(columns) - 1 + 0.45)
    texts = [
        shortened(column.name, 22) + ("\n(log)" if scale.log else "")
        for column, scale in zip(columns, scales, strict=True)
    ]
    axes.set_xticks(range(len(columns)), texts)
    axes.tick_params(axis="x", length=0, pad=6)
    back = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    for place, scale in enumerate(scales):
        axes.plot([place, place], [0, 1], color="#404040", lw=1.0, zorder=3)
        for number, label in scale.ticks():
            height = scale.height(number)
            if math.isnan(height):
                continue
            axes.plot([place - 0.02, place + 0.02], [height] * 2, color="#404040", lw=1, zorder=3)
            axes.text(
                place - 0.04,
                height,
                shortened(label, _TICK),
                ha="right",
                va="center",
                fontsize=8.5,
                zorder=4,
                bbox=back,
            )
