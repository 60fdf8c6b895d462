"""Everything about a bundle that is known before a byte of it is written."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from runref.artifacts import (
    ArtifactDamaged,
    ArtifactMissing,
    LocalStore,
    ManifestInvalid,
    ManifestTooNew,
    ManifestUnsafe,
)
from runref.artifacts.transfer.wanted import Wanted
from runref.bundle.choosing import Chosen, Earlier, choose
from runref.bundle.manifest import Manifest, Request
from runref.bundle.packing import Packed, pack_records
from runref.bundle.scanning import Scan
from runref.git.files import writing
from runref.model.codec import escape_text
from runref.model.record import DataFile
from runref.model.times import now, parse_time
from runref.project.project import Project
from runref.project.supply import Supply, wanted_of
from runref.version import __version__

Sign = Callable[[bytes], bytes]
"""Makes a signature of the bytes of a manifest."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a bundle is to be.

    Attributes:
        request: What is asked for.
        earlier: What is left out.
        sign: Signs the manifest; none: it is not signed.
    """

    request: Request
    earlier: Earlier = field(default_factory=Earlier)
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A bundle that has not been written.

    Attributes:
        manifest: What will be in it.
        encoded: The bytes of the manifest.
        signature: A signature of them; empty for none.
        records: The pack, in a file without a name.
        chosen: What was chosen.
        scan: What was looked through for secrets.
    """

    manifest: Manifest
    encoded: bytes
    signature: bytes
    records: BinaryIO
    chosen: Chosen
    scan: Scan


def plan_bundle(project: Project, order: Order, supply: Supply, folder: Path) -> Plan:
    """Choose, bring here what is elsewhere, pack the records, and look for secrets.

    Args:
        project: The repository; it is only read.
        order: What is asked for.
        supply: Where the artifacts come from; what is not here is brought to the local store.
        folder: Where there is room for the pack.

    Raises:
        NothingToBundle: No run is asked for.
        BundleHoldsSecrets: Something looks secret.
        QueryInvalid: The query cannot be understood.
        ObjectMissing: Something of a run is not in the repository.
        ObjectDamaged: Something of a run is damaged.
        CannotWrite: There is no room for the records.
    """
    chosen = choose(project, order.request, order.earlier)
    created = now()
    identity = project.repository.identity()
    scan = Scan()
    with writing(str(folder)):
        records = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by who gets it
    try:
        packed = pack_records(
            project.repository.objects,
            project.repository.object_format,
            chosen,
            records.fileno(),
            identity=identity,
            seconds=int(parse_time(created).timestamp()),
            on_blob=scan.record,
        )
        artifacts, missing = _artifacts(project.artifacts, chosen, order.earlier, supply, scan)
        if not order.request.allow_secrets:
            scan.require_none()
        manifest = Manifest(
            object_format=project.repository.object_format,
            commit=packed.commit,
            root=packed.root,
            tombstones=chosen.tombstones,
            created=created,
            author=escape_text(identity),
            runref=__version__,
            request=order.request,
            runs=chosen.runs,
            missing=missing,
            records=_sha256(records, packed),
            records_size=packed.size,
            artifacts=artifacts,
        )
        encoded = manifest.encode()
        signature = order.sign(encoded) if order.sign else b""
    except BaseException:
        records.close()
        raise
    return Plan(manifest, encoded, signature, records, chosen, scan)


def _artifacts(
    local: LocalStore, chosen: Chosen, earlier: Earlier, supply: Supply, scan: Scan
) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Return sizes of what is here now, by digest, and what is nowhere."""
    wanted = [each for each in wanted_of(chosen.files) if each.digest not in earlier.artifacts]
    if not wanted:
        return {}, ()
    done = supply.bring(wanted)
    if done.ended_by:
        raise done.ended_by
    names, unusable = _names(local, chosen.files, wanted)
    sizes: dict[str, int] = {}
    missing: list[str] = []
    for digest in sorted(names.keys() - set(earlier.artifacts)):
        size = None if digest in unusable else local.size_of(digest)
        if size is None:
            missing.append(digest)
            continue
        sizes[digest] = size
        scan.artifact(local, digest, names[digest])
    return sizes, tuple(missing)


def _names(
    local: LocalStore, files: Iterable[DataFile], wanted: Iterable[Wanted]
) -> tuple[dict[str, str], set[str]]:
    """Return what records call contents, by digest, and lists of files that are no good."""
    paths = {file.digest: file.path for file in files}
    names, unusable = {}, set()
    for each in wanted:
        names[each.digest] = path = paths[each.digest]
        if each.kind == "file":
            continue
        try:
            entries = local.read_manifest(each.digest).entries
        except (ArtifactMissing, ArtifactDamaged, ManifestInvalid, ManifestTooNew, ManifestUnsafe):
            unusable.add(each.digest)
            continue
        for entry in entries:
            if entry.is_file:
                names.setdefault(entry.digest, f"{path}/{entry.path}")
    return names, unusable


def _sha256(file: BinaryIO, packed: Packed) -> str:
    hasher = hashlib.sha256()
    for offset in range(0, packed.size, 1 << 20):
        hasher.update(os.pread(file.fileno(), 1 << 20, offset))
    return hasher.hexdigest()
