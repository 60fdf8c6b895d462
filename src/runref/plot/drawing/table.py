"""Drawing a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runref.plot.charts import TableChart
from runref.plot.curves import shortened
from runref.plot.drawing.style import new_figure, styled
from runref.plot.tables import fitted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 60
"""Rows that fit on a page; the rest is counted."""
WIDTH = 120
"""Characters of a row that do."""
_CHARACTER = 0.098
"""Inches that a character of the table takes."""
_LINE = 0.25
"""Inches from row to row."""


def draw_table(chart: TableChart) -> Figure:
    """Return a figure with a table: numbers to the right, text to the left, the rest counted."""
    with styled():
        page = fitted(chart.columns, chart.rows, rows_shown=ROWS, width=WIDTH)
        above = [shortened(chart.title, 90)] if chart.title else []
        below = [page.left_out] if page.left_out else []
        lines = len(above) + 1 + len(page.rows) + len(below)
        texts = max(sum(page.widths) + 3 * len(page.widths), *map(len, [*above, *below, ""]))
        width, height = max(3.0, texts * _CHARACTER + 0.3), lines * _LINE + 0.35
        figure = new_figure(width, height)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)  # downwards, in inches
        y = 0.175 + _LINE / 2
        for title in above:
            axes.text(0.15, y, title, fontsize=11, va="center")
            y += _LINE
        right = 0.15 + (sum(page.widths) + 3 * len(page.widths) - 3) * _CHARACTER
        axes.plot([0.15, right], [y + _LINE / 2] * 2, color="#404040", lw=1.0)
        for number, row in enumerate([page.columns, *page.rows]):
            weight = "bold" if number == 0 else "normal"
            x = 0.15
            for cell, space, to_right in zip(row, page.widths, page.right, strict=True):
                end = x + space * _CHARACTER
                place, align = (end, "right") if to_right else (x, "left")
                axes.text(place, y, cell, ha=align, va="center", fontsize=9.5, weight=weight)
                x = end + 3 * _CHARACTER
            y += _LINE
            if number and number % 5 == 0 and number < len(page.rows):
                axes.plot([0.15, right], [y - _LINE / 2] * 2, color="#e3e3e3", lw=0.7)
        for text in below:
            axes.text(0.15, y, text, fontsize=9, va="center", color="#606060")
    return figure
