"""Bringing another repository's history here and merging it."""

from __future__ import annotations

from dataclasses import dataclass

from runref.git.sweep_mark import sweeping
from runref.git.transport.choose import transport_to
from runref.git.transport.transport import OnProgress, no_progress
from runref.model.merge import Kind
from runref.project.project import Project
from runref.store.audit import audit
from runref.store.differences import differences, forgotten_runs
from runref.store.incoming import Incoming
from runref.store.joining import Joined, join
from runref.store.runs_ref import RUNS_REF
from runref.sync.tracking_ref import shown_name, tracking_ref

_FREEING_SECONDS = 600.0
"""How long a pull waits for another one, or for somebody who frees what was forgotten."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did.

    Attributes:
        remote: The other repository, as it was named.
        tip: Commit of its runs ref; empty where it has none.
        joined: What became of ours; none where it has none.
        missing_there: Runs that it held when it was last seen and now does not, though nobody has
            forgotten them.
    """

    remote: str
    tip: str
    joined: Joined | None = None
    missing_there: tuple[str, ...] = ()


def pull(project: Project, remote: str, *, on_progress: OnProgress = no_progress) -> Pulled:
    """Fetch the runs ref of another repository, look at it, and merge it into ours.

    Args:
        project: Ours.
        remote: A remote of git's configuration, a URL or a path.
        on_progress: Is told how far it is.

    Raises:
        GitUnreachable: it could not be reached.
        HistoryRefused: what came is not what runref writes; nothing of it was written.
        HistoriesDisagree: a run is not the same in both; it is fetched and not merged.
        CannotWrite, LockBusy, RefContended: ours could not be moved.
    """
    repository = project.repository
    # What comes rests on what is here, and is part of the history only when it is merged.
    with sweeping(repository.common_dir, repository.sharing, wait=_FREEING_SECONDS):
        tip, missing = fetch(project, remote, on_progress=on_progress)
        if not tip:
            return Pulled(remote, "", missing_there=missing)
        return Pulled(remote, tip, join(project.runs, tip, origin=shown_name(remote)), missing)


def fetch(
    project: Project, remote: str, *, on_progress: OnProgress = no_progress
) -> tuple[str, tuple[str, ...]]:
    """Fetch the runs ref of another repository and look at it; ours stays as it is.

    Returns:
        Its commit, and the runs that were there before and that nobody has forgotten since.
    """
    runs, seen = project.runs, tracking_ref(project, remote)
    with Incoming.open(project.repository) as incoming:
        transport = transport_to(remote, project.repository)
        tip = transport.fetch(incoming.folder, RUNS_REF, on_progress=on_progress)
        if not tip:
            return "", _missing(project, seen.read(), "")
        root = incoming.objects.read_commit(tip).tree
        audit(incoming.objects, runs.root(), root, incoming.read_many)
        incoming.accept()
    before = seen.read()
    missing = _missing(project, before, tip)
    with runs.lock(60.0):
        if (before := seen.read()) != tip:
            seen.compare_and_swap(before, tip, message=f"runref: fetch {shown_name(remote)}")
    return tip, missing


def _missing(project: Project, before: str, now: str) -> tuple[str, ...]:
    objects, runs = project.repository.objects, project.runs
    if before in ("", now) or not objects.contains(before):
        return ()
    was, _ = differences(objects, runs.root_of(before), runs.root_of(now))
    forgotten = forgotten_runs(objects, runs.root_of(now))
    gone = {each.run for each in was if each.kind is Kind.RUN}
    return tuple(sorted(gone - forgotten))
