"""Whether a recorded run is what its ``run.yaml`` says: recomputed from the ref's objects."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from runref.git.objects import ObjectStore
from runref.model.damage import Damage
from runref.store.claims import examine
from runref.store.recorded import read_file
from runref.store.runs_ref import StoredRun
from runref.store.snapshots import Snapshots


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
    found = examine(objects, StoredRun(run_id, tree), Snapshots(objects))
    problems = tuple(map(_sentence, found.damage))
    record = found.record
    if record is None:
        return Integrity(problems=problems)
    return Integrity(
        f"sha256:{hashlib.sha256(read_file(objects, tree, 'run.yaml')).hexdigest()}",
        len(record.files),
        record.code.files if record.code else None,
        len(record.inputs) + len(record.outputs),
        problems,
    )


def _sentence(damage: Damage) -> str:
    return f"{damage.place}: {damage.message}" if damage.place else damage.message
