"""Reading what was recorded: ``runref.open(".").runs()``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from runref.errors import ExitStatus, RunrefError
from runref.project.curves import points_of
from runref.project.project import Project, open_project
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class UnknownSeries(RunrefError):
    """A run has no series of the given name."""

    code = "unknown-series"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Series:
    """One metric over steps, as arrays of equal length n.

    Attributes:
        step: int64, shape (n,).
        time: Seconds since the run started, float64, shape (n,).
        value: float64, shape (n,).
    """

    step: NDArray[np.int64]
    time: NDArray[np.float64]
    value: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"<series of {len(self.step)} points, {self.value[-1]:.4g} at step {self.step[-1]}>"


class PastRun:
    """A recorded or live run: its record's fields as attributes, and its series.

    Attributes:
        record: What was recorded, which never changes.
        record_hash: Its hash; empty for a live run.
        name: Its short name, later corrections included.
        status: How it ended, later corrections included.
        tags: Its tags, later ones included.
        notes: Notes added later.
        removed: Why, when and by whom it was removed from lists; none where it is listed.
    """

    def __init__(self, project: Project, run: RecordedRun) -> None:
        self._project = project
        self._run = run
        self.record = run.record
        self.record_hash = run.tree
        self.name = run.name
        self.status = run.status
        self.removed = run.removed
        self.tags = run.additions.tags
        self.notes = run.additions.notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)

    def __repr__(self) -> str:
        return f"<run {self.record.id} {self.status}>"

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters by name, without their sources."""
        return {name: each.value for name, each in self.record.params.items()}

    def series(self, name: str, *, rank: int = 0) -> Series:
        """Return the series of one metric as arrays.

        Raises:
            UnknownSeries: the run logged no such metric on that rank.
            DamagedSeries: the series cannot be read.
            StepTooLarge: a step does not fit into 64 bits.
        """
        import numpy as np

        (points,) = points_of(self._project, [self._run], name, rank=rank)
        if not points:
            known = ", ".join(sorted(self.record.metrics)[:8]) or "none"
            raise UnknownSeries(
                f"run {self.record.id} has no series {name!r} on rank {rank}",
                hint=f"It has: {known}.",
            )
        return Series(
            np.frombuffer(points.step, dtype=np.int64),
            np.frombuffer(points.elapsed, dtype=np.float64),
            np.frombuffer(points.value, dtype=np.float64),
        )


class Runs(Sequence[PastRun]):
    """Runs that were found, in order."""

    def __init__(self, project: Project, runs: Iterable[RecordedRun]) -> None:
        self._project = project
        self._runs = list(runs)

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, place: int) -> PastRun: ...

    @overload
    def __getitem__(self, place: slice) -> Runs: ...

    def __getitem__(self, place: int | slice) -> PastRun | Runs:
        if isinstance(place, slice):
            return Runs(self._project, self._runs[place])
        return PastRun(self._project, self._runs[place])

    def __repr__(self) -> str:
        return f"<{len(self._runs)} runs>"

    def series(self, name: str, *, rank: int = 0) -> dict[str, Series]:
        """Return the series of one metric by run id; runs that did not log it are left out.

        Raises:
            DamagedSeries: a series cannot be read.
            StepTooLarge: a step does not fit into 64 bits.
        """
        import numpy as np

        points = points_of(self._project, self._runs, name, rank=rank)
        return {
            run.id: Series(
                np.frombuffer(each.step, dtype=np.int64),
                np.frombuffer(each.elapsed, dtype=np.float64),
                np.frombuffer(each.value, dtype=np.float64),
            )
            for run, each in zip(self._runs, points, strict=True)
            if each
        }

    def dataframe(self, library: str = "") -> Any:
        """Return a data frame with a row for each run and a column for each name.

        Columns are named as in queries; ``params.``, ``metrics.`` or ``summary.`` stands before a
        name that several have. Times are timestamps, a metric is its last value.

        Args:
            library: ``pandas`` or ``polars``; the first of them that is installed where it is
                empty.

        Raises:
            NoDataFrames: It is not installed.
        """
        from runref.api.frames import frame

        return frame(self._project, self._runs, library)


class History:
    """The runs of one repository."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def runs(
        self, query: str = "", *, sort: str | Sequence[str] = (), limit: int | None = None
    ) -> Runs:
        """Return the runs that a query finds, the newest first; without one, all runs.

        Those that `runref rm` removed are not among them.

        Args:
            query: See ``docs/reference/query.md``: ``val/acc > 0.9 and lr < 1e-2``.
            sort: Names to sort by; with ``-`` before it, largest first.
            limit: At most so many.

        Raises:
            QueryInvalid: the query, or a name to sort by, cannot be understood.
        """
        from runref.project.searching import Search

        search = Search(self._project)
        if search.is_empty:
            return Runs(self._project, ())
        keys = [search.sort_key(each) for each in ([sort] if isinstance(sort, str) else sort)]
        found = search.find(search.condition(query), sort=keys, limit=limit)
        return Runs(self._project, found.runs)

    def run(self, address: str) -> PastRun:
        """Return one run by id, prefix, record hash, commit or ``@``.

        Raises:
            UnknownRun: there is none.
            AmbiguousRun: there are several.
        """
        return PastRun(self._project, self._project.resolve(address))


def open(path: str | os.PathLike[str] = ".") -> History:  # noqa: A001 - runref.open reads well
    """Open the history of the repository that `path` lies in.

    Raises:
        NotARepository: there is none.
    """
    return History(open_project(Path(path), os.environ))


def search_runs(
    filter_string: str = "",
    order_by: Sequence[str] = (),
    max_results: int | None = 1000,
    *,
    path: str | os.PathLike[str] = ".",
) -> Any:
    """Return a data frame of the runs that a query finds, under the name that MLflow has for it.

    Args:
        filter_string: A query of runref.
        order_by: Names to sort by: ``-val/acc``, or ``val/acc DESC``.
        max_results: At most so many; none for all.
        path: A folder of the repository.

    Raises:
        QueryInvalid: the query, or a name to sort by, cannot be understood.
        NoDataFrames: neither pandas nor polars is installed.
    """
    keys = [_sort_key(each) for each in order_by]
    return open(path).runs(filter_string, sort=keys, limit=max_results).dataframe()


def _sort_key(text: str) -> str:
    name, _, direction = text.rpartition(" ")
    if direction.upper() == "DESC":
        return f"-{name}"
    return name if direction.upper() == "ASC" else text
