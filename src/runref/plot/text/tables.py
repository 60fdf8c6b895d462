"""Histograms, matrices and tables as text."""

from __future__ import annotations

from runref.model.text_width import width_of
from runref.plot.charts import HistogramChart, MatrixChart, TableChart
from runref.plot.tables import fitted
from runref.plot.text.canvas import pen_at
from runref.plot.text.frame import Medium, legend, padded
from runref.plot.units import shown

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_ROWS = 40
"""Rows of a table that are printed; the rest is counted."""
_CLASSES = 40


def histogram_text(chart: HistogramChart, medium: Medium) -> list[str]:
    """Return a line for each bin, with a bar as long as its count."""
    totals = [sum(counts) for counts in zip(*(bars.counts for bars in chart.bars), strict=True)]
    kind = chart.column.kind
    edges = [shown(edge, kind) for edge in chart.edges]
    left = max(map(width_of, edges), default=1)
    count = max(len(str(total)) for total in totals)
    room = max(medium.width - 2 * left - count - 6, 4)
    largest = max(*totals, 1)
    pens = [pen_at(at, colour=medium.colour) for at in range(len(chart.bars))]
    lines = [medium.short(f"{chart.title}: {chart.column.name}".lstrip(": "), medium.width)]
    for at, total in enumerate(totals):
        ends = f"{edges[at]:>{left}} - {edges[at + 1]:>{left}}"
        bar, done = "", 0
        for bars, pen in zip(chart.bars, pens, strict=True):
            upto = done + bars.counts[at]
            length = round(upto / largest * room) - round(done / largest * room)
            if len(chart.bars) == 1:
                bar += pen.coloured(_bar(total / largest * room, medium))
            else:
                sign = "█" if medium.unicode and medium.colour else pen.symbol
                bar += pen.coloured(sign * length) if length else ""
            done = upto
        lines.append(f"{ends} {total:>{count}} {bar}".rstrip())
    if chart.color:
        names = {bars.label: pen for bars, pen in zip(chart.bars, pens, strict=True)}
        lines += legend(names, medium, braille=False, title=f"{chart.color}:")
    return lines


def matrix_text(chart: MatrixChart, medium: Medium) -> list[str]:
    """Return the counts in a grid: classes at the left, and by their numbers above."""
    number = min(len(chart.labels), _CLASSES)
    cells = [[shown(count) for count in row[:number]] for row in chart.counts[:number]]
    width = max(3, *(len(cell) for row in cells for cell in row)) + 1
    names = max(width_of(medium.plain(label)) for label in chart.labels)
    left = len(str(number)) + 1 + min(names, 18, medium.width - width - 4)
    fitting = max(1, (medium.width - left) // width)
    title = f"{chart.title}: {chart.rows} (down) by {chart.columns} (across)".lstrip(": ")
    lines = [medium.short(title, medium.width)]
    across = range(min(number, fitting))
    lines.append(" " * left + "".join(f"{at + 1:>{width}}" for at in across))
    for at, row in enumerate(cells):
        name = medium.short(chart.labels[at], left - len(str(number)) - 1)
        label = f"{at + 1:>{len(str(number))}} {name}"
        shares = chart.shares[at]
        parts = [_cell(row[to], shares[to], width, medium) for to in across]
        lines.append(label + " " * (left - width_of(label)) + "".join(parts))
    if len(chart.labels) > len(across):
        lines.append(f"and {len(chart.labels) - len(across)} more classes")
    return lines


def table_text(chart: TableChart, medium: Medium) -> list[str]:
    """Return the first rows and columns of a table; the rest is counted."""
    page = fitted(chart.columns, chart.rows, rows_shown=_ROWS, width=medium.width)
    rows = [[medium.plain(cell) for cell in row] for row in (page.columns, *page.rows)]
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    lines = [medium.short(chart.title, medium.width)] if chart.title else []
    lines += [padded(row, widths, page.right) for row in rows]
    return [*lines, page.left_out] if page.left_out else lines


def _bar(length: float, medium: Medium) -> str:
    if not medium.unicode:
        return "#" * max(round(length), int(length > 0))
    eighths = max(round(length * 8), int(length > 0))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _cell(text: str, share: float, width: int, medium: Medium) -> str:
    """Return a count, bold where it is most of its row, pale where it is nothing."""
    placed = f"{text:>{width}}"
    if not medium.colour:
        return placed
    style = "1" if share >= 0.5 else "2" if share == 0 else "33" if share >= 0.1 else "0"
    return f"\x1b[{style}m{placed}\x1b[0m"
