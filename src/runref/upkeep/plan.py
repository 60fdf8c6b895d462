"""What forgetting some runs would free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runref.errors import RunrefError
from runref.git.program import GitProgram
from runref.git.reachable import objects_below, sizes_on_disk, unreferenced
from runref.project.project import Project
from runref.project.reach import reach
from runref.upkeep.clearing import artifacts_of
from runref.upkeep.freeing import roots_in_use

_BESIDE_RUNS = ("--exclude=refs/runref/*", "--all", "--indexed-objects")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Objects and bytes of one kind that would be freed here.

    Attributes:
        count: How many.
        size: Bytes of the disk.
        problem: Why that is not known; empty where it is.
    """

    count: int = 0
    size: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What forgetting runs would do.

    Attributes:
        runs: Record hash of each run by its id.
        mentions: Runs that stay and name one of them: how, and which, by their id.
        objects: Git objects that nothing else leads to.
        artifacts: Contents in the local store that no other run holds.
    """

    runs: Mapping[str, str]
    mentions: Mapping[str, str]
    objects: Estimate
    artifacts: Estimate


def plan_forgetting(project: Project, run_ids: Sequence[str]) -> Plan:
    """Return what forgetting runs would do; nothing is written. Unknown runs are passed over."""
    trees = {run.id: run.tree for run in project.runs.runs()}
    runs = {run_id: trees[run_id] for run_id in run_ids if run_id in trees}
    return Plan(
        runs, mentions_of(project, run_ids), _objects(project, runs), _artifacts(project, runs)
    )


def mentions_of(project: Project, run_ids: Sequence[str]) -> dict[str, str]:
    """Return the other runs that name any of these: how, by their id."""
    going, found = set(run_ids), dict[str, str]()
    for run_id, parent, reproduced in project.index().mentions():
        if run_id in going:
            continue
        if reproduced in going:
            found[run_id] = f"reproduces {reproduced}"
        elif parent in going:
            found[run_id] = f"was opened within {parent}"
    return found


def _objects(project: Project, runs: Mapping[str, str]) -> Estimate:
    repository = project.repository
    git = GitProgram.find(repository.common_dir, repository.environ)
    if git is None:
        return Estimate(problem="there is no git program, which freeing them takes")
    others = [run.tree for run in project.runs.runs() if run.id not in runs]
    try:
        below = objects_below(git, list(runs.values()))
        roots = [*others, *roots_in_use(project)]
        sizes = sizes_on_disk(git, unreferenced(git, below, roots, beside=_BESIDE_RUNS))
    except RunrefError as error:
        return Estimate(problem=error.message)
    return Estimate(len(sizes), sum(sizes.values()))


def _artifacts(project: Project, runs: Mapping[str, str]) -> Estimate:
    local = project.artifacts
    try:
        digests = artifacts_of(project, runs) - reach([project], without=runs).digests
    except RunrefError as error:
        return Estimate(problem=error.message)
    sizes = [size for digest in digests if (size := local.size_of(digest)) is not None]
    return Estimate(len(sizes), sum(sizes))
