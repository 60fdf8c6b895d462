"""Whole figures as plain data: what is drawn, printed as text, and given out as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from runref.plot.columns import Column
from runref.plot.curves import Curve
from runref.plot.grouping import Band

XAxis = Literal["step", "time", "wall"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric: a curve for each run, or a band for each group of runs."""

    metric: str
    curves: Sequence[Curve] = ()
    bands: Sequence[Band] = ()


@dataclass(frozen=True, slots=True)
class CurvesChart:
    """Series of metrics, one panel each, over a common x axis.

    Attributes:
        panels: The metrics.
        x: What x counts: ``step``; ``time``, seconds since the run started; ``wall``, seconds
            since 1970.
        smoothing: Weight of the moving average; 0 where nothing is smoothed.
        log_x: Whether the x axis is logarithmic.
        log_y: Whether the y axes are.
        title: Stands above; none where it is empty.
    """

    panels: Sequence[Panel]
    x: XAxis = "step"
    smoothing: float = 0.0
    log_x: bool = False
    log_y: bool = False
    title: str = ""

    def keys(self) -> list[str]:
        """Return what has a colour of its own, in the order of the legend."""
        return list(self.labels())

    def labels(self) -> dict[str, str]:
        """Return the legend: a label for each key."""
        found: dict[str, str] = {}
        for panel in self.panels:
            found.update({each.key: each.label for each in panel.curves if each.key not in found})
            found.update({each.key: each.label for each in panel.bands if each.key not in found})
        return found


@dataclass(frozen=True, slots=True)
class ScatterChart:
    """A point for each run.

    Attributes:
        runs: Ids, in the order of all columns.
        x: Numbers, moments or text.
        y: Numbers or moments.
        color: What the points are coloured by; none where they are not.
        log_x: Whether the x axis is logarithmic.
        log_y: Whether the y axis is.
        title: Stands above; none where it is empty.
    """

    runs: Sequence[str]
    x: Column
    y: Column
    color: Column | None = None
    log_x: bool = False
    log_y: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class ParallelChart:
    """A line for each run across an axis for each column; the last column colours the lines.

    Attributes:
        runs: Ids, in the order of all columns.
        columns: The axes from left to right.
        log: For each, whether it is logarithmic.
        title: Stands above; none where it is empty.
    """

    runs: Sequence[str]
    columns: Sequence[Column]
    log: Sequence[bool]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """How many runs of one colour lie in each bin."""

    label: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class HistogramChart:
    """How many runs have which value.

    Attributes:
        column: The values' column, one value for each run.
        edges: Where bins begin and end, one more than there are bins.
        bars: The counts; of each colour, stacked.
        color: Name of the column that the bars are coloured by; empty where they are not.
        log_x: Whether the x axis is logarithmic.
        log_y: Whether the counts are.
        title: Stands above; none where it is empty.
    """

    column: Column
    edges: Sequence[float]
    bars: Sequence[Bars]
    color: str = ""
    log_x: bool = False
    log_y: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class MatrixChart:
    """A confusion matrix that a run logged.

    Attributes:
        run: Id of the run.
        path: Path of the output that holds it.
        labels: The classes, in the order of rows and of columns.
        counts: For each true class, how often each class was predicted.
        shares: The same, each row divided by its sum.
        rows: What the rows stand for.
        columns: What the columns stand for.
        title: Stands above; none where it is empty.
    """

    run: str
    path: str
    labels: Sequence[str]
    counts: Sequence[Sequence[float]]
    shares: Sequence[Sequence[float]]
    rows: str = "true"
    columns: str = "predicted"
    title: str = ""


@dataclass(frozen=True, slots=True)
class TableChart:
    """A table that a run logged.

    Attributes:
        run: Id of the run.
        path: Path of the output that holds it.
        columns: Names of the columns.
        rows: As many cells each, as the file has them.
        title: Stands above; none where it is empty.
    """

    run: str
    path: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


Chart: TypeAlias = (
    CurvesChart | ScatterChart | ParallelChart | HistogramChart | MatrixChart | TableChart
)
