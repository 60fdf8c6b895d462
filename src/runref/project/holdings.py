"""What the recorded runs of a repository hold: the artifacts that are worth pushing and keeping."""

from __future__ import annotations

from collections.abc import Sequence

from runref.artifacts.transfer.wanted import Wanted
from runref.project.project import Project


def holdings(project: Project, runs: Sequence[str] = ()) -> list[Wanted]:
    """Return the artifacts whose content runs stored, each once.

    Args:
        project: The repository.
        runs: Ids or other addresses of recorded runs; all runs where none is given.

    Raises:
        UnknownRun: there is no such run.
        AmbiguousRun: there are several.
        StillRunning: a run has no record yet.
        UnreadableRun: a record is damaged.
    """
    index = project.index()
    ids = [project.resolve(address, index).id for address in runs] if runs else None
    return [Wanted(held.digest, held.kind, held.size) for held in index.held(ids)]
