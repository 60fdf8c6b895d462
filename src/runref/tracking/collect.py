"""Collecting: whoever can take the lock commits every run that is ready, in one go."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.git.locks import LockBusy
from runref.store.runs_ref import RunsRef, run_addition
from runref.tracking.apart import bring_contents, bring_objects, objects_of, sweep_contents
from runref.tracking.killed import end_of_killed
from runref.tracking.run_directory import RunDirectory, Sealed
from runref.tracking.seal import seal
from runref.tracking.spool import Spool

_BATCH = 50
"""Runs committed at once: enough objects for a pack, and quick on a machine that is busy."""
_LINGER_SECONDS = 0.5
"""How long one process goes on collecting while there are others to take over."""
_PATIENCE_SECONDS = 5.0
"""How long a command waits for a process that is collecting."""


@dataclass(slots=True)
class Collection:
    """What a collection did.

    Attributes:
        committed: Ids of the runs that are in the ref now.
        recovered: Ids of the runs whose processes had been killed.
        problems: Why a run stays in the spool, by id.
        busy: Whether another process is collecting.
    """

    committed: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    busy: bool = False


def conclude(run: RunDirectory, spool: Spool, runs: RunsRef) -> str:
    """Make a record of a run that ended and that no process writes any more.

    Whoever is last does it: the process that owns the run, or a rank that outlives it. Two that
    are last at the same time do the same work, and one of them finds it done.

    Returns:
        The record hash; empty where the run is not over, or its folder was deleted.

    Raises:
        RunrefError, OSError: see `seal`; the run stays in the spool.
    """
    if not run.path.exists():  # another machine has ended it: it waits, or is recorded
        if runs.repository.takes_objects():
            collect(spool, runs)
        return _recorded_as(run, runs)
    if not run.has_ended() or run.has_live_writers():
        return ""
    try:
        tree = seal(run, objects_of(run, runs)).tree
    except FileNotFoundError:
        if run.path.exists():
            raise
        tree = ""
    spool.make_ready(run)
    spool.retract(run.run_id)
    if runs.repository.takes_objects():
        collect(spool, runs)
    return tree or _recorded_as(run, runs)


def _recorded_as(run: RunDirectory, runs: RunsRef) -> str:
    stored = runs.find(run.run_id)
    return stored.tree if stored else ""


def collect(spool: Spool, runs: RunsRef, *, wait: float = 0.0) -> Collection:
    """Commit the runs that are ready; leave at once, or after `wait` seconds, if another does.

    A process that cannot take the lock may leave: its run is ready, and the holder looks once more
    after it has let go of the lock.

    Raises:
        RunrefError, OSError: the repository cannot be written; the runs stay in the spool.
    """
    done = Collection()
    deadline = time.monotonic() + _LINGER_SECONDS
    while True:
        try:
            with runs.lock(wait):
                while batch := _next_batch(spool, runs, done):
                    _commit(batch, spool, runs, done)
                    if time.monotonic() > deadline and _others_will_come(spool):
                        return done
        except LockBusy:
            done.busy = True
            return done
        if not _waiting(spool, done):
            return done


def recover(spool: Spool, runs: RunsRef, *, wait: float = _PATIENCE_SECONDS) -> Collection:
    """Seal the runs whose processes are gone, then commit everything that is ready.

    What cannot be recorded stays in the spool and stands among the problems. Where there is
    nothing to do, nothing is locked or written.

    Args:
        spool: Where the runs are.
        runs: Where they go.
        wait: Seconds to wait for a process that is collecting; 0 leaves it to that one.
    """
    recovered: list[str] = []
    problems: dict[str, str] = {}
    for run in spool.live():
        try:
            if _recover_one(run, spool, runs):
                recovered.append(run.run_id)
        except (RunrefError, OSError) as error:
            # Where the folder is gone, another process has recorded the run meanwhile.
            if run.path.exists():
                problems[run.run_id] = str(error)
    spool.sweep()
    done = Collection()
    try:
        if _waiting(spool, done):
            done = collect(spool, runs, wait=wait)
    except (RunrefError, OSError) as error:
        done.problems = {run.run_id: str(error) for run in spool.ready()}
    with suppress(RunrefError):  # what stays takes room, and the next one tries again
        sweep_contents(spool)
    done.recovered += recovered
    done.problems.update(problems)
    return done


def _recover_one(run: RunDirectory, spool: Spool, runs: RunsRef) -> bool:
    """Make a run ready if nobody writes it any more; tell whether its processes were killed."""
    if run.has_live_writers():
        return False
    spool.check_owner(run)
    killed = not run.has_ended()
    if killed:
        run.write_end(end_of_killed(run))
        if run.has_live_writers():
            return False  # a process joined before it could see the end; it concludes the run
    bring_objects(run, runs)
    seal(run, runs.objects)
    spool.make_ready(run)
    return killed


def _others_will_come(spool: Spool) -> bool:
    return any(run.has_live_writers() for run in spool.live())


def _waiting(spool: Spool, done: Collection) -> list[RunDirectory]:
    return [run for run in spool.ready() if run.run_id not in done.problems]


def _next_batch(spool: Spool, runs: RunsRef, done: Collection) -> list[tuple[RunDirectory, Sealed]]:
    batch: list[tuple[RunDirectory, Sealed]] = []
    with runs.objects.batch():
        for run in _waiting(spool, done):
            try:
                spool.check_owner(run)
                bring_objects(run, runs)
                sealed = _sealed(run, runs)
                bring_contents(run, sealed, spool, runs)
                batch.append((run, sealed))
            except (RunrefError, OSError) as error:
                done.problems[run.run_id] = str(error)
            if len(batch) == _BATCH:
                break
    return batch


def _sealed(run: RunDirectory, runs: RunsRef) -> Sealed:
    """Return what a run was sealed as, and seal it again where that is lost.

    A power failure may have taken the file; a long wait and a ``git gc --prune``, the objects.
    """
    try:
        sealed = run.read_sealed()
    except RunrefError:
        sealed = None
    if sealed is not None and runs.objects.contains(sealed.tree):
        return sealed
    return seal(run, runs.objects)


def _commit(
    batch: list[tuple[RunDirectory, Sealed]], spool: Spool, runs: RunsRef, done: Collection
) -> None:
    additions = [
        run_addition(sealed.id, sealed.tree, sealed.message, sealed.time) for _, sealed in batch
    ]
    names = batch[0][0].run_id if len(batch) == 1 else f"{len(batch)} runs"
    runs.append(additions, reason=f"runref: {names}")
    for run, _ in batch:
        spool.remove(run)
        done.committed.append(run.run_id)
