"""Reading what was recorded: ``runref.open(".").runs()``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runref.errors import ExitStatus, RunrefError
from runref.model.series import Row
from runref.project.project import Project, open_project
from runref.store.recorded import RecordedRun, read_rows

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


class PastRun:
    """A recorded run: its record's fields as attributes, and its series."""

    def __init__(self, project: Project, run: RecordedRun) -> None:
        self._project = project
        self._rows: dict[int, list[Row]] | None = None
        self.record = run.record
        self.record_hash = run.tree
        self.tags = run.additions.tags
        self.notes = run.additions.notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)

    def __repr__(self) -> str:
        return f"<run {self.record.id} {self.record.status}>"

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters by name, without their sources."""
        return {name: each.value for name, each in self.record.params.items()}

    def series(self, name: str, *, rank: int = 0) -> Series:
        """Return the series of one metric as arrays.

        Raises:
            UnknownSeries: the run logged no such metric on that rank.
            DamagedSeries: the series cannot be read.
        """
        import numpy as np

        if self._rows is None:
            self._rows = read_rows(self._project.repository.objects, self.record_hash)
        rows = [row for row in self._rows.get(rank, ()) if name in row.values]
        if not rows:
            known = ", ".join(sorted(self.record.metrics)[:8]) or "none"
            raise UnknownSeries(
                f"run {self.record.id} has no series {name!r} on rank {rank}",
                hint=f"It has: {known}.",
            )
        return Series(
            np.array([row.step for row in rows], dtype=np.int64),
            np.array([row.elapsed for row in rows], dtype=np.float64),
            np.array([row.values[name] for row in rows], dtype=np.float64),
        )


class History:
    """The runs of one repository."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def runs(self, limit: int | None = None) -> list[PastRun]:
        """Return the recorded runs, the newest first."""
        return [PastRun(self._project, run) for run in self._project.index().newest(limit)]

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
