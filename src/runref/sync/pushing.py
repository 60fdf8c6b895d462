"""Sending our history to another repository, merging with what others sent meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import uniform
from time import monotonic, sleep

from runref.git.history import is_ancestor
from runref.git.transport.choose import transport_to
from runref.git.transport.transport import (
    OnProgress,
    PushRefused,
    RefMoved,
    Transport,
    no_progress,
)
from runref.model.merge import Kind
from runref.project.project import Project
from runref.store.differences import differences, forgotten_runs
from runref.store.incoming import Incoming
from runref.store.joining import Joined, join
from runref.store.runs_ref import RUNS_REF
from runref.sync.pulling import pull
from runref.sync.tracking_ref import shown_name, tracking_ref

_PATIENCE_SECONDS = 300.0
"""How long a push goes on merging with what others push meanwhile."""
_FIRST_TURNS, _MOST_TURNS = 0.25, 8.0
"""How many times as long as its attempt took a push that lost waits at most: at first, later."""
_UNMOVED_AT_MOST = 6
"""How often in a row a ref may be called moved by pushes and not by fetches; it may be locked."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        remote: The other repository, as it was named.
        tip: Commit that its runs ref names now; empty where there is nothing to push.
        runs: How many runs it has now and had not when it was last seen.
        annotations: The same of annotations.
        forgotten: How many runs went there.
        received: What came from there and was merged on the way.
        attempts: How often it was tried.
    """

    remote: str
    tip: str
    runs: int = 0
    annotations: int = 0
    forgotten: int = 0
    received: tuple[Joined, ...] = ()
    attempts: int = 0


def push(project: Project, remote: str, *, on_progress: OnProgress = no_progress) -> Pushed:
    """Send what another repository lacks of our history.

    Its ref is moved only from what it was when we last saw it; where it has moved, what is new
    there is merged first. What it holds is never lost, other than runs that were forgotten.

    Args:
        project: Ours.
        remote: A remote of git's configuration, a URL or a path.
        on_progress: Is told how far it is.

    Raises:
        PushRefused: it was reached and does not want it, or shows pushes another ref than fetches.
        GitUnreachable: it could not be reached.
        RefMoved: others pushed all the time, for minutes.
        HistoryRefused, HistoriesDisagree: as for `pull`.
    """
    there = tracking_ref(project, remote).read()
    received: list[Joined] = []
    deadline, attempts, turns = monotonic() + _PATIENCE_SECONDS, 0, _FIRST_TURNS
    unmoved = 0
    while True:
        attempts += 1
        begin = monotonic()
        tip = _including(project, there, remote)
        if not tip:
            return Pushed(remote, "")
        try:
            _send(project, transport_to(remote, project.repository), there, tip, on_progress)
        except RefMoved as moved:
            if monotonic() > deadline:
                raise
            # An attempt takes as long as the server is busy: whoever lost waits its length, and
            # longer each time, so that of many only a few are at it.
            sleep(uniform(0, turns * (monotonic() - begin)))  # noqa: S311 - no march in step
            turns = min(turns * 2, _MOST_TURNS)
            pulled = pull(project, remote, on_progress=on_progress)
            unmoved = unmoved + 1 if pulled.tip == there else 0
            if unmoved == _UNMOVED_AT_MOST:
                raise _not_taken(remote, moved) from moved
            there = pulled.tip
            received += [pulled.joined] if pulled.joined else []
            continue
        _remember(project, remote, tip)
        return replace(
            _sent(project, remote, there, tip), received=tuple(received), attempts=attempts
        )


def _not_taken(remote: str, refusal: RefMoved) -> PushRefused:
    return PushRefused(
        f"{shown_name(remote)} takes no push on top of what it shows: {refusal.message}",
        hint="If the server hides the ref from pushes (receive.hideRefs), `store: {repository: …}` "
        "in .runref.yaml names another repository for the records; if the remote has a pushurl, it "
        "must be the same repository; else the server may have no room.",
    )


def _including(project: Project, old: str, remote: str) -> str:
    """Return our tip, once it has all that the other side had when it was last seen."""
    tip = project.runs.tip()
    if not old or not tip or is_ancestor(project.repository.objects, old, tip):
        return tip
    return join(project.runs, old, origin=shown_name(remote)).tip


def _send(
    project: Project, transport: Transport, old: str, new: str, on_progress: OnProgress
) -> None:
    with Incoming.open(project.repository) as place:
        transport.push(place.folder, RUNS_REF, old=old, new=new, on_progress=on_progress)


def _remember(project: Project, remote: str, tip: str) -> None:
    seen = tracking_ref(project, remote)
    with project.runs.lock(60.0):
        if (before := seen.read()) != tip:
            seen.compare_and_swap(before, tip, message=f"runref: push {shown_name(remote)}")


def _sent(project: Project, remote: str, old: str, new: str) -> Pushed:
    objects, runs = project.repository.objects, project.runs
    before, after = runs.root_of(old), runs.root_of(new)
    gone, came = differences(objects, before, after)
    forgotten = forgotten_runs(objects, after)
    return Pushed(
        remote,
        new,
        runs=sum(each.kind is Kind.RUN for each in came),
        annotations=sum(each.kind is Kind.ANNOTATION for each in came),
        forgotten=sum(each.kind is Kind.RUN and each.run in forgotten for each in gone),
    )
