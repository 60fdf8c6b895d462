"""Curves and bands of metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runref.cli.output import printable, tell
from runref.cli.plotting.arguments import NothingToPlot
from runref.cli.plotting.choosing import Source, start_of
from runref.cli.plotting.labels import labels_of, shared_name
from runref.cli.text import count_of, format_value
from runref.model.grouping import ABSENT
from runref.model.points import Points
from runref.plot.charts import CurvesChart, Panel, XAxis
from runref.plot.columns import column_of
from runref.plot.curves import Curve, drawable
from runref.plot.grouping import Spread, grouped
from runref.plot.smoothing import smoothed
from runref.store.recorded import RecordedRun

_NAMED = 5
"""How many of several runs a notice names."""


@dataclass(frozen=True, slots=True)
class Look:
    """How curves are to be shown.

    Attributes:
        x: What the x axis counts.
        smoothing: Weight of the moving average; 0 for none.
        group_by: Column whose values make groups; none where it is empty.
        spread: What the band of a group shows.
        log_x: Whether the x axis is logarithmic.
        log_y: Whether the y axes are.
    """

    x: XAxis = "step"
    smoothing: float = 0.0
    group_by: str = ""
    spread: Spread = "std"
    log_x: bool = False
    log_y: bool = False


def curves_chart(
    source: Source, runs: Sequence[RecordedRun], metrics: Sequence[str], look: Look
) -> CurvesChart:
    """Return the curves of several metrics, of the oldest run first.

    Runs that lack a metric are counted and named on stderr, and so is what cannot stand on a
    logarithmic axis.

    Raises:
        NothingToPlot: no value is left to draw.
        DamagedSeries: a series cannot be read.
    """
    labels = labels_of(runs)
    oldest_first = [*reversed(runs)]
    panels = {
        metric: [
            _curve(run, labels[run.id], points, look)
            for run, points in source.series(oldest_first, metric)
        ]
        for metric in metrics
    }
    for metric, curves in panels.items():
        _tell_lacking(runs, metric, curves)
        _tell_unshown(metric, curves, look)
    groups = _groups(source, runs, look.group_by) if look.group_by else {}
    return CurvesChart(
        [_panel(metric, curves, groups, look.spread) for metric, curves in panels.items()],
        look.x,
        look.smoothing,
        look.log_x,
        look.log_y,
        shared_name(runs),
    )


def tell_runs(runs: Sequence[RecordedRun], what: str) -> None:
    """Say on stderr which runs a figure lacks, and why."""
    if not runs:
        return
    shown = ", ".join(run.id for run in runs[:_NAMED])
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    if len(runs) == 1:
        tell(f"run {shown} {what}")
    else:
        tell(f"{len(runs)} runs ({shown}{more}) {what.replace('has ', 'have ', 1)}")


def _curve(run: RecordedRun, label: str, points: Points, look: Look) -> Curve:
    x: Sequence[float] = points.step.tolist()
    if look.x != "step":
        start = start_of(run) if look.x == "wall" else 0.0
        x = [start + each for each in points.elapsed]
    values = points.value.tolist()
    smooth = smoothed(drawable(values), look.smoothing) if look.smoothing else ()
    return Curve(label, x, values, smooth, run.id)


def _groups(source: Source, runs: Sequence[RecordedRun], name: str) -> dict[str, list[str]]:
    """Return the ids of the runs of each group, numbers and texts in their order."""
    shown = source.column(runs, name).values
    texts = [None if each in (None, "") else format_value(each) for each in shown]
    groups: dict[str, list[str]] = (
        {f"{name}={text}": [] for text in column_of(name, texts, None).categories}
        if any(texts)
        else {}
    )
    for run, text in zip(runs, texts, strict=True):
        groups.setdefault(f"{name}={text or ABSENT}", []).append(run.id)
    return groups


def _panel(
    metric: str, curves: Sequence[Curve], groups: Mapping[str, list[str]], spread: Spread
) -> Panel:
    if not groups:
        return Panel(metric, curves)
    bands = []
    for label, ids in groups.items():
        held = [curve for curve in curves if curve.run in ids]
        if held:
            bands.append(grouped(f"{label} (n={len(held)})", held, spread))
    return Panel(metric, (), bands)


def _tell_lacking(runs: Sequence[RecordedRun], metric: str, curves: Sequence[Curve]) -> None:
    having = {curve.run for curve in curves}
    tell_runs([run for run in runs if run.id not in having], f"has no {printable(metric)!r}")


def _tell_unshown(metric: str, curves: Sequence[Curve], look: Look) -> None:
    """Say what stands on no logarithmic axis; complain where nothing does."""
    if not (look.log_x or look.log_y):
        return
    unshown = shown = 0
    for curve in curves:
        for x, value in zip(curve.x, drawable(curve.values), strict=True):
            if math.isnan(value):
                continue
            fits = (x > 0 or not look.log_x) and (value > 0 or not look.log_y)
            shown, unshown = shown + fits, unshown + (not fits)
    if unshown and not shown:
        raise NothingToPlot(
            f"no value of {metric!r} can stand on a logarithmic axis: none is above zero",
            hint="Leave out --log-x or --log-y.",
        )
    if unshown:
        tell(
            f"{printable(metric)}: {count_of(unshown, 'value')} at or below zero cannot stand on a "
            "logarithmic axis"
        )
