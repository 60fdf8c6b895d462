"""Figures with one value for each run: scatter, parallel coordinates, histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runref.cli.output import printable
from runref.cli.plotting.arguments import NothingToPlot
from runref.cli.plotting.choosing import Source
from runref.cli.plotting.curves import tell_runs
from runref.cli.plotting.labels import shared_name
from runref.model.grouping import ABSENT
from runref.plot.charts import Bars, HistogramChart, ParallelChart, ScatterChart
from runref.plot.columns import Column, spans_decades
from runref.plot.histogram import bin_edges, counted
from runref.store.recorded import RecordedRun


def scatter_chart(
    source: Source,
    runs: Sequence[RecordedRun],
    x: str,
    y: str,
    color: str,
    *,
    log_x: bool,
    log_y: bool,
) -> ScatterChart:
    """Return a point for each run that has x and y; the others are counted and named on stderr.

    Raises:
        NothingToPlot: no run has a value in a column.
        NotNumeric: y is text, or x is and its axis shall be logarithmic.
    """
    across, along = _column(source, runs, x), _column(source, runs, y)
    along.required("scatter plot")
    if log_x:
        across.required("logarithmic axis")
    if color:
        _column(source, runs, color)
    kept = _having(runs, (across, log_x), (along, log_y))
    return ScatterChart(
        [run.id for run in kept],
        source.column(kept, x),
        source.column(kept, y),
        _like(_column(source, runs, color), source.column(kept, color)) if color else None,
        log_x,
        log_y,
        shared_name(kept),
    )


def parallel_chart(
    source: Source, runs: Sequence[RecordedRun], names: Sequence[str]
) -> ParallelChart:
    """Return a line for each run that has anything in one of the columns.

    Raises:
        NothingToPlot: no run has a value in a column.
    """
    columns = [_column(source, runs, name) for name in names]
    for column in columns:
        lacking = [run for run, v in zip(runs, column.values, strict=True) if v is None]
        tell_runs(lacking, f"has no number or text in {printable(column.name)!r}")
    log = [column.kind != "moment" and _decades(column) for column in columns]
    return ParallelChart([run.id for run in runs], columns, log, shared_name(runs))


def histogram_chart(
    source: Source,
    runs: Sequence[RecordedRun],
    name: str,
    color: str,
    *,
    bins: int | None,
    log_x: bool,
    log_y: bool,
) -> HistogramChart:
    """Return how many runs have which value; those without one are counted and named on stderr.

    Raises:
        NothingToPlot: no run has a value in the column.
        NotNumeric: it holds text.
    """
    kept = _having(runs, (_column(source, runs, name).required("histogram"), log_x))
    column = source.column(kept, name)
    edges = bin_edges(column.numbers, bins, log=log_x)
    if color:
        held = _column(source, runs, color)
        groups = [ABSENT if v is None else str(v) for v in source.column(kept, color).values]
        order = [*held.categories, ABSENT]
        bars = [
            Bars(group, counted(_where(column, groups, group), edges))
            for group in dict.fromkeys(order)
            if group in groups
        ]
    else:
        bars = [Bars(name, counted(column.numbers, edges))]
    return HistogramChart(column, edges, bars, color, log_x, log_y, shared_name(kept))


def _where(column: Column, groups: Sequence[str], group: str) -> list[float]:
    return [n for n, held in zip(column.numbers, groups, strict=True) if held == group]


def _column(source: Source, runs: Sequence[RecordedRun], name: str) -> Column:
    """Return a column that at least one run has a value in."""
    column = source.column(runs, name)
    if all(value is None for value in column.values):
        raise NothingToPlot(
            f"no chosen run has a value in the column {name!r} that can be drawn",
            hint="NaN and infinities cannot be; `runref ls --columns` shows what there is.",
        )
    return column


def _having(runs: Sequence[RecordedRun], *axes: tuple[Column, bool]) -> list[RecordedRun]:
    """Return the runs that have a value on every axis; the others are told."""
    kept = dict.fromkeys(range(len(runs)))
    for column, log in axes:
        lacking = [at for at in kept if column.values[at] is None]
        tell_runs([runs[at] for at in lacking], f"has no number or text in {column.name!r}")
        for at in lacking:
            del kept[at]
        below = [at for at in kept if log and not column.numbers[at] > 0]
        if below and len(below) == len(kept):
            raise NothingToPlot(
                f"no value of {column.name!r} can stand on a logarithmic axis: none is above zero",
                hint="Leave out --log-x or --log-y.",
            )
        what = f"has a value of {column.name!r} at or below zero, which has no place on a log axis"
        tell_runs([runs[at] for at in below], what)
        for at in below:
            del kept[at]
    if not kept:
        names = " and ".join(repr(column.name) for column, _ in axes)
        raise NothingToPlot(
            f"no chosen run has a value in {names} together",
            hint="`runref ls --columns` shows what the runs have.",
        )
    return [runs[at] for at in kept]


def _like(whole: Column, part: Column) -> Column:
    """Return a part of a column as text if the whole is: that decides how it is coloured."""
    if whole.kind != "text" or part.kind == "text":
        return part
    texts = [None if v is None else f"{v:g}" for v in part.values if not isinstance(v, str)]
    return Column(part.name, "text", texts)


def _decades(column: Column) -> bool:
    numbers = [] if column.kind == "text" else column.numbers
    return spans_decades([n for n in numbers if not math.isnan(n)])
