"""Drawing how many runs have which value."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from runref.plot.charts import HistogramChart
from runref.plot.drawing.axes import as_drawn, prepare, unit_label, whole_ticks
from runref.plot.drawing.colours import colour_at
from runref.plot.drawing.style import legend, new_figure, set_title, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo", "--")
"""Bars of one colour differ in these."""


def draw_histogram(chart: HistogramChart) -> Figure:
    """Return a figure with a bar for each bin, those of several colours stacked."""
    with styled():
        coloured = bool(chart.color)
        figure = new_figure(7.2 + (2.0 if coloured else 0), 4.5)
        axes = figure.subplots()
        kind = chart.column.kind
        unit, label = unit_label(chart.column.name, chart.edges, kind)
        edges = as_drawn(chart.edges, kind, unit)
        below = [0] * (len(edges) - 1)
        widths = [high - low for low, high in pairwise(edges)]
        for place, bars in enumerate(chart.bars):
            axes.bar(
                edges[:-1],
                bars.counts,
                widths,
                bottom=below,
                align="edge",
                color=colour_at(place),
                hatch=_HATCHES[place // 7 % len(_HATCHES)],
                edgecolor="white",
                linewidth=0.8,
            )
            below = [b + c for b, c in zip(below, bars.counts, strict=True)]
        prepare(axes, "x", label, kind, log=chart.log_x)
        prepare(axes, "y", "runs", "number", log=chart.log_y)
        if not chart.log_y:
            whole_ticks(axes.yaxis)
        axes.grid(visible=False, axis="x")
        set_title(axes, chart.title)
        if coloured:
            handles = [
                Patch(facecolor=colour_at(i), hatch=_HATCHES[i // 7 % len(_HATCHES)], ec="white")
                for i in range(len(chart.bars))
            ]
            names = [bars.label for bars in chart.bars]
            legend(figure, axes, handles, names, inside=False, title=chart.color)
    return figure
