"""Which runs a figure is of, and where their series and values come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from runref.cli.progress import bar
from runref.cli.removed import tell_removed
from runref.model.points import Points
from runref.model.times import parse_time
from runref.plot.columns import Column, Kind, column_of
from runref.project.columns import Cells, NamedColumn
from runref.project.curves import points_of
from runref.project.project import Project
from runref.project.searching import Search
from runref.query.condition import And, Condition, IsMissing, Not, Or
from runref.query.reference import Metric
from runref.store.recorded import RecordedRun

_KINDS: Mapping[str, Kind] = {"time": "moment", "seconds": "duration"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The runs of a figure.

    Attributes:
        runs: The newest first, or in the order in which they were named.
        of: How many there would be without a limit.
    """

    runs: list[RecordedRun]
    of: int


class Source:
    """The runs of a project, as figures look at them.

    Args:
        project: Where they are recorded.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        with bar("index") as progress:
            self._search = Search(project, progress.update)
        self._cells = Cells(self._search)

    def chosen(
        self, addresses: Sequence[str], query: str, limit: int, having: Collection[str] = ()
    ) -> Chosen:
        """Return the named runs; without names, the newest ones.

        Args:
            addresses: What names them.
            query: Which of the newest runs count; all of them where it is empty.
            limit: How many of the newest runs at most.
            having: Metrics of which each of the newest runs must have one; any run will do where
                there are none.

        Raises:
            QueryInvalid: the query cannot be understood.
            UnknownRun, AmbiguousRun: a name is of no run, or of several.
        """
        if addresses:
            found = {run.id: run for run in map(self._project.find, addresses)}
            tell_removed(found.values())
            return Chosen(list(found.values()), len(found))
        if self._search.is_empty:
            return Chosen([], 0)
        parts: list[Condition] = []
        if (asked := self._search.condition(query)) is not None:
            parts.append(asked)
        if having:
            parts.append(Or(tuple(Not(IsMissing(Metric(name))) for name in having)))
        newest = self._search.find(And(tuple(parts)) if parts else None, limit=limit)
        return Chosen(list(newest.runs), newest.total)

    def metrics(self, addresses: Sequence[str]) -> list[str]:
        """Return the names of the metrics of the named runs; without names, of all runs."""
        if not addresses:
            return sorted(self._search.catalogue.metrics())
        runs = map(self._project.find, addresses)
        return sorted({name for run in runs for name in run.record.metrics})

    def series(self, runs: Sequence[RecordedRun], metric: str) -> list[tuple[RecordedRun, Points]]:
        """Return the points of one metric of those runs that have it.

        They are of the first rank that logged, as the record's own summary is.

        Raises:
            DamagedSeries: a series cannot be read.
            StepTooLarge: a step does not fit into 64 bits.
        """
        points = points_of(self._project, runs, metric, rank=None)
        return [(run, each) for run, each in zip(runs, points, strict=True) if each]

    def column(self, runs: Sequence[RecordedRun], name: str) -> Column:
        """Return what runs have under a name of the query language.

        Raises:
            UnknownName: no run has it.
        """
        column = NamedColumn(name, self._search.target(name))
        values = self._cells.column(column, runs)
        kind = _KINDS.get(column.type)
        if kind == "moment":
            values = [None if value is None else moment(value) for value in values]
        elif column.is_collection:
            values = [" ".join(value) for value in values]
        return column_of(name, values, kind)

    def name_unread(self) -> None:
        """Name on stderr the runs that could not be read."""
        from runref.cli.unread import name_unread

        name_unread(self._search)


def moment(time: str) -> float:
    """Return a time of the format in seconds since 1970."""
    return parse_time(time).timestamp()


def start_of(run: RecordedRun) -> float:
    """Return when a run started, in seconds since 1970."""
    return moment(run.record.started)
