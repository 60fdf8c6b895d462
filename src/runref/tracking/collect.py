"""Collecting: whoever can take the lock commits every run that is ready, in one go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.git.locks import LockBusy
from runref.store.runs_ref import RunsRef, run_addition
from runref.tracking.run_directory import RunDirectory, Sealed
from runref.tracking.seal import seal
from runref.tracking.spool import Spool

_BATCH = 100
_LINGER_SECONDS = 1.0
"""How long one process goes on collecting for others; the next one to end takes over."""


@dataclass(slots=True)
class Collection:
    """What a collection did.

    Attributes:
        committed: Ids of the runs that are in the ref now.
        recovered: Ids of those among them whose process had been killed.
        problems: Why a run stays in the spool, by id.
        busy: Whether another process is collecting.
    """

    committed: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    busy: bool = False


def conclude(run: RunDirectory, spool: Spool, runs: RunsRef) -> str:
    """Make a record of a run that ended and that no process writes any more.

    Whoever is last does it: the process that owns the run, or a rank that outlives it.

    Returns:
        The record hash; empty where the run is not over.

    Raises:
        RunrefError, OSError: see `seal`; the run stays in the spool.
    """
    if run.read_end() is None or run.live_writers():
        return ""
    seal(run, runs.objects)
    sealed = run.read_sealed()
    spool.make_ready(run)
    spool.retract(run.run_id)
    collect(spool, runs)
    return sealed.tree if sealed else ""


def collect(spool: Spool, runs: RunsRef, *, wait: float = 0.0) -> Collection:
    """Commit the runs that are ready; leave at once, or after `wait` seconds, if another does.

    A process that cannot take the lock may leave: its run is ready, and the holder looks once more
    after it has let go of the lock.
    """
    done = Collection()
    deadline = time.monotonic() + _LINGER_SECONDS
    while True:
        try:
            with runs.lock(wait):
                while batch := _next_batch(spool, done):
                    _commit(batch, spool, runs, done)
                    if time.monotonic() > deadline:
                        return done
        except LockBusy:
            done.busy = True
            return done
        if not _next_batch(spool, done):
            return done


def recover(spool: Spool, runs: RunsRef) -> Collection:
    """Seal the runs whose processes are gone, then commit everything that is ready."""
    recovered, problems = [], {}
    for run in spool.live():
        try:
            if run.live_writers():
                continue
            killed = run.read_end() is None
            seal(run, runs.objects)
            spool.make_ready(run)
            recovered += [run.run_id] * killed
        except FileNotFoundError:
            continue  # it ended or was recovered by another process meanwhile
        except (RunrefError, OSError) as error:
            problems[run.run_id] = str(error)
    spool.sweep()
    done = collect(spool, runs, wait=5.0)
    done.recovered = recovered
    done.problems.update(problems)
    return done


def _next_batch(spool: Spool, done: Collection) -> list[tuple[RunDirectory, Sealed]]:
    batch: list[tuple[RunDirectory, Sealed]] = []
    for run in _ready_runs(spool, done):
        sealed = run.read_sealed()
        if sealed is not None:
            batch.append((run, sealed))
        if len(batch) == _BATCH:
            break
    return batch


def _ready_runs(spool: Spool, done: Collection) -> Iterator[RunDirectory]:
    return (run for run in spool.ready() if run.run_id not in done.problems)


def _commit(
    batch: list[tuple[RunDirectory, Sealed]], spool: Spool, runs: RunsRef, done: Collection
) -> None:
    sound = []
    for run, sealed in batch:
        if not runs.objects.contains(sealed.tree):
            # A long wait and a `git gc --prune` took the objects; the spool still has the files.
            try:
                seal(run, runs.objects)
            except (RunrefError, OSError) as error:
                done.problems[run.run_id] = str(error)
                continue
        sound.append((run, sealed))
    additions = [
        run_addition(sealed.id, sealed.tree, sealed.message, sealed.time) for _, sealed in sound
    ]
    if additions:
        names = sound[0][0].run_id if len(sound) == 1 else f"{len(sound)} runs"
        runs.append(additions, reason=f"runref: {names}")
    for run, _ in sound:
        spool.remove(run)
        done.committed.append(run.run_id)
