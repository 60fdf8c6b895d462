"""Curves and points as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from runref.model.grouping import ABSENT
from runref.model.text_width import width_of
from runref.plot.charts import CurvesChart, Panel, ParallelChart, ScatterChart
from runref.plot.columns import Kind, natural
from runref.plot.curves import drawable
from runref.plot.scales import Scale, number_scale, scale_of
from runref.plot.text.canvas import Canvas, Pen, pen_at
from runref.plot.text.frame import Medium, below, framed, label_width, legend, named
from runref.plot.units import shown

_HEIGHT = 15
"""Lines of a single plot."""
_LOW = 8
"""Lines of each of several."""
_KINDS: dict[str, Kind] = {"step": "number", "time": "duration", "wall": "moment"}
_LABELS = {"step": "step", "time": "time since the start", "wall": "time (UTC)"}


def curves_text(chart: CurvesChart, medium: Medium) -> list[str]:
    """Return one plot below the other, with one legend; smoothed curves without the raw ones."""
    labels = chart.labels()
    braille = medium.unicode and (medium.colour or len(labels) == 1)
    pens = {key: pen_at(at, colour=medium.colour) for at, key in enumerate(labels)}
    series = [_lines(panel, chart) for panel in chart.panels]
    every_x = [x for lines in series for _, xs, _ in lines for x in xs]
    x = number_scale(every_x, log=chart.log_x, kind=_KINDS[chart.x])
    scales = [
        number_scale([v for _, _, ys in lines for v in ys], log=chart.log_y) for lines in series
    ]
    left = max((label_width(scale, medium) for scale in scales), default=1)
    height = _HEIGHT if len(series) == 1 else _LOW
    text: list[str] = []
    for panel, lines, y in zip(chart.panels, series, scales, strict=True):
        canvas = Canvas(max(medium.width - left - 2, 4), height, braille=braille)
        for key, xs, ys in lines:
            canvas.line([x.height(v) for v in xs], [y.height(v) for v in ys], pens[key])
        text.append(named(chart.title, panel.metric, medium))
        text += framed(canvas, x, y, medium, left=left)
    text.append(below(_LABELS[chart.x], medium, left))
    finite = {key for lines in series for key, xs, ys in lines if _any_finite(xs, ys)}
    names = {
        label if key in finite else f"{label} (no finite value)": pens[key]
        for key, label in labels.items()
    }
    return text + legend(names, medium, braille=braille)


def scatter_text(chart: ScatterChart, medium: Medium) -> list[str]:
    """Return a plot with a point for each run, coloured where the colour's column is text."""
    color = chart.color if chart.color is not None and chart.color.kind == "text" else None
    groups = [ABSENT if v is None else str(v) for v in color.values] if color else []
    pens = _pens(groups, medium)
    x = scale_of(chart.x, log=chart.log_x)
    y = scale_of(chart.y, log=chart.log_y)
    left = label_width(y, medium)
    # A single braille dot is hard to see.
    canvas = Canvas(max(medium.width - left - 2, 4), _HEIGHT, braille=False)
    one = Pen("●" if medium.unicode else "o", pen_at(0, colour=medium.colour).colour)
    for at, (across, along) in enumerate(zip(chart.x.numbers, chart.y.numbers, strict=True)):
        canvas.point(x.height(across), y.height(along), pens[groups[at]] if groups else one)
    text = [named(chart.title, chart.y.name, medium)]
    text += framed(canvas, x, y, medium, left=left)
    text.append(below(chart.x.name, medium, left))
    if color:
        text += legend(pens, medium, braille=False, title=f"{color.name}:")
    elif chart.color is not None:
        note = f"{chart.color.name} is a number: its colours need a picture"
        text.append(medium.short(note, medium.width))
    return text


def parallel_text(chart: ParallelChart, medium: Medium) -> list[str]:
    """Return parallel coordinates: low below, high above, both ends named at each axis."""
    last = chart.columns[-1]
    groups = [ABSENT if v is None else str(v) for v in last.values]
    if last.kind != "text":
        groups = [""] * len(groups)
    pens = _pens(groups, medium) if last.kind == "text" else {"": pen_at(0, colour=medium.colour)}
    scales = [scale_of(c, log=log) for c, log in zip(chart.columns, chart.log, strict=True)]
    canvas = Canvas(medium.width, _HEIGHT, braille=medium.unicode)
    places = [(at + 0.5) / len(scales) for at in range(len(scales))]
    heights = [
        [scale.height(n) for n in column.numbers]
        for scale, column in zip(scales, chart.columns, strict=True)
    ]
    axis = Pen("|")
    for place in places:
        canvas.line([place, place], [0, 1], axis)
    for run in range(len(chart.runs)):
        canvas.line(places, [column[run] for column in heights], pens[groups[run]])
    names = [
        f"{column.name} (log)" if scale.log else column.name
        for column, scale in zip(chart.columns, scales, strict=True)
    ]
    ends = [_ends(scale) for scale in scales]
    text = [medium.short(chart.title, medium.width)] if chart.title else []
    text.append(_spaced([high for _, high in ends], medium))
    text += [row.rstrip() for row in canvas.rows()]
    text.append(_spaced([low for low, _ in ends], medium))
    text.append(_spaced(names, medium))
    if last.kind == "text":
        text += legend(pens, medium, braille=medium.unicode, title=f"{last.name}:")
    return text


def _any_finite(xs: Sequence[float], ys: Sequence[float]) -> bool:
    return any(not math.isnan(x + y) for x, y in zip(xs, ys, strict=True))


def _lines(panel: Panel, chart: CurvesChart) -> list[tuple[str, Sequence[float], Sequence[float]]]:
    """Return key, x and y of each line of a panel; NaN where nothing can be drawn."""
    held = [(c.key, c.x, c.smooth or c.values) for c in panel.curves]
    held += [(band.key, band.x, band.mean) for band in panel.bands]
    return [
        (
            key,
            [v if v > 0 or not chart.log_x else math.nan for v in xs],
            [v if v > 0 or not chart.log_y else math.nan for v in drawable(ys)],
        )
        for key, xs, ys in held
    ]


def _pens(groups: Sequence[str], medium: Medium) -> dict[str, Pen]:
    names = sorted(set(groups), key=lambda name: (name == ABSENT, natural(name)))
    return {name: pen_at(at, colour=medium.colour) for at, name in enumerate(names)}


def _ends(scale: Scale) -> tuple[str, str]:
    """Return what stands at the lower and at the upper end of an axis."""
    ticks: Mapping[float, str] = dict(scale.ticks(4))
    if scale.names:
        return scale.names[0], scale.names[-1] if len(scale.names) > 1 else ""
    if scale.only is not None:
        return ticks[scale.only], ""
    low, high = (10**scale.low, 10**scale.high) if scale.log else (scale.low, scale.high)
    return shown(low, scale.kind), shown(high, scale.kind)


def _spaced(texts: Sequence[str], medium: Medium) -> str:
    """Return texts in the middle of equal parts of a line."""
    part = medium.width / len(texts)
    line = ""
    for at, text in enumerate(texts):
        short = medium.short(text, max(int(part) - 1, 3))
        start = max(round((at + 0.5) * part - width_of(short) / 2), width_of(line))
        line += " " * (start - width_of(line)) + short
    return line.rstrip()
