"""Threads that work off a list: as few objects as threads, and the first error ends it all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

Item = TypeVar("Item")

Work = Callable[[Item, threading.Event], None]
"""Deals with one item; to leave soon, in vain, once the event is set."""

_LOOK_SECONDS = 5.0
"""How often it is looked whether anybody still works."""
_GRACE = 1.0
"""Seconds that an interrupted request gets to clean up. A server may never answer it."""


class Crew(Generic[Item]):
    """Threads that take item after item until none is left or one of them fails.

    They do not keep the program alive: a request that hangs would, after Ctrl-C.
    """

    def __init__(self, work: Work[Item], items: Collection[Item], *, threads: int) -> None:
        self._work = work
        self._items = iter(items)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._members = [
            threading.Thread(target=self._serve, name="runref-transfer", daemon=True)
            for _ in range(min(threads, len(items)))
        ]
        self._busy = len(self._members)

    def run(self) -> None:
        """Deal with all items; raises the first error that dealing with one raised."""
        if not self._members:
            return
        try:
            for member in self._members:
                member.start()
            while not self._over.wait(_LOOK_SECONDS):
                self._check_that_somebody_works()
        finally:
            # Without an error, and without Ctrl-C, nobody is left to hear this.
            self._stop.set()
            self._wait()
        if self._error is not None:
            raise self._error

    def _serve(self) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    item = next(self._items, None)
                if item is None:
                    break
                self._work(item, self._stop)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        with self._lock:
            self._busy -= 1
            # What comes after the first error is its consequence, and Interrupted is one of Ctrl-C.
            if error is not None and not self._stop.is_set():
                self._error = error
                self._stop.set()
            if self._stop.is_set() or not self._busy:
                self._over.set()

    def _check_that_somebody_works(self) -> None:
        """Fail, rather than wait for ever, where all threads ended and could not say so."""
        nobody_works = not any(member.is_alive() for member in self._members)
        if nobody_works and not self._over.is_set():
            raise RuntimeError(f"{self._busy} of {len(self._members)} threads ended without a word")

    def _wait(self) -> None:
        deadline = time.monotonic() + _GRACE
        for member in self._members:
            if member.ident is not None:
                member.join(max(0.0, deadline - time.monotonic()))
