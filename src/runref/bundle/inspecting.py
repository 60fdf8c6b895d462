"""Telling what is in a bundle: all of it is verified, and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runref.artifacts.reading import OnBytes, ignore
from runref.bundle.checking import Nowhere, take_artifacts, take_records
from runref.bundle.reading import BundleReader, Head, Vet, ignore_head
from runref.git.files import Sharing, writing
from runref.git.format import FORMATS
from runref.git.objects import ObjectStore
from runref.model.record import Record


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is in a bundle.

    Attributes:
        head: Its manifest, and the signature.
        records: What was recorded, by run id.
        annotations: How many annotations.
        tombstones: Ids of runs that were forgotten where it was made.
        artifacts: How many artifacts.
        artifact_bytes: Their bytes.
        absent: Digests that records name with their content, and that are not in it.
    """

    head: Head
    records: Mapping[str, Record]
    annotations: int
    tombstones: tuple[str, ...]
    artifacts: int
    artifact_bytes: int
    absent: tuple[str, ...]


def inspect(stream: BinaryIO, *, vet: Vet = ignore_head, on_bytes: OnBytes = ignore) -> Inspected:
    """Read a bundle to its end and verify all of it.

    Args:
        stream: Need not be seekable.
        vet: Looks at the manifest and its signature before anything else is read; it may raise.
        on_bytes: Told the number of bytes read since its last call.

    Raises:
        NoBundle: It is none.
        BundleTooNew: A later version made it.
        BundleDamaged: It ends too early, or holds other bytes than its manifest says.
        BundleRefused: It holds what runref never writes.
        CannotWrite: There is no room for the records among temporary files.
    """
    reader = BundleReader(stream, on_bytes=on_bytes)
    manifest = reader.head.manifest
    vet(reader.head)
    with writing(tempfile.gettempdir()):
        folder = tempfile.TemporaryDirectory(prefix="runref-inspect-")
    with folder as path:
        objects_folder = str(Path(path) / "objects")
        objects = ObjectStore(objects_folder, FORMATS[manifest.object_format])
        records = take_records(reader, objects, objects_folder, Sharing())
    contents = take_artifacts(reader, records, Nowhere())
    stored = {
        file.digest
        for record in records.records.values()
        for file in (*record.inputs, *record.outputs)
        if file.digest and file.stored
    }
    for listed in contents.listed.values():
        stored |= listed
    return Inspected(
        head=reader.head,
        records=records.records,
        annotations=records.arrivals.annotations,
        tombstones=records.arrivals.tombstones,
        artifacts=contents.count,
        artifact_bytes=contents.size,
        absent=tuple(sorted(stored - manifest.artifacts.keys())),
    )
