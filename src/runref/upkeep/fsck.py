"""``runref fsck``: every claim of a history, held against what is stored here and at remotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from runref.artifacts.transfer.progress import Meter, TransferProgress
from runref.errors import RunrefError
from runref.git.shallow import shallow_commits
from runref.model.address import ByPrefix, matching_ids, parse_address, the_only
from runref.model.damage import Damage
from runref.model.ids import run_path
from runref.project.project import Project
from runref.project.remotes import Remote
from runref.store.claims import unreadable
from runref.store.runs_ref import RUNS_REF, StoredRun
from runref.upkeep.checking.annotations import check_documents
from runref.upkeep.checking.artifacts import (
    LocalChecked,
    check_local,
    follow_manifests,
    note_local,
)
from runref.upkeep.checking.commits import check_commits
from runref.upkeep.checking.contents import Contents
from runref.upkeep.checking.layout import Layout, read_layout
from runref.upkeep.checking.remotes import Reading, RemoteChecked, check_remote
from runref.upkeep.checking.runs import check_runs
from runref.upkeep.checking.signatures import check_signatures

SAMPLE = 20
"""Contents that are read of a remote unless it is said otherwise."""


class Showing(Protocol):
    """Shows how far a check is."""

    def counting(
        self, what: str, total: int | None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Return a block in which the number of things done so far is told."""

    def reading(self, where: str) -> AbstractContextManager[TransferProgress]:
        """Return a block in which bytes that are read are told."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be checked.

    Attributes:
        runs: Addresses of runs; all of the history where there is none.
        remotes: Remotes that should hold the artifacts, too.
        sample: How many contents of each remote are read; none for all.
        full: Whether every earlier state of the history is compared with the one before.
    """

    runs: tuple[str, ...] = ()
    remotes: tuple[Remote, ...] = ()
    sample: int | None = SAMPLE
    full: bool = False


@dataclass(slots=True)
class Counts:
    """How much was checked.

    Attributes:
        commits: Commits of the runs ref.
        runs: Runs.
        objects: Git objects that were read, each once, or once for each process that reads.
        points: Log calls.
        annotations: Runs whose annotations were read.
        tombstones: Forgotten runs whose tombstones were read.
        signatures: Signatures of runs, and of the commits that added signed ones.
        artifacts: Contents that are in the local store and whole.
        artifact_bytes: Their bytes.
    """

    commits: int = 0
    runs: int = 0
    objects: int = 0
    points: int = 0
    annotations: int = 0
    tombstones: int = 0
    signatures: int = 0
    artifacts: int = 0
    artifact_bytes: int = 0


@dataclass(slots=True)
class Findings:
    """What a check found.

    Attributes:
        damage: What is not as it should be.
        counts: How much was checked.
        remotes: What was found out about each remote.
        contents: The artifacts that the runs hold.
        local: What was found out about the local store.
        elsewhere: Contents that are not here, and that a remote which was asked has.
        unchecked: What was not checked, and why.
        notes: What is no damage, and worth knowing.
    """

    damage: list[Damage] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    remotes: list[RemoteChecked] = field(default_factory=list)
    contents: Contents = field(default_factory=Contents)
    local: LocalChecked = field(default_factory=LocalChecked)
    elsewhere: int = 0
    unchecked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fsck(project: Project, request: Request, showing: Showing) -> Findings:
    """Check a history; nothing is changed.

    Raises:
        UnknownRun, AmbiguousRun: an address of `request` names no run, or several.
        StoreUnusable: the local artifact store cannot be looked at.
    """
    check = _Fsck(project, request, showing)
    check.check_history()
    check.check_artifacts()
    check.note_others()
    check.found.damage = _sorted(check.found.damage)
    return check.found


class _Fsck:
    """One check."""

    def __init__(self, project: Project, request: Request, showing: Showing) -> None:
        self._project = project
        self._request = request
        self._showing = showing
        self._objects = project.repository.objects
        self.found = Findings()

    def check_history(self) -> None:
        tip = self._project.runs.tip()
        if not tip:
            self.found.notes.append(f"there is no {RUNS_REF}: nothing is recorded yet")
            return
        try:
            root = self._objects.read_commit(tip).tree
        except RunrefError as error:
            self.found.damage.append(unreadable("", RUNS_REF, tip, error))
            self.found.unchecked.append("everything but the newest commit, which cannot be read")
            return
        layout = read_layout(self._objects, root)
        if self._request.runs:
            self._narrow(layout)
            self.found.unchecked.append("other runs, and the commits: RUNs were named")
        else:
            self.found.damage += layout.damage
            self.found.counts.objects += layout.objects
            self._check_commits(tip)
        self._check_runs(layout.runs)
        self._check_documents(layout)
        self._check_signatures(layout)

    def _narrow(self, layout: Layout) -> None:
        """Keep only the runs that were asked for."""
        wanted = {self._named(address, layout) for address in self._request.runs}
        layout.runs = [run for run in layout.runs if run.id in wanted]
        layout.annotations = [each for each in layout.annotations if each.id in wanted]
        layout.tombstones = [each for each in layout.tombstones if each.id in wanted]
        self.found.damage += [each for each in layout.damage if each.run in wanted]

    def _named(self, address: str, layout: Layout) -> str:
        """Return the id that an address names; the run need not be readable."""
        asked = parse_address(address)
        if not isinstance(asked, ByPrefix):
            return self._project.resolve(address).id
        by_id = matching_ids(asked.text, [run.id for run in layout.runs])
        by_hash = [run.id for run in layout.runs if run.tree.startswith(asked.text)]
        return the_only(address, by_id or by_hash)

    def _check_commits(self, tip: str) -> None:
        shallow = shallow_commits(str(self._project.repository.common_dir))
        full = self._request.full
        with self._showing.counting("commits", None) as on_progress:
            checked = check_commits(self._objects, tip, shallow, full=full, on_progress=on_progress)
        self.found.damage += checked.damage
        self.found.counts.commits = checked.commits
        self.found.counts.objects += checked.objects
        if checked.shallow:
            self.found.unchecked.append("commits beyond the end of this shallow clone")
        if not full:
            self.found.unchecked.append(
                "whether earlier commits changed or removed runs: --full compares every state"
            )

    def _check_runs(self, runs: Sequence[StoredRun]) -> None:
        with self._showing.counting("runs", len(runs)) as on_progress:
            for done, checked in enumerate(check_runs(self._project.runs, runs), 1):
                self.found.damage += checked.damage
                self.found.contents.add(checked.run, checked.held)
                self.found.counts.runs += 1
                self.found.counts.objects += checked.objects
                self.found.counts.points += checked.points
                on_progress(done)

    def _check_documents(self, layout: Layout) -> None:
        counts = self.found.counts
        counts.annotations, counts.tombstones = len(layout.annotations), len(layout.tombstones)
        for kind, folder, runs in (
            ("annotation", "annotations", layout.annotations),
            ("tombstone", "tombstones", layout.tombstones),
        ):
            for run in runs:
                above = "/".join((folder, *run_path(run.id)))
                self.found.damage += check_documents(self._objects, run, kind, above)

    def _check_signatures(self, layout: Layout) -> None:
        checked = check_signatures(self._project, layout.runs, layout.annotations)
        self.found.damage += checked.damage
        self.found.counts.signatures = checked.signatures
        if checked.unchecked:
            self.found.unchecked.append(checked.unchecked)

    def check_artifacts(self) -> None:
        local, contents = self._project.artifacts, self.found.contents
        follow_manifests(local, contents)
        for remote in self._request.remotes:
            self._check_remote(remote)
        with self._showing.reading("here") as progress:
            here = check_local(local, contents, Meter(progress))
        self.found.local = here
        self.found.counts.artifacts, self.found.counts.artifact_bytes = here.whole, here.size
        elsewhere = set().union(*(each.held for each in self.found.remotes)) & here.missing
        self.found.elsewhere = len(elsewhere)
        here.missing -= elsewhere
        note_local(here, contents, local)
        self.found.damage += contents.damage

    def _check_remote(self, remote: Remote) -> None:
        contents = self.found.contents
        with self._showing.reading(remote.name) as progress:
            try:
                store = remote.connect()
            except RunrefError as error:
                checked = RemoteChecked(remote.name, len(contents.digests), error=error)
            else:
                reading = Reading(self._request.sample, Meter(progress), remote.concurrency)
                checked = check_remote(store, contents, reading)
        self.found.remotes.append(checked)

    def note_others(self) -> None:
        self.found.notes += _spool_notes(self._project)
        aside = sorted(self._project.artifacts.set_aside_contents())
        if aside:
            self.found.notes.append(
                f"{len(aside)} damaged contents were set aside in {aside[0].parent}"
            )
        asked = {remote.name for remote in self._request.remotes}
        others = [each.name for each in self._project.remotes.all if each.name not in asked]
        if others:
            self.found.unchecked.append(
                f"artifacts at {', '.join(others)}: --remote NAME asks a remote"
            )


def _spool_notes(project: Project) -> Iterator[str]:
    live = killed = 0
    for run in project.spool.live():
        if run.has_live_writers():
            live += 1
        else:
            killed += 1
    ready = sum(1 for _ in project.spool.ready())
    if live:
        yield f"{live} runs go on, and have no record yet"
    if killed or ready:
        yield f"{killed} killed and {ready} ended runs wait in the spool: `runref recover`"
    unborn = sum(1 for _ in _left_over(project.spool.path))
    if unborn:
        yield f"{unborn} left-overs of killed processes lie in {project.spool.path}"


def _left_over(spool: Path) -> Iterator[Path]:
    return spool.glob(".new-*") if spool.is_dir() else iter(())


def _sorted(damage: Sequence[Damage]) -> list[Damage]:
    """Return damage by run, the history's own first, each thing once."""
    return sorted(dict.fromkeys(damage), key=lambda each: (each.run, each.place, each.kind))
