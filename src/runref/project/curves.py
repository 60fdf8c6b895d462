"""The points of a metric of several runs, recorded or live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runref.model.points import Points, read_points
from runref.project.project import Project
from runref.store.recorded import RecordedRun


def points_of(
    project: Project, runs: Sequence[RecordedRun], name: str, *, rank: int | None = 0
) -> Iterator[Points]:
    """Yield the points of one metric of each run; none of a run that did not log it.

    Args:
        project: The repository.
        runs: Recorded or live runs.
        name: The metric.
        rank: Which process of a distributed run; none for the first that logged.

    Raises:
        DamagedSeries: a series file holds something else than log calls.
        StepTooLarge: a step does not fit into 64 bits.
    """
    trees = [run.tree for run in runs if not run.live]
    recorded = project.series.points(trees, name, rank=rank)
    for run in runs:
        yield _live_points(project, run.id, name, rank) if run.live else next(recorded)
    yield from recorded  # to its end, where it remembers what it read


def _live_points(project: Project, run_id: str, name: str, rank: int | None) -> Points:
    from runref.model.series import merge_writers, read_lines

    folder = project.spool.find(run_id)
    try:
        if folder is None:
            raise FileNotFoundError(run_id)
        held = folder.series_files()
        wanted = min((each.rank for each in held), default=0) if rank is None else rank
        files = [each for each in held if each.rank == wanted]
        parts = [read_lines(each.path.read_bytes()) for each in files]
    except FileNotFoundError:  # recorded meanwhile
        tree = project.resolve(run_id).tree
        return next(project.series.points([tree], name, rank=rank))
    return read_points([merge_writers(parts).good] if parts else [], name)
