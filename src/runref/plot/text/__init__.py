"""Figures as text, for terminals and pipes: pure functions of the chart and the medium."""

from __future__ import annotations

from runref.plot.charts import (
    Chart,
    CurvesChart,
    HistogramChart,
    MatrixChart,
    ParallelChart,
    ScatterChart,
)
from runref.plot.text.frame import Medium
from runref.plot.text.series import curves_text, parallel_text, scatter_text
from runref.plot.text.tables import histogram_text, matrix_text, table_text

_NARROWEST = 30
"""Places below which no plot says anything."""


def draw_text(chart: Chart, width: int, *, unicode: bool, colour: bool) -> list[str]:
    """Return a chart as lines of text.

    Args:
        chart: What is shown.
        width: Places across; at least 30 are used.
        unicode: Whether other characters than those of ASCII can be printed. Then a single curve,
            or with colours any, is drawn in braille dots.
        colour: Whether there may be escape sequences for colours; without, symbols tell apart.
    """
    medium = Medium(max(width, _NARROWEST), unicode, colour)
    if isinstance(chart, CurvesChart):
        return curves_text(chart, medium)
    if isinstance(chart, ScatterChart):
        return scatter_text(chart, medium)
    if isinstance(chart, ParallelChart):
        return parallel_text(chart, medium)
    if isinstance(chart, HistogramChart):
        return histogram_text(chart, medium)
    if isinstance(chart, MatrixChart):
        return matrix_text(chart, medium)
    return table_text(chart, medium)
