"""What a bundle holds, all of it looked at before any of it counts: records, then artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from runref.artifacts import ManifestInvalid, ManifestTooNew, ManifestUnsafe
from runref.artifacts.manifest import parse_manifest
from runref.bundle.errors import refused
from runref.bundle.manifest import Manifest
from runref.bundle.reading import BundleReader
from runref.git.closure import Closure, TreeRefused
from runref.git.files import Sharing
from runref.git.format import FORMATS
from runref.git.objects import ObjectDamaged, ObjectMissing, ObjectStore
from runref.git.pack_reader import PackedObject, PackReader, PackRefused
from runref.model.record import Record
from runref.store.audit import Arrivals, HistoryRefused, audit
from runref.store.recorded import UnreadableRun, read_record
from runref.store.trees import entry_at

_LARGEST_LISTING = 256 << 20
"""Bytes of the manifest of a directory: some 1.6 million files."""
_PATHS_OF_ALL = 1_000_000_000
_CHUNK = 1 << 20


class Sink(Protocol):
    """Takes the bytes of a content."""

    def write(self, chunk: bytes, /) -> object:
        """Take the next bytes."""


class Storage(Protocol):
    """Where contents go that come."""

    def taking(self, digest: str, size: int) -> AbstractContextManager[Sink]:
        """Return what takes the bytes of a content; they may turn out to be other ones."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a bundle.

    Attributes:
        records: What was recorded, by run id.
        arrivals: What is in it besides.
    """

    records: Mapping[str, Record]
    arrivals: Arrivals


@dataclass(slots=True)
class Contents:
    """The artifacts of a bundle.

    Attributes:
        listed: Files that the directories in it name, by the digest of their manifest.
        size: Bytes of all artifacts.
        count: How many.
    """

    listed: dict[str, frozenset[str]] = field(default_factory=dict)
    size: int = 0
    count: int = 0

    def named_by(self, records: Iterable[Record]) -> set[str]:
        """Return the digests that records name, and those that their directories name."""
        named: set[str] = set()
        for record in records:
            for file in (*record.inputs, *record.outputs):
                if file.digest:
                    named |= {file.digest} | self.listed.get(file.digest, frozenset())
        return named


def take_records(
    reader: BundleReader, objects: ObjectStore, folder: str, sharing: Sharing
) -> Records:
    """Read the pack of records into an object folder, and look at everything in it.

    Args:
        reader: The bundle, its head read.
        objects: What reads that folder.
        folder: An object folder that nobody else reads from yet.
        sharing: Permissions of the new files.

    Raises:
        BundleRefused: The pack, a tree or a record is not as runref writes it, or is not what the
            manifest says.
        BundleDamaged: Other bytes came than the manifest says.
        CannotWrite: There is no room.
    """
    manifest = reader.head.manifest
    content = reader.records()
    pack = PackReader(content.read, content.size, FORMATS[manifest.object_format])
    try:
        pack.receive(folder, sharing)
        content.finish()
        _check_objects(objects, manifest, pack.objects)
        arrivals = audit(objects, "", manifest.root)
        _check_agreement(objects, manifest, arrivals)
        records = {
            run_id: read_record(objects, run_id, tree) for run_id, tree in arrivals.runs.items()
        }
    except PackRefused as error:
        content.finish()  # other bytes than the manifest says are damage, and no malice
        raise refused(error.message) from error
    except (TreeRefused, HistoryRefused, UnreadableRun, ObjectMissing, ObjectDamaged) as error:
        raise refused(error.message) from error
    return Records(records, arrivals)


def take_artifacts(reader: BundleReader, records: Records, storage: Storage) -> Contents:
    """Read the artifacts to the end of the bundle.

    Args:
        reader: The bundle, its records read.
        records: Its records.
        storage: Where the contents go.

    Raises:
        BundleRefused: Something is in it that no record names, or is not what it is said to be.
        BundleDamaged: Other bytes came than the manifest says.
    """
    contents = Contents()
    directories = {
        file.digest
        for record in records.records.values()
        for file in (*record.inputs, *record.outputs)
        if file.kind == "directory"
    }
    for digest, content in reader.artifacts():
        listing = bytearray() if digest in directories else None
        if listing is not None and content.size > _LARGEST_LISTING:
            raise refused(f"the list of files {content.name} has {content.size:,} bytes")
        with storage.taking(digest, content.size) as sink:
            while chunk := content.read(_CHUNK):
                sink.write(chunk)
                if listing is not None:
                    listing += chunk
            content.finish()
        if listing is not None:
            contents.listed[digest] = _listed(digest, bytes(listing))
        contents.count += 1
        contents.size += content.size
    strangers = reader.head.manifest.artifacts.keys() - contents.named_by(records.records.values())
    if strangers:
        raise refused(f"no record in it names the artifact {min(strangers)}")
    return contents


class Nowhere:
    """Keeps nothing."""

    @contextmanager
    def taking(self, digest: str, size: int) -> Iterator[Sink]:  # noqa: ARG002
        """Return what takes bytes and drops them."""
        yield self

    def write(self, chunk: bytes, /) -> None:
        """Take no notice."""


def _check_objects(
    objects: ObjectStore, manifest: Manifest, held: Mapping[str, PackedObject]
) -> None:
    """Refuse a pack that is not exactly one commit with all that it reaches."""
    if manifest.commit not in held or held[manifest.commit].kind != "commit":
        raise refused(f"commit {manifest.commit} is not in its pack")
    commit = objects.read_commit(manifest.commit)
    if commit.tree != manifest.root or commit.parents:
        raise refused(f"commit {manifest.commit} is not the one that its manifest describes")
    closure = Closure(objects, held)
    for run_id, tree in manifest.runs.items():
        closure.walk(tree, run_id)
    closure.most_paths = _PATHS_OF_ALL
    closure.walk(manifest.root, "")
    surplus = held.keys() - closure.reached - {manifest.commit}
    if surplus:
        raise refused(f"object {min(surplus)} in its pack belongs to nothing")


def _check_agreement(objects: ObjectStore, manifest: Manifest, arrivals: Arrivals) -> None:
    if dict(manifest.runs) != arrivals.runs:
        differing = dict(manifest.runs).items() ^ arrivals.runs.items()
        raise refused(f"its manifest and its records disagree about run {min(differing)[0]}")
    entry = entry_at(objects, manifest.root, ("tombstones",))
    if manifest.tombstones != (entry.oid if entry else ""):
        raise refused("its manifest and its records disagree about what was forgotten")


def _listed(digest: str, data: bytes) -> frozenset[str]:
    try:
        manifest = parse_manifest(data)
    except (ManifestInvalid, ManifestTooNew, ManifestUnsafe) as error:
        raise refused(f"the list of files {digest}: {error.message}") from error
    return frozenset(each.digest for each in manifest.entries if each.is_file)
