"""Writing what was planned, in one pass, verified on the way."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from runref.artifacts import ArtifactDamaged, LocalStore
from runref.artifacts.new_file import unusable
from runref.artifacts.transfer.progress import TransferProgress
from runref.bundle.container import END, encode_header, length_of, padding
from runref.bundle.manifest import MANIFEST, RECORDS, SIGNATURE, Manifest, artifact_name
from runref.bundle.planning import Plan

_CHUNK = 1 << 20


@dataclass(slots=True)
class Part:
    """The beginning of an artifact.

    Attributes:
        size: Its bytes.
        hasher: Has taken them.
    """

    size: int = 0
    hasher: hashlib._Hash = field(default_factory=hashlib.sha256)


def part_of(local: LocalStore, digest: str, size: int, sha256: str) -> Part | None:
    """Return the beginning of an artifact that is here; none where its SHA-256 is another one.

    Raises:
        ArtifactMissing: It is not here any more.
    """
    part = Part()
    with local.open(digest) as file:
        while chunk := _read(file, min(_CHUNK, size - part.size)):
            part.hasher.update(chunk)
            part.size += len(chunk)
    return part if part.size == size and part.hasher.hexdigest() == sha256 else None


def write_head(stream: BinaryIO, plan: Plan, progress: TransferProgress) -> None:
    """Write manifest, signature and records.

    Raises:
        OSError: The system refused it.
    """
    seconds = plan.manifest.seconds
    parts = [(MANIFEST, plan.encoded)]
    if plan.signature:
        parts.append((SIGNATURE, plan.signature))
    for name, data in parts:
        stream.write(encode_header(name, len(data), seconds) + data + padding(len(data)))
    size = plan.manifest.records_size
    stream.write(encode_header(RECORDS, size, seconds))
    for offset in range(0, size, _CHUNK):
        chunk = os.pread(plan.records.fileno(), min(_CHUNK, size - offset), offset)
        stream.write(chunk)
        progress.advance(len(chunk))
    stream.write(padding(size))


def write_artifacts(
    stream: BinaryIO,
    manifest: Manifest,
    local: LocalStore,
    progress: TransferProgress,
    *,
    written: int = 0,
    part: Part | None = None,
) -> None:
    """Write the artifacts, and the end.

    Args:
        stream: Where to.
        manifest: What it says of them.
        local: Where they are.
        progress: Told what is written.
        written: How many are there already.
        part: What is there of the next one, its header included.

    Raises:
        ArtifactMissing: One is not here any more.
        ArtifactDamaged: One had another content; it is set aside.
        StoreUnusable: The system does not let one be read.
        OSError: The system does not let the bundle be written.
    """
    seconds = manifest.seconds
    for digest, size in islice(manifest.artifacts.items(), written, None):
        if part is None:
            stream.write(encode_header(artifact_name(digest), size, seconds))
        _copy(local, digest, size, stream, progress, part=part or Part())
        part = None
        stream.write(padding(size))
        progress.file_done()
    stream.write(END)


def position_behind(head: int, manifest: Manifest, written: int) -> int:
    """Return how many bytes a bundle has up to and with some of its artifacts.

    Args:
        head: Bytes of everything before the artifacts.
        manifest: The bundle's.
        written: How many artifacts.
    """
    sizes = islice(manifest.artifacts.values(), written)
    return head + length_of(sizes) - len(END)


def head_length(encoded: bytes, signature: bytes, manifest: Manifest) -> int:
    """Return how many bytes stand before the first artifact."""
    sizes = [len(encoded), *([len(signature)] if signature else []), manifest.records_size]
    return length_of(sizes) - len(END)


def _read(file: BinaryIO, size: int) -> bytes:
    """Read from the store; that it cannot be read is no fault of where is written to."""
    try:
        return file.read(size)
    except OSError as error:
        raise unusable(file.name, error) from error


def _copy(
    local: LocalStore,
    digest: str,
    size: int,
    stream: BinaryIO,
    progress: TransferProgress,
    *,
    part: Part,
) -> None:
    hasher, left = part.hasher, size - part.size
    with local.open(digest) as file:
        file.seek(part.size)
        while left and (chunk := _read(file, min(_CHUNK, left))):
            hasher.update(chunk)
            stream.write(chunk)
            left -= len(chunk)
            progress.advance(len(chunk))
        grown = bool(_read(file, 1))
    if left or grown or f"sha256:{hasher.hexdigest()}" != digest:
        local.set_aside(digest)
        raise ArtifactDamaged(
            f"the content that was stored as {digest} is another one; it was set aside",
            hint="run the command again: what a remote has is brought anew, the rest left out",
        )
