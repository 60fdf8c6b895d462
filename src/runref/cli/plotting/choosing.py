"""Which runs a figure is of, and where their series and values come from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from runref.cli.columns import FIELDS, all_columns, cell
from runref.model.times import parse_time
from runref.model.values import Number
from runref.plot.columns import Column, Kind, column_of
from runref.project.project import Project
from runref.store.recorded import RecordedRun, read_rows

_KINDS: dict[str, Kind] = {"started": "moment", "duration": "duration"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The runs of a figure.

    Attributes:
        runs: The newest first, or in the order in which they were named.
        of: How many there would be without a limit.
    """

    runs: list[RecordedRun]
    of: int


@dataclass(frozen=True, slots=True)
class Points:
    """One series of one run, in the order in which it was logged."""

    steps: list[int] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    values: list[Number] = field(default_factory=list)


def chosen_runs(
    project: Project,
    addresses: Sequence[str],
    query: str,  # noqa: ARG001 - what it selects among the newest is decided here
    limit: int,
    having: Collection[str] = (),
) -> Chosen:
    """Return the named runs; without names, the newest ones.

    Args:
        project: Where they are recorded.
        addresses: What names them.
        query: Which of the newest runs count; all of them where it is empty.
        limit: How many of the newest runs at most.
        having: Metrics of which each of the newest runs must have one; any run will do where
            there are none.
    """
    index = project.index()
    if addresses:
        found = {run.id: run for run in (project.resolve(each, index) for each in addresses)}
        return Chosen(list(found.values()), len(found))
    newest = [
        run
        for run in index.newest()
        if not having or any(name in run.record.metrics for name in having)
    ]
    return Chosen(newest[:limit], len(newest))


def known_metrics(project: Project, addresses: Sequence[str]) -> list[str]:
    """Return the names of the metrics of the named runs; without names, of all runs."""
    index = project.index()
    runs = [project.resolve(each, index) for each in addresses] if addresses else index.newest()
    return sorted({name for run in runs for name in run.record.metrics})


def series_of(project: Project, run: RecordedRun, metrics: Sequence[str]) -> dict[str, Points]:
    """Return those of the named series that a run has, of the first rank that logged."""
    found: dict[str, Points] = {}
    rows = read_rows(project.repository.objects, run.tree)
    for row in rows[min(rows)] if rows else ():
        for name in metrics:
            if name in row.values:
                points = found.setdefault(name, Points())
                points.steps.append(row.step)
                points.elapsed.append(row.elapsed)
                points.values.append(row.values[name])
    return found


def start_of(run: RecordedRun) -> float:
    """Return when a run started, in seconds since 1970."""
    return parse_time(run.record.started).timestamp()


def column_values(runs: Sequence[RecordedRun], name: str) -> Column:
    """Return what runs have in a column: a field, a parameter, a metric, ``metric.max``."""
    values = [start_of(run) if name == "started" else cell(run, name) for run in runs]
    return column_of(name, values, _KINDS.get(name))


def known_columns(runs: Sequence[RecordedRun]) -> list[str]:
    """Return the names of the columns that some of the runs have, fields of every run last."""
    names = all_columns(runs)
    return [*(name for name in names if name not in FIELDS), *FIELDS]
