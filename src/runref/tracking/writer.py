"""One process's part in a run: its series, its events and its heartbeat."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from runref.errors import RunrefError
from runref.model.codec import dump_json_line
from runref.tracking.clock import base_of
from runref.tracking.heartbeat import Heartbeat, Keeper
from runref.tracking.lines import LineFile
from runref.tracking.liveness import HEARTBEAT_SECONDS, this_process
from runref.tracking.run_directory import RunDirectory, Start


class RunGone(RunrefError):
    """The run that a process should take part in is not there."""

    code = "run-gone"


class Writer:
    """Writes to a run's folder on behalf of the process that made it.

    Args:
        run: The run's folder.
        start: What is known since the run began.
        rank: Rank of this process in a distributed job.
        name: Name among the run's writers, under which the process is registered already.
        keeper: What keeps the snapshot from ``git gc``.
        interval: Seconds between two signs of life.

    Attributes:
        on_gone: Called by another thread when the run's folder is not there any more.
    """

    def __init__(
        self,
        run: RunDirectory,
        start: Start,
        *,
        name: str,
        rank: int = 0,
        keeper: Keeper | None = None,
        interval: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.run = run
        self.start = start
        self.rank = rank
        self.name = name
        self.base = base_of(start.started, start.machine, start.monotonic)
        self.series = LineFile(run.series_path(rank, name))
        self._events = LineFile(run.events_path(name))
        self.on_gone: Callable[[], None] | None = None
        self._heartbeat = Heartbeat(lambda: run.beat(name), keeper, interval, self._gone)

    @classmethod
    def join(cls, run: RunDirectory, start: Start, rank: int = 0) -> Writer:
        """Register this process among the writers of a run that goes on.

        Who ends a run writes how it ended and then looks for writers; who joins registers and then
        looks for the end. So one of them sees the other, and no line comes after the record.

        Raises:
            RunGone: it has ended.
            OSError: its folder cannot be written.
        """
        try:
            name = run.add_writer(this_process())
        except FileNotFoundError as error:
            raise _gone(run) from error
        if run.has_ended():
            run.remove_writer(name)
            raise _gone(run)
        return cls(run, start, name=name, rank=rank)

    def elapsed(self) -> float:
        """Return the seconds since the run started, to the microsecond."""
        return round(max(time.monotonic() - self.base, 0.0), 6)

    def event(self, kind: str, value: Any) -> None:
        """Append what became known.

        Raises:
            OSError: it could not be written.
        """
        line: Mapping[str, Any] = {"elapsed": self.elapsed(), "event": kind, "value": value}
        self._events.append(dump_json_line(line))

    def close(self) -> None:
        """End this process's part."""
        self._heartbeat.stop()
        self.series.close()
        self._events.close()
        self.run.remove_writer(self.name)

    def _gone(self) -> None:
        if self.on_gone is not None:
            self.on_gone()


def _gone(run: RunDirectory) -> RunGone:
    return RunGone(
        f"run {run.run_id} has ended: {os.fspath(run.path)} takes nothing more",
        hint="Unset RUNREF_RUN to start a run of its own.",
    )
