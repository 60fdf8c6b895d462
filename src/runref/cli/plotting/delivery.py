"""Where a figure goes: a file, the terminal as an image, or text."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

from runref.cli.output import print_json, printable, say, to_json
from runref.cli.plotting.inline_image import escape_sequence, protocol_of
from runref.plot.charts import (
    Chart,
    CurvesChart,
    HistogramChart,
    MatrixChart,
    ParallelChart,
    ScatterChart,
)
from runref.plot.formats import Format

_WIDEST = 120
"""Places of a terminal that a figure takes at most."""
_KINDS: dict[type, str] = {
    CurvesChart: "curves",
    ScatterChart: "scatter",
    ParallelChart: "parallel",
    HistogramChart: "histogram",
    MatrixChart: "confusion",
}


def kind_of(chart: Chart) -> str:
    """Return what kind of figure a chart is, as JSON names it."""
    return _KINDS.get(type(chart), "table")


def write(chart: Chart, target: Path, format: Format) -> None:  # noqa: A002 - what it is
    """Draw a chart into a file.

    Raises:
        PictureUnwritable: the operating system refuses.
    """
    from runref.plot.drawing import draw, save

    save(draw(chart), target, format)


def give_json(chart: Chart, target: str | None) -> None:
    """Print the data of a figure, whole and as they were recorded."""
    print_json({"written": target, "figure": kind_of(chart), **to_json(chart)})


def show(chart: Chart) -> None:
    """Show a chart on stdout: as an image where the terminal can, else as text."""
    columns = shutil.get_terminal_size((80, 24)).columns
    protocol = protocol_of(os.environ) if sys.stdout.isatty() else None
    if protocol is not None:
        from runref.plot.drawing import draw, save

        picture = io.BytesIO()
        save(draw(chart), picture, "png")
        places = min(columns - 1, _WIDEST)
        say(escape_sequence(picture.getvalue(), protocol, places))
        return
    from runref.plot.text import draw_text

    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    lines = draw_text(chart, min(columns, _WIDEST), unicode=_can_encode_braille(), colour=coloured)
    for line in lines:
        say(line)


def summary(chart: Chart, target: str) -> str:
    """Return the line that says what was written."""
    from runref.cli.text import count_of

    written = f"wrote {printable(target)}"
    if isinstance(chart, CurvesChart):
        metrics = ", ".join(printable(panel.metric) for panel in chart.panels)
        curves = {each.key for panel in chart.panels for each in panel.curves}
        curves |= {run for panel in chart.panels for band in panel.bands for run in band.runs}
        return f"{written}: {metrics} of {count_of(len(curves), 'run')}"
    if isinstance(chart, (ScatterChart, ParallelChart)):
        return f"{written}: {count_of(len(chart.runs), 'run')}"
    if isinstance(chart, HistogramChart):
        return f"{written}: {count_of(len(chart.column.values), 'run')}"
    return f"{written}: {printable(chart.path)} of run {chart.run}"


def _can_encode_braille() -> bool:
    try:
        "⣿─│…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
