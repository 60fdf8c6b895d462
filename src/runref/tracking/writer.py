"""One process's part in a run: its series, its events and its heartbeat."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from runref.model.codec import dump_json_line
from runref.tracking.clock import base_of
from runref.tracking.lines import LineFile
from runref.tracking.liveness import HEARTBEAT_SECONDS, this_process
from runref.tracking.run_directory import RunDirectory, Start


class Writer:
    """Writes to a run's folder on behalf of the process that made it.

    After a fork the child's part is another one: see `pid`.

    Args:
        run: The run's folder.
        start: What is known since the run began.
        rank: Rank of this process in a distributed job.
        name: Name among the run's writers, where the process is registered already.
    """

    def __init__(self, run: RunDirectory, start: Start, rank: int = 0, name: str = "") -> None:
        self.run = run
        self.start = start
        self.rank = rank
        self.pid = os.getpid()
        self.name = name or run.add_writer(this_process())
        self.base = base_of(start.started, start.machine, start.monotonic)
        self.series = LineFile(run.series_path(rank, self.name))
        self._events = LineFile(run.events_path(self.name))
        self._stop = threading.Event()
        threading.Thread(target=self._beat, name="runref-heartbeat", daemon=True).start()

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
        self._stop.set()
        self.series.close()
        self._events.close()
        self.run.remove_writer(self.name)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                self.run.beat(self.name)
            except OSError:
                return  # the folder is gone: the run was collected
