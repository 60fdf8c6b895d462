"""Taking a bundle into a repository: all of it is looked at before any of it is to be seen.

It is read once. Objects wait in a place of their own and artifacts without a name, until the last
byte was compared; then artifacts get their names, objects move into the repository, and the runs
ref moves. A kill between these leaves a repository that lacks nothing it had, and importing again
ends what was begun.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from runref.artifacts import LocalStore
from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.staging import Staging
from runref.artifacts.transfer.wanted import expand
from runref.bundle.checking import Nowhere, Records, Sink, take_artifacts, take_records
from runref.bundle.manifest import Manifest
from runref.bundle.reading import BundleReader, Head, Vet, ignore_head
from runref.errors import RunrefError
from runref.git.sweep_mark import sweeping
from runref.model.merge import Kind
from runref.project.project import Project
from runref.project.supply import wanted_of
from runref.store.differences import differences, forgotten_runs
from runref.store.incoming import Incoming
from runref.store.joining import Joined, graft

_FREEING_SECONDS = 600.0
"""How long an import waits for a pull, or for somebody who frees what was forgotten."""


class OtherObjectFormat(RunrefError):
    """A bundle names git objects in another way than the repository does."""

    code = "other-object-format"


class BundleTooLarge(RunrefError):
    """There is no room for what a bundle holds."""

    code = "bundle-too-large"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken.

    Attributes:
        head: The bundle's manifest, and the signature.
        joined: What became of the runs ref.
        already: How many runs of the bundle were there before.
        stored: How many artifacts were stored.
        stored_bytes: Their bytes.
        artifacts: How many artifacts are in the bundle.
        absent: Digests of what its records name, and that is neither in it nor here.
    """

    head: Head
    joined: Joined
    already: int
    stored: int
    stored_bytes: int
    artifacts: int
    absent: tuple[str, ...]


def import_bundle(
    project: Project,
    stream: BinaryIO,
    *,
    origin: str,
    vet: Vet = ignore_head,
    on_bytes: OnBytes = ignore,
) -> Imported:
    """Verify a bundle, and take its runs and artifacts into the repository.

    Args:
        project: The repository.
        stream: The bundle; need not be seekable.
        origin: What the history says of where it came from.
        vet: Looks at the manifest and its signature before anything else is read; it may raise.
        on_bytes: Told the number of bytes read since its last call.

    Raises:
        NoBundle, BundleTooNew, BundleDamaged, BundleRefused: as for `inspect`; nothing was written.
        OtherObjectFormat: The repository is of another kind.
        BundleTooLarge: There is no room.
        HistoriesDisagree: A run is here, and is another one; its artifacts may have been stored.
        CannotWrite, StoreFull, StoreUnusable: The system refused it.
    """
    reader = BundleReader(stream, on_bytes=on_bytes)
    manifest, local = reader.head.manifest, project.artifacts
    vet(reader.head)
    _require_format(project, manifest)
    _require_room(local, manifest)
    repository = project.repository
    # What comes rests on what is here, and is part of the history only when it is merged.
    with (
        sweeping(repository.common_dir, repository.sharing, wait=_FREEING_SECONDS),
        Incoming.open(repository) as incoming,
        local.staging() as staging,
    ):
        folder = str(incoming.folder / "objects")
        records = take_records(reader, incoming.objects, folder, project.repository.sharing)
        contents = take_artifacts(reader, records, _Local(local, staging))
        kept = _not_forgotten(project, records)
        named = contents.named_by(records.records[run_id] for run_id in kept)
        stored = staging.publish(named)
        joined = _joined(project, incoming, manifest.root, origin)
    return Imported(
        head=reader.head,
        joined=joined,
        already=len(kept) - len(joined.runs),
        stored=len(stored),
        stored_bytes=sum(manifest.artifacts[digest] for digest in stored),
        artifacts=contents.count,
        absent=_absent(local, records, kept),
    )


def _joined(project: Project, incoming: Incoming, root: str, origin: str) -> Joined:
    """Join the records with ours; a bundle that brings nothing new leaves no object behind."""
    runs = project.runs
    _, new = differences(incoming.objects, runs.root(), root)
    forgotten = forgotten_runs(incoming.objects, runs.root())
    if all(item.kind is not Kind.TOMBSTONE and item.run in forgotten for item in new):
        refused = {item.run for item in new if item.kind is Kind.RUN}
        return Joined(runs.tip(), refused=tuple(sorted(refused)))
    incoming.accept()
    return graft(runs, root, origin=origin)


class _Local:
    """Takes what the local store lacks."""

    def __init__(self, local: LocalStore, staging: Staging) -> None:
        self._local = local
        self._staging = staging

    @contextmanager
    def taking(self, digest: str, size: int) -> Iterator[Sink]:
        if not self._local.needs(digest, size):
            yield Nowhere()
            return
        with self._staging.new(digest) as new:
            yield new


def _require_format(project: Project, manifest: Manifest) -> None:
    if manifest.object_format != project.repository.object_format:
        raise OtherObjectFormat(
            f"the bundle is of a {manifest.object_format} repository, "
            f"and this is a {project.repository.object_format} one",
            hint=f"import it where `git init --object-format={manifest.object_format}` was used",
        )


def _require_room(local: LocalStore, manifest: Manifest) -> None:
    lacking = (size for digest, size in manifest.artifacts.items() if local.needs(digest, size))
    needed, room = manifest.records_size + sum(lacking), local.room()
    if needed > room:
        raise BundleTooLarge(
            f"the bundle holds {needed:,} bytes that are not here, and {room:,} are free",
            hint="free space on the disk of the repository; nothing was written",
        )


def _not_forgotten(project: Project, records: Records) -> list[str]:
    forgotten = forgotten_runs(project.repository.objects, project.runs.root())
    return [run_id for run_id in records.records if run_id not in forgotten]


def _absent(local: LocalStore, records: Records, kept: list[str]) -> tuple[str, ...]:
    """Return what records of the bundle name with its content, and is not here."""
    taken = (records.records[run_id] for run_id in kept)
    files = (file for each in taken for file in (*each.inputs, *each.outputs) if file.stored)
    needed = expand(local, wanted_of(files))
    lost = {*needed.absent, *(each.digest for each in needed.failed)}
    lost |= {digest for digest in needed.files if not local.contains(digest)}
    return tuple(sorted(lost))
