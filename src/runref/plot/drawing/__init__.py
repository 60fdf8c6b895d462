"""Drawing with matplotlib. The only part of runref that imports it; so import this where needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runref.plot.charts import (
    Chart,
    CurvesChart,
    HistogramChart,
    MatrixChart,
    ParallelChart,
    ScatterChart,
)
from runref.plot.drawing.curves import draw_curves
from runref.plot.drawing.histogram import draw_histogram
from runref.plot.drawing.matrix import draw_matrix
from runref.plot.drawing.parallel import draw_parallel
from runref.plot.drawing.scatter import draw_scatter
from runref.plot.drawing.style import PictureUnwritable, save
from runref.plot.drawing.table import draw_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PictureUnwritable", "draw", "save"]


def draw(chart: Chart) -> Figure:
    """Return a chart as a figure."""
    if isinstance(chart, CurvesChart):
        return draw_curves(chart)
    if isinstance(chart, ScatterChart):
        return draw_scatter(chart)
    if isinstance(chart, ParallelChart):
        return draw_parallel(chart)
    if isinstance(chart, HistogramChart):
        return draw_histogram(chart)
    if isinstance(chart, MatrixChart):
        return draw_matrix(chart)
    return draw_table(chart)
