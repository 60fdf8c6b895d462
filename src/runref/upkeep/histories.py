"""The states of the history that a repository remembers beside the newest one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from runref.git.all_refs import all_refs
from runref.git.program import GitProgram
from runref.project.project import Project
from runref.project.reach import runs_root
from runref.store.differences import forgotten_runs
from runref.store.runs_ref import RUNS_REF

_REMOTES = "refs/runref/remotes/"


def tracking_refs(project: Project) -> dict[str, str]:
    """Return the commit of each remote-tracking ref, by its full name."""
    refs = all_refs(str(project.repository.common_dir))
    return {name: oid for name, oid in refs.items() if name.startswith(_REMOTES)}


def stale_tracking_refs(project: Project) -> dict[str, str]:
    """Return the remote-tracking refs whose histories hold runs that were forgotten here."""
    root = project.runs.root()
    forgotten = forgotten_runs(project.repository.objects, root)
    return {
        name: oid for name, oid in tracking_refs(project).items()
        if forgotten & _runs_beyond(project, root, oid).keys()
    }  # fmt: skip


def remembered(project: Project) -> set[str]:
    """Return every commit that the ref and the remote-tracking refs name or named."""
    found: set[str] = set()
    for name in (RUNS_REF, *tracking_refs(project)):
        ref = project.repository.ref(name)
        found.update((ref.read(), *ref.past()))
    return {oid for oid in found if project.repository.objects.contains(oid)}


def forgotten_in(project: Project, tips: Iterable[str]) -> dict[str, str]:
    """Return the runs that were forgotten and that these states still held: record hash by id."""
    root = project.runs.root()
    forgotten = forgotten_runs(project.repository.objects, root)
    found: dict[str, str] = {}
    for tip in tips if forgotten else ():
        beyond = _runs_beyond(project, root, tip)
        found.update((run_id, beyond[run_id]) for run_id in beyond.keys() & forgotten)
    return found


def drop_remembered(project: Project, git: GitProgram | None, *, reason: str) -> None:
    """Let reflogs begin anew, and remote-tracking refs go that name what was forgotten.

    Those refs come back with the next fetch. Without a git program they stay.

    Raises:
        GitFailed, RefLocked, CannotWrite: They could not be written.
    """
    if git is not None:
        for name, oid in stale_tracking_refs(project).items():
            git.run("update-ref", "-d", name, oid)
    for name in (RUNS_REF, *tracking_refs(project)):
        project.repository.ref(name).forget_past(message=reason)


def holders(project: Project, run_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the refs whose histories hold any of these runs, with those runs."""
    root, found = project.runs.root(), dict[str, list[str]]()
    for name, oid in sorted(all_refs(str(project.repository.common_dir)).items()):
        held = sorted(_runs_beyond(project, root, oid).keys() & set(run_ids))
        if held:
            found[name] = held
    return found


def _runs_beyond(project: Project, root: str, oid: str) -> dict[str, str]:
    """Return the runs that a commit's tree holds and `root` does not: record hash by id."""
    other = runs_root(project, oid)
    if not other or other == root:
        return {}
    return {run_id: tree for run_id, tree in project.runs.changes(root, other).runs.items() if tree}
