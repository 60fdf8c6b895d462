"""``runref fsck --repair``: what a check found, brought back from where it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.transfer.progress import Meter
from runref.errors import RunrefError
from runref.git.locks import exclusive
from runref.git.objects import ObjectStore
from runref.git.repository import Repository
from runref.project.claiming import claim_at
from runref.project.project import Project
from runref.project.remotes import Remote
from runref.project.supply import connected
from runref.tracking.stores import artifacts_path
from runref.upkeep.fsck import Findings, Request, Showing, fsck
from runref.upkeep.repairing.artifacts import LocalMender, Sender
from runref.upkeep.repairing.lending import lent
from runref.upkeep.repairing.objects import ObjectMender

_OBJECT_KINDS = frozenset({"object-missing", "object-damaged"})
_CONCURRENCY = 16
_ROUNDS = 5
"""What is brought back can show what else is missing: a record, artifacts, a manifest's files."""


@dataclass(slots=True)
class Repaired:
    """What a repair did. What it could not do is found by the next check.

    Attributes:
        objects: Names of the git objects that were brought back.
        artifacts: Digests of the artifacts that were brought back here.
        sent: How many artifacts were sent to each remote.
        problems: What stood in the way.
    """

    objects: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def amount(self) -> int:
        """How many things were brought back, or sent."""
        return len(self.objects) + len(self.artifacts) + sum(self.sent.values())


def repair(
    project: Project,
    request: Request,
    found: Findings,
    clones: Sequence[Path],
    showing: Showing,
) -> tuple[Repaired, Findings]:
    """Bring back what a check found missing or damaged; nothing is deleted.

    Git objects come from `clones`, or where none is named, from the git remotes; artifacts from
    `clones` and from all remotes of the project. What the remotes that were checked lack is sent
    to them, where it is whole here.

    Args:
        project: The repository.
        request: What was checked.
        found: What was found.
        clones: Other clones of the repository.
        showing: Shows how far it is.

    Returns:
        What was done, and what is found afterwards.

    Raises:
        NotARepository: One of `clones` is none.
        LockBusy: another process repairs this repository.
        CannotWrite, StoreFull, StoreUnusable: the operating system refuses.
    """
    lenders = [Repository.open(path, environ=project.environ) for path in clones]
    own = project.repository.common_dir / "runref"
    done = Repaired()
    with exclusive(own / "repair.lock", wait=0.0, sharing=project.repository.sharing):
        for _ in range(_ROUNDS):
            before = done.amount
            done.problems.clear()
            _mend_objects(project, found, lenders, done)
            _mend_artifacts(project, found, lenders, showing, done)
            _mend_remotes(project, request.remotes, found, showing, done)
            found = fsck(project, request, showing)
            if not found.damage or done.amount == before:
                break
    return done, found


def _mend_objects(
    project: Project, found: Findings, lenders: Sequence[Repository], done: Repaired
) -> None:
    repository = project.repository
    wanted = [each.object for each in found.damage if each.kind in _OBJECT_KINDS]
    aside = str(repository.common_dir / "runref" / "damaged")
    mender = ObjectMender(repository.objects, aside, wanted)
    if not wanted:
        return
    for lender in lenders:
        mender.borrow(lender.objects)
    for name in () if lenders else repository.remotes():
        if not mender.lacking:
            break
        with ExitStack() as stack:
            objects = _borrowed(project, name, stack, done.problems)
            if objects is not None:
                mender.borrow(objects)
    done.problems += [f"git object {oid} is nowhere whole" for oid in mender.lacking]
    done.objects += mender.mended


def _borrowed(
    project: Project, name: str, stack: ExitStack, problems: list[str]
) -> ObjectStore | None:
    try:
        return stack.enter_context(lent(project.repository, name))
    except RunrefError as error:  # another remote may be well
        problems.append(f"git remote {name}: {error.message}")
        return None


def _mend_artifacts(
    project: Project,
    found: Findings,
    lenders: Sequence[Repository],
    showing: Showing,
    done: Repaired,
) -> None:
    wanted = _wanted_here(project, found)
    if not wanted:
        return
    sources: list[RemoteStore] = [
        open_remote(str(artifacts_path(each.common_dir)), name=str(each.common_dir))
        for each in lenders
    ]
    remotes = project.remotes.by_distance() if project.remotes.all else ()
    stores, unusable = connected(remotes)
    done.problems += [f"{each.remote}: {each.error.message}" for each in unusable]
    aside = artifacts_path(project.repository.common_dir) / "mending"
    with showing.reading("remotes") as progress:
        mender = LocalMender(
            project.artifacts, aside, [*sources, *stores], Meter(progress), _CONCURRENCY
        )
        try:
            mender.bring(found.contents, wanted)
        finally:
            mender.close()
    done.problems += mender.problems
    done.artifacts += mender.mended


def _wanted_here(project: Project, found: Findings) -> set[str]:
    """Return what is to be brought here: also what a remote lacks that only another one has."""
    bad = found.local.missing | found.local.damaged
    for checked in found.remotes:
        bad |= {
            digest
            for digest in checked.missing | checked.damaged
            if not project.artifacts.contains(digest)
        }
    return bad


def _mend_remotes(
    project: Project, remotes: Sequence[Remote], found: Findings, showing: Showing, done: Repaired
) -> None:
    """Send to each remote what it lacks, or has damaged, and is here."""
    for remote, checked in zip(remotes, found.remotes, strict=True):
        wanted = [
            digest
            for digest in sorted(checked.missing | checked.damaged)
            if project.artifacts.contains(digest)
        ]
        if not wanted:
            continue
        try:
            store = remote.connect()
            claim_at(project, remote, store, wanted)
            with showing.reading(f"for {remote.name}") as progress:
                sender = Sender(project.artifacts, store, progress, remote.concurrency)
                pushed = sender.send(found.contents, wanted)
        except RunrefError as error:  # the other remotes may be well
            done.problems.append(f"{remote.name}: {error.message}")
            continue
        sent = sum(each.sent for each in pushed)
        done.sent[remote.name] = done.sent.get(remote.name, 0) + sent
        for each in pushed:
            done.problems += [
                f"{remote.name}: {failure.digest}: {failure.error.message}"
                for failure in each.failed
            ]
            if each.ended_by:
                done.problems.append(f"{remote.name}: {each.ended_by.message}")
