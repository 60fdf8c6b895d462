"""How much of large contents is in memory at once, in the whole process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Bytes of memory that all transfers of a process share.

    Whoever waits for room must not hold any that only it can give back: two such would wait for
    each other.

    Args:
        capacity: Bytes.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._free = capacity
        self._changed = threading.Condition()
        # Held while waiting, so that a large request is not overtaken by small ones for ever.
        self._queue = threading.Lock()

    def take(self, count: int) -> None:
        """Wait for `count` bytes; more than there are at all stand for everything."""
        count = min(count, self._capacity)
        with self._queue, self._changed:
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count

    def try_take(self, count: int) -> bool:
        """Take `count` bytes if nobody has to wait for that; false where they are not there."""
        count = min(count, self._capacity)
        if not self._queue.acquire(blocking=False):
            return False
        try:
            with self._changed:
                if self._free < count:
                    return False
                self._free -= count
                return True
        finally:
            self._queue.release()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Hold `count` bytes inside the block; waits for them as `take` does."""
        self.take(count)
        try:
            yield
        finally:
            self.give(count)

    def give(self, count: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._free += min(count, self._capacity)
            self._changed.notify_all()


IN_FLIGHT = Room(32 << 20)
"""For contents and parts of them on their way: enough to fill a wire of 1 GB/s at 30 ms. More than
that is in memory: the libraries below copy what they send, and malloc keeps what it got back."""
