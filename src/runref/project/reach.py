"""Everything that the records of a repository reach: what gc must keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from runref.artifacts.artifact import ArtifactMissing, digest_hex
from runref.artifacts.local import LocalStore
from runref.artifacts.remote.store import RemoteStore
from runref.errors import RunrefError
from runref.git.all_refs import all_refs
from runref.git.objects import ObjectMissing
from runref.model.record import DataFile
from runref.project.project import Project
from runref.store.differences import forgotten_runs
from runref.store.recorded import read_record
from runref.store.runs_ref import RUNS_REF, check_format
from runref.store.trees import entry_at
from runref.tracking.live import live_run

_LOOKS = 3
"""How often a run of the spool is looked for, which changes its name when it ends."""


class HoldingsUnknown(RunrefError):
    """What the records hold cannot be found out, so nothing may be removed."""

    code = "holdings-unknown"


@dataclass(slots=True)
class Reach:
    """What records reach.

    Attributes:
        digests: Files and manifests that records name, and files that those manifests name.
        runs: Ids of the runs whose records were read.
        refs: Refs besides the runs ref that hold runs which it does not, with their number.
    """

    digests: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    refs: dict[str, int] = field(default_factory=dict)


def reach(
    projects: Sequence[Project],
    stores: Sequence[RemoteStore] = (),
    lost: Collection[str] = (),
    *,
    without: Collection[str] = (),
) -> Reach:
    """Return what the records of repositories reach.

    Those are the records of the runs ref, what is known of live runs, and the records of every
    other ref that holds a history of runs, as a tag on an older state of it does.

    Args:
        projects: The repositories. Manifests are looked up in all their local stores.
        stores: Remotes that are asked for manifests which are not here, in this order.
        lost: Digests of manifests that may be missing: their files count as held by nobody.
        without: Runs of the runs ref that do not count, as they are to go.

    Raises:
        HoldingsUnknown: A record or a manifest cannot be read.
    """
    reached = Reach()
    directories: set[str] = set()
    for project in projects:
        for file in _files(project, reached, without):
            reached.digests.add(file.digest)
            if file.kind == "directory":
                directories.add(file.digest)
    waiting = [LocalStore(project.spool.artifacts_path) for project in projects]
    places = [*(project.artifacts for project in projects), *waiting]
    manifests = _Manifests(places, list(stores))
    for digest in sorted(directories.difference(lost)):
        reached.digests.update(manifests.named_by(digest))
    return reached


def _files(
    project: Project, reached: Reach, without: Collection[str]
) -> Iterator[DataFile | _Held]:
    # Live runs first: one that ends meanwhile is in the index by the time that is read.
    yield from _of_live_runs(project)
    index = project.index()
    if unreadable := index.unreadable():
        raise HoldingsUnknown(
            f"{len(unreadable)} records cannot be read, so what they hold is unknown: "
            f"{unreadable[0].problem}",
            hint="bring them back from another clone; nothing was removed",
        )
    reached.runs.update(index.ids())
    # The oldest run, by which a repository is known at remotes, may have been forgotten.
    reached.runs.update(forgotten_runs(project.repository.objects, project.runs.root()))
    counted = reached.runs.difference(without) if without else None
    for held in index.held(None if counted is None else list(counted)):
        yield _Held(held.digest, held.kind)
    yield from _elsewhere(project, reached)


def _of_live_runs(project: Project) -> Iterator[DataFile]:
    ids = [run.run_id for run in (*project.spool.live(), *project.spool.ready())]
    for run_id in dict.fromkeys(ids):
        yield from _of_live_run(project, run_id)


def _of_live_run(project: Project, run_id: str) -> Iterator[DataFile]:
    problem = "a file of its folder is missing"
    for _ in range(_LOOKS):
        run = project.spool.find(run_id)
        if run is None:
            return  # it has been recorded meanwhile
        try:
            record = live_run(run).record
        except FileNotFoundError:
            continue  # it has another name since it ended
        except RunrefError as error:
            problem = error.message
            break
        yield from _stored((*record.inputs, *record.outputs))
        return
    raise HoldingsUnknown(
        f"run {run_id} goes on or waits, and cannot be read: {problem}",
        hint="`runref recover` tells more; nothing was removed",
    )


@dataclass(frozen=True, slots=True)
class _Held:
    digest: str
    kind: str


def _elsewhere(project: Project, reached: Reach) -> Iterator[DataFile]:
    """Yield what runs hold that only other refs hold: tags, remote-tracking refs, branches."""
    objects, newest = project.repository.objects, project.runs.root()
    seen = {newest}
    for name, oid in sorted(all_refs(str(project.repository.common_dir)).items()):
        root = runs_root(project, oid)
        if name == RUNS_REF or not root or root in seen:
            continue
        seen.add(root)
        for run_id, tree in project.runs.changes(newest, root).runs.items():
            if not tree:
                continue  # a run that this ref does not have
            try:
                record = read_record(objects, run_id, tree)
            except RunrefError as error:
                raise HoldingsUnknown(
                    f"{name} holds a record that cannot be read: {error.message}",
                    hint="bring it back from another clone, or delete that ref; "
                    "nothing was removed",
                ) from error
            reached.runs.add(run_id)
            reached.refs[name] = reached.refs.get(name, 0) + 1
            yield from _stored((*record.inputs, *record.outputs))


def runs_root(project: Project, oid: str) -> str:
    """Return the root tree of a history of runs that an object leads to; empty for another one."""
    objects = project.repository.objects
    try:
        kind, data = objects.read(oid)
        while kind == "tag":
            kind, data = objects.read(data.split(b"\n", 1)[0].removeprefix(b"object ").decode())
        if kind != "commit":
            return ""
        root = data.split(b"\n", 1)[0].removeprefix(b"tree ").decode()
        if entry_at(objects, root, ("FORMAT",)) is None or not entry_at(objects, root, ("runs",)):
            return ""
        check_format(objects, root)
    except ObjectMissing:
        return ""  # a partial or shallow clone: what is not here, nobody here can name
    return root


def _stored(files: Iterable[DataFile]) -> Iterator[DataFile]:
    return (file for file in files if file.digest and file.stored)


@dataclass(slots=True)
class _Manifests:
    """Where manifests are looked up.

    Attributes:
        locals: Local stores; what is found elsewhere is brought to the first one.
        stores: Remotes. One that fails is not asked again.
        failures: What those that failed said.
    """

    locals: Sequence[LocalStore]
    stores: list[RemoteStore]
    failures: list[str] = field(default_factory=list)

    def named_by(self, digest: str) -> list[str]:
        """Return the digests of the files that a manifest names."""
        for local in self.locals:
            with suppress(ArtifactMissing):
                return _read(local, digest)
        for store in tuple(self.stores):
            try:
                if _bring(self.locals[0], store, digest):
                    return _read(self.locals[0], digest)
            except RunrefError as error:
                self.failures.append(error.message)
                self.stores.remove(store)
        raise _unknown(digest, "; ".join(("it is not here", *self.failures)))


def _read(local: LocalStore, digest: str) -> list[str]:
    try:
        manifest = local.read_manifest(digest)
    except ArtifactMissing:
        raise
    except RunrefError as error:
        raise _unknown(digest, error.message) from error
    return [entry.digest for entry in manifest.entries if entry.is_file]


def _bring(local: LocalStore, store: RemoteStore, digest: str) -> bool:
    size = store.present([digest]).get(digest)
    if size is None:
        return False
    with local.receive(digest, size) as receiver:
        store.read(digest, receiver.write, start=receiver.start, size=size)
        receiver.finish()
    return True


def _unknown(digest: str, why: str) -> HoldingsUnknown:
    short = digest_hex(digest)[:12]
    return HoldingsUnknown(
        f"what the directory {short}… holds is unknown: {why}",
        hint=f"bring it from where it was recorded; if it is gone for good, --lost {digest}",
    )
