"""Signs of life of one process's part in a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from runref.errors import RunrefError
from runref.tracking.liveness import HEARTBEAT_SECONDS

KEEP_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Keeper:
    """What keeps the objects of a run that is not in the ref yet from ``git gc``.

    Git removes an object that no ref reaches once it is two weeks old, unless something younger
    leads to it.

    Attributes:
        keep: Makes the snapshot young.
        interval: Seconds between two calls of `keep`.
    """

    keep: Callable[[], None]
    interval: float = KEEP_SECONDS


def _nothing() -> None: ...


class Heartbeat:
    """A thread that gives a sign of life until it is stopped.

    Args:
        beat: Gives it; a ``FileNotFoundError`` means that the run is not there any more.
        keeper: What else to do, much less often.
        interval: Seconds between two signs.
        on_gone: Called once, by the thread, when the run is not there any more.
    """

    def __init__(
        self,
        beat: Callable[[], None],
        keeper: Keeper | None = None,
        interval: float = HEARTBEAT_SECONDS,
        on_gone: Callable[[], None] = _nothing,
    ) -> None:
        self._beat = beat
        self._keeper = keeper
        self._interval = interval
        self._on_gone = on_gone
        self._stop = threading.Event()
        self._kept = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="runref-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give no more signs; returns at once."""
        self._stop.set()

    def join(self) -> None:
        """Wait until no more signs are given."""
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self._beat()
            except FileNotFoundError:
                if not self._stop.is_set():  # or else the process itself has just left the run
                    self._on_gone()
                return
            except OSError:
                continue  # a hiccup of a network file system; twenty of them count as death
            self._keep_if_due()

    def _keep_if_due(self) -> None:
        if self._keeper is None or time.monotonic() - self._kept < self._keeper.interval:
            return
        try:
            self._keeper.keep()
        except (OSError, RunrefError):
            return  # tried again with the next sign; the record says so if the code is lost
        self._kept = time.monotonic()
