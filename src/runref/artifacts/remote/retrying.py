"""Asking a remote again that did not answer.

The waits grow exponentially with full jitter: any time between none and the limit of the attempt.
Clients that failed together then do not come back together. See Marc Brooker, "Exponential Backoff
And Jitter", AWS Architecture Blog, 2015, where it did the least work of the kinds compared.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable, Sink, Stored
from runref.artifacts.remote.wrapping import Result, Wrapped

OnRetry = Callable[[str, RemoteUnreachable, int, float], None]
"""Told what is being done, why it failed, how often in a row, and the seconds until it is tried
again; by the thread that does it."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How patiently a remote is asked again.

    Both bounds are about what fails without getting further: a transfer of hours that breaks now
    and then, and each time goes on, is not given up.

    Attributes:
        first: The most seconds before the second attempt; twice that before the third, and so on.
        longest: The most seconds between two attempts.
        attempts: How often something is tried.
        total: Seconds after which no further attempt begins.
    """

    first: float = 0.5
    longest: float = 20.0
    attempts: int = 8
    total: float = 300.0

    def limit(self, failures: int) -> float:
        """Return the most seconds to wait after so many failures in a row, of which 1 is one."""
        # The exponent is held down, as a float of 2 ** 1024 does not exist.
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 64))


class Retrying(Wrapped):
    """A remote that is asked again when it does not answer, or breaks off.

    Only `RemoteUnreachable` and `RemoteInterrupted` are worth another attempt; every other error,
    and the last of these, is raised as it came. A read goes on at the byte where it broke. Bytes
    that a write sends again are reported once.

    Args:
        store: What to ask.
        backoff: How often, and how long.
        on_retry: Told about every failure that another attempt follows.
        wait: Waits so many seconds; true where the waiting was ended, upon which the error is
            raised at once. `threading.Event.wait` lets another thread end it.
        clock: Tells seconds, from any beginning.
        uniform: Returns a random number between two.
    """

    def __init__(
        self,
        store: RemoteStore,
        backoff: Backoff | None = None,
        on_retry: OnRetry | None = None,
        *,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        super().__init__(store)
        self._backoff = backoff or Backoff()
        self._on_retry = on_retry
        self._wait = wait
        self._clock = clock
        self._uniform = uniform

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        """Hand the bytes of a content to `sink`, each once; see `RemoteStore.read`."""
        position = start
        failures = _Failures(self._clock)

        def deliver(chunk: bytes) -> None:
            nonlocal position
            sink(chunk)
            position += len(chunk)
            failures.forget()

        def read() -> None:
            self.store.read(digest, deliver, start=position, size=size)

        self._ask(f"reading {digest}", read, failures)

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        """Store the content of a local file; see `RemoteStore.write`."""
        failures = _Failures(self._clock)

        def advance(count: int) -> None:
            failures.forget()
            on_bytes(count)

        furthest = _Furthest(advance)

        def write() -> None:
            self.store.write(digest, path, on_bytes=furthest.attempt())

        self._ask(f"writing {digest}", write, failures)

    def contents(self) -> Iterator[Stored]:
        """Yield every content that is there, each once; see `RemoteStore.contents`.

        A listing that broke is begun again, as its order need not be the same. Hence the digests
        that were yielded are kept in memory.
        """
        yielded: set[str] = set()
        failures = _Failures(self._clock)
        while True:
            try:
                for stored in self.store.contents():
                    if stored.digest not in yielded:
                        yielded.add(stored.digest)
                        yield stored
                        failures.forget()
            except RemoteUnreachable as error:
                if not self._waited("listing the contents", error, failures):
                    raise
            else:
                return

    def _ask(
        self, what: str, request: Callable[[], Result], failures: _Failures | None = None
    ) -> Result:
        failures = failures or _Failures(self._clock)
        while True:
            try:
                return request()
            except RemoteUnreachable as error:
                if not self._waited(what, error, failures):
                    raise

    def _waited(self, what: str, error: RemoteUnreachable, failures: _Failures) -> bool:
        """Wait before the next attempt; false where there is to be none."""
        failures.count += 1
        seconds = self._uniform(0.0, self._backoff.limit(failures.count))
        spent = self._clock() - failures.since
        if failures.count >= self._backoff.attempts or spent + seconds > self._backoff.total:
            return False
        if self._on_retry is not None:
            self._on_retry(what, error, failures.count, seconds)
        return not self._wait(seconds)


class _Failures:
    """How often and since when something has failed without getting further."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        self.count = 0
        self.since = self._clock()


class _Furthest:
    """Reports the bytes of several attempts as if the longest of them were the only one."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self._reported = 0
        self._lock = threading.Lock()

    def attempt(self) -> OnBytes:
        """Return what one attempt tells about its bytes, from several threads where it likes."""
        total = 0

        def count(number: int) -> None:
            nonlocal total
            with self._lock:
                total += number
                new = max(0, total - self._reported)
                self._reported += new
            if new:
                self._on_bytes(new)

        return count
