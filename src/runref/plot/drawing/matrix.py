"""Drawing a confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runref.plot.charts import MatrixChart
from runref.plot.curves import shortened
from runref.plot.drawing.style import new_figure, set_title, styled
from runref.plot.units import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COUNTED = 60
"""Classes up to which counts are written into the cells."""
_CELL = 0.36
"""Inches that a cell takes, where there is room for all."""


def draw_matrix(chart: MatrixChart) -> Figure:
    """Return a figure with a cell for each pair of classes: counts, shaded by the row's shares."""
    with styled():
        count = len(chart.labels)
        longest = max((len(shortened(label, 18)) for label in chart.labels), default=1)
        side = min(max(3.6, (_CELL + 0.05 * (count < 12)) * count), 15.0)
        figure = new_figure(side + 1.6 + 0.07 * longest, side + 0.9 + 0.07 * longest)
        axes = figure.subplots()
        image = axes.imshow(chart.shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if count <= _COUNTED:
            _write_counts(axes, chart, side / max(count, 1))
        _name_classes(axes, chart, longest)
        bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=35, shrink=0.9)
        bar.outline.set_visible(False)
        bar.set_label(f"share of the {shortened(chart.rows, 24)} class")
        bar.ax.grid(visible=False)
        set_title(axes, chart.title)
    return figure


def _write_counts(axes: Axes, chart: MatrixChart, cell: float) -> None:
    texts = [[shown(number) for number in row] for row in chart.counts]
    widest = max(len(text) for row in texts for text in row)
    # A digit is about 0.62 of the font's height wide, and an inch has 72 points.
    size = min(10.0, cell * 72 * 0.85 / (0.62 * max(widest, 2)))
    for row, numbers in enumerate(texts):
        for column, text in enumerate(numbers):
            if text == "0" and len(texts) > 12:
                continue  # among many classes, what is not there is seen better empty
            colour = "white" if chart.shares[row][column] > 0.55 else "#303030"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)


def _name_classes(axes: Axes, chart: MatrixChart, longest: int) -> None:
    labels = [shortened(label, 18) for label in chart.labels]
    size = 9.5 if len(labels) <= 25 else 7.5
    upright = longest > 3 and (len(labels) > 6 or longest > 8)
    axes.set_xticks(range(len(labels)), labels, rotation=90 if upright else 0, fontsize=size)
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.tick_params(length=0)
    axes.set_xlabel(shortened(chart.columns, 60))
    axes.set_ylabel(shortened(chart.rows, 60))
