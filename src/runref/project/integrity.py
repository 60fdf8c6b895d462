"""Whether a recorded run is what its ``run.yaml`` says: recomputed from the ref's objects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from runref.capture.snapshot.manifest import manifest_digest, manifest_of
from runref.errors import RunrefError
from runref.git.objects import ObjectStore, TreeEntry
from runref.model.record import Code, FileDigest, Record
from runref.store.recorded import read_record
from runref.store.trees import TREE

_RECORD, _SNAPSHOT = b"run.yaml", b"code"


@dataclass(frozen=True, slots=True)
class Integrity:
    """What of a run was recomputed, and what came out.

    Every object was read, and its content is what its name says; a damaged one is a problem.

    Attributes:
        digest: ``sha256:<hex>`` of ``run.yaml``; empty where it cannot be read.
        files: How many files beside it have the digest and size that it names.
        snapshot_files: How many files of the snapshot its manifest holds, where that has the digest
            that ``run.yaml`` names; none where there is no snapshot.
        named: How many inputs and outputs it names. Their contents were not read.
        problems: What does not hold, a sentence each.
    """

    digest: str = ""
    files: int = 0
    snapshot_files: int | None = None
    named: int = 0
    problems: tuple[str, ...] = ()


def integrity_of(objects: ObjectStore, run_id: str, tree: str) -> Integrity:
    """Recompute everything that the record of a run claims about what lies beside it.

    Args:
        objects: Where the run is.
        run_id: The id under which it lies.
        tree: Its record hash.
    """
    try:
        entries = {entry.name: entry for entry in objects.read_tree(tree)}
        record = read_record(objects, run_id, tree)
        digest = _sha256(objects.read_blob(entries[_RECORD].oid))
    except RunrefError as error:
        return Integrity(problems=(error.message,))
    beside = {name: each for name, each in entries.items() if name not in (_RECORD, _SNAPSHOT)}
    problems = [
        *_problems_of_files(objects, record, beside),
        *_problems_of_snapshot(objects, record.code, entries.get(_SNAPSHOT)),
    ]
    if record.environment != _environment_of(record):
        problems.append("run.yaml names two digests of environment.yaml")
    return Integrity(
        f"sha256:{digest}",
        len(record.files),
        record.code.files if record.code else None,
        len(record.inputs) + len(record.outputs),
        tuple(problems),
    )


def _environment_of(record: Record) -> str:
    file = record.files.get("environment.yaml")
    return f"sha256:{file.sha256}" if file else ""


def _problems_of_files(
    objects: ObjectStore, record: Record, beside: dict[bytes, TreeEntry]
) -> Iterator[str]:
    named = {name.encode("utf-8", "surrogateescape"): file for name, file in record.files.items()}
    for name in sorted(beside.keys() - named.keys()):
        yield f"{_shown(name)} lies beside run.yaml, which does not name it"
    for name, file in named.items():
        entry = beside.get(name)
        if entry is None:
            yield f"{_shown(name)} is missing"
            continue
        try:
            content = objects.read_blob(entry.oid)
        except RunrefError as error:
            yield f"{_shown(name)}: {error.message}"
            continue
        if FileDigest(_sha256(content), len(content)) != file:
            yield f"{_shown(name)} is not the file that run.yaml names: its SHA-256 differs"


def _problems_of_snapshot(
    objects: ObjectStore, code: Code | None, entry: TreeEntry | None
) -> Iterator[str]:
    if code is None or entry is None:
        if entry is not None:
            yield "there is a snapshot, which run.yaml does not name"
        elif code is not None:
            yield "the snapshot is missing"
        return
    if entry.mode != TREE:
        yield "the snapshot is no folder"
        return
    try:
        manifest = manifest_of(objects, entry.oid)
    except RunrefError as error:
        yield f"the snapshot: {error.message}"
        return
    if manifest_digest(manifest) != code.manifest:
        yield "the snapshot is not the one that run.yaml names: the SHA-256 of its manifest differs"
    if entry.oid != code.tree:
        yield f"the snapshot is tree {entry.oid}, run.yaml names {code.tree:.64}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
