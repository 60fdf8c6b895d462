"""Runs: each with its record, files, snapshot and series; many at once, by every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from runref.git.objects import ObjectStore
from runref.model.damage import Damage
from runref.model.record import Record
from runref.store.claims import examine
from runref.store.readers import Plain, answer, read_by_processes
from runref.store.runs_ref import RunsRef, StoredRun
from runref.store.snapshots import Snapshots
from runref.upkeep.checking.series import SeriesCheck

_WORTH_IT = 200
"""Runs below which starting other processes gains nothing: one takes about 2 ms."""
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Held:
    """An artifact that a run holds.

    Attributes:
        digest: Of the file, or of the directory's manifest.
        kind: ``file`` or ``directory``.
        size: Bytes, of all files together.
        place: What it is to the run: ``outputs model.bin``.
    """

    digest: str
    kind: str
    size: int
    place: str


@dataclass(frozen=True, slots=True)
class RunChecked:
    """What was found out about one run.

    Attributes:
        run: Its id.
        damage: What does not hold.
        held: The artifacts whose content it stored; none where its record cannot be read.
        objects: How many git objects were read.
        points: How many log calls were read.
    """

    run: str
    damage: tuple[Damage, ...]
    held: tuple[Held, ...]
    objects: int
    points: int


def check_runs(runs: RunsRef, wanted: Sequence[StoredRun]) -> Iterator[RunChecked]:
    """Yield what is found out about each run, in any order."""
    check = _checker(runs.objects)
    found = read_by_processes(
        __name__,
        runs.folder,
        [(each.id, each.tree) for each in wanted],
        read=check,
        worth_it=_WORTH_IT,
        at_once=_AT_ONCE,
    )
    for run, damage, held, objects, points in found:
        yield RunChecked(
            run,
            tuple(Damage(*each) for each in damage),
            tuple(Held(*each) for each in held),
            objects,
            points,
        )


def serve(folder: str) -> None:
    """Check what is asked for on stdin, until it ends; what a reader's process does."""
    from runref.git.repository import Repository

    answer(_checker(Repository.open(Path(folder), environ=os.environ).objects))


def _checker(objects: ObjectStore) -> Callable[[Plain], Plain]:
    """Return what checks one run after another, and remembers the snapshots it has seen."""
    snapshots = Snapshots(objects)

    def check(asked: Plain) -> Plain:
        run = StoredRun(*asked)
        series = SeriesCheck(run.id)
        found = examine(objects, run, snapshots, series.take)
        damage = found.damage + (series.compare(found.record) if found.record else [])
        held = _held(found.record) if found.record else ()
        return (
            run.id,
            [astuple(each) for each in damage],
            [astuple(each) for each in held],
            found.objects,
            series.points,
        )

    return check


def _held(record: Record) -> Iterator[Held]:
    for what, files in (("inputs", record.inputs), ("outputs", record.outputs)):
        for file in files:
            if file.stored and file.digest:
                yield Held(file.digest, file.kind, file.size, f"{what} {file.path}")
