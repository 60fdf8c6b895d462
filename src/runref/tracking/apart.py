"""Runs of processes that may not write the repository: what they make waits in the spool.

Their git objects are in the run's own folder, and the contents of inputs and outputs in a store
that all runs of the spool have in common, so that an input of a hundred jobs is there once. Whoever
collects such a run brings both into the repository, and moves the ref last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from runref.artifacts import ArtifactMissing, LocalStore
from runref.artifacts.blobs import damaged
from runref.git.files import make_folders
from runref.git.objects import ObjectDamaged, ObjectMissing, ObjectStore, TreeEntry
from runref.git.sweep_mark import unswept
from runref.model.record import Record
from runref.store.recorded import read_record
from runref.store.runs_ref import RunsRef
from runref.store.trees import TREE, copy_tree
from runref.tracking.run_directory import RunDirectory, Sealed
from runref.tracking.spool import ABANDONED_SECONDS, Spool
from runref.tracking.stores import Stores, artifacts_path


def is_apart(run: RunDirectory) -> bool:
    """Tell whether a run keeps what it makes beside itself."""
    return run.objects_path.is_dir()


def set_apart(stores: Stores, run: RunDirectory) -> Stores:
    """Return stores that write what a new run makes beside it.

    Raises:
        OSError: the spool cannot be written either.
    """
    for folder in (run.objects_path, stores.spool.artifacts_path):
        make_folders(str(folder), stores.repository.sharing)
    return replace(
        stores,
        repository=stores.repository.writing_to(run.objects_path),
        artifacts=LocalStore(stores.spool.artifacts_path, fsync=stores.settings.fsync),
    )


def objects_of(run: RunDirectory, runs: RunsRef) -> ObjectStore:
    """Return where a run's objects are written."""
    return runs.repository.writing_to(run.objects_path).objects if is_apart(run) else runs.objects


def borrowed(run: RunDirectory, tree: str, runs: RunsRef) -> Iterator[str]:
    """Yield what the repository has of a tree of a run: all of it, or what its own folder lacks.

    What is nowhere, or is damaged, leads to nothing.
    """
    if runs.objects.contains(tree):
        yield tree
        return
    entries: tuple[TreeEntry, ...] = ()
    with suppress(ObjectMissing, ObjectDamaged):
        entries = objects_of(run, runs).read_tree(tree)
    for entry in entries:
        if entry.mode == TREE:
            yield from borrowed(run, entry.oid, runs)
        elif runs.objects.contains(entry.oid):
            yield entry.oid


def bring_objects(run: RunDirectory, runs: RunsRef) -> None:
    """Copy the snapshot and the record of a run into the repository, where it has them not yet.

    What is lost or damaged stays out: sealing the run again tells what its record has to do
    without.

    Raises:
        RunrefError, OSError: the run cannot be read, or the repository not written.
    """
    if not is_apart(run):
        return
    start, sealed = run.read_start(), run.read_sealed()
    source = objects_of(run, runs)

    def copy() -> None:
        for each in (start.code, sealed):
            with suppress(ObjectMissing, ObjectDamaged):
                if each is not None:
                    copy_tree(each.tree, source, runs.objects)

    unswept(runs.repository.common_dir, copy)


def bring_contents(run: RunDirectory, sealed: Sealed, spool: Spool, runs: RunsRef) -> None:
    """Move the contents that a record names into the repository's store.

    One that is at neither place was removed by somebody; the record stands as it does where that
    happens later.

    Raises:
        RunrefError: a content is damaged, or the store cannot be written.
    """
    if not is_apart(run):
        return
    waiting = LocalStore(spool.artifacts_path, fsync=runs.objects.fsync)
    target = LocalStore(
        artifacts_path(runs.repository.common_dir),
        fsync=runs.objects.fsync,
        may_link=lambda _path: True,
    )
    record = read_record(runs.objects, run.run_id, sealed.tree)
    for digest in sorted(filter(waiting.contains, _contents(record, waiting, target))):
        path = waiting.path_of(digest)
        if target.add(path).digest != digest:
            raise damaged(digest, str(path))
        waiting.delete([digest])


def sweep_contents(spool: Spool) -> None:
    """Remove contents that no run came for: what jobs stored and were killed before they said so.

    Where runs go on or wait, nothing is removed: the contents may be theirs.

    Raises:
        RunrefError: the store cannot be read or written.
    """
    if not spool.artifacts_path.is_dir() or any(spool.live()) or any(spool.ready()):
        return
    store = LocalStore(spool.artifacts_path)
    before = store.now() - ABANDONED_SECONDS
    for each in store.contents():
        store.delete_unused(each.digest, before)


def _contents(record: Record, *stores: LocalStore) -> set[str]:
    """Return the digests of what a record names as stored, and of what its manifests name."""
    found: set[str] = set()
    for file in (*record.inputs, *record.outputs):
        if file.stored and file.digest:
            found.add(file.digest)
            if file.kind == "directory":
                found |= _named_by(file.digest, stores)
    return found


def _named_by(manifest: str, stores: Iterable[LocalStore]) -> set[str]:
    for store in stores:
        with suppress(ArtifactMissing):
            entries = store.read_manifest(manifest).entries
            return {entry.digest for entry in entries if entry.is_file}
    return set()
