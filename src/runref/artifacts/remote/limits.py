"""Not asking too much of a remote, or of the network on the way to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.remote.store import RemoteStore, Sink, Stored
from runref.artifacts.remote.wrapping import Result, Wrapped


class Limited(Wrapped):
    """A remote that is asked for no more at a time than it should be.

    Args:
        store: What to ask.
        concurrency: Requests in flight, at least 1. A transfer is one of them, however its store
            cuts it into parts.
        bytes_per_second: Of contents, read and written together; none for no limit.
        wait: Waits so many seconds, or until another thread ends the waiting; see `TokenBucket`.
        clock: Tells seconds, from any beginning.
    """

    def __init__(
        self,
        store: RemoteStore,
        concurrency: int,
        bytes_per_second: float | None = None,
        *,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(store)
        self._slots = threading.BoundedSemaphore(concurrency)
        self._bucket: TokenBucket | None = None
        if bytes_per_second is not None:
            # A second's worth at once: a limit is set for others on the same wire to be served,
            # and a second is little to them.
            self._bucket = TokenBucket(bytes_per_second, bytes_per_second, wait=wait, clock=clock)

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        """Hand the bytes of a content to `sink`; see `RemoteStore.read`."""
        super().read(digest, self._slowed_sink(sink), start=start, size=size)

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        """Store the content of a local file; see `RemoteStore.write`."""
        super().write(digest, path, on_bytes=self._slowed_count(on_bytes))

    def contents(self) -> Iterator[Stored]:
        """Yield every content that is there; see `RemoteStore.contents`.

        Between two contents no slot is taken: whoever lists may delete meanwhile.
        """
        contents = self.store.contents()
        while True:
            with self._slots:
                stored = next(contents, None)
            if stored is None:
                return
            yield stored

    def _ask(self, what: str, request: Callable[[], Result]) -> Result:
        del what
        with self._slots:
            return request()

    def _slowed_sink(self, sink: Sink) -> Sink:
        bucket = self._bucket
        if bucket is None:
            return sink

        def slowed(chunk: bytes) -> None:
            position = 0
            for count in bucket.portions(len(chunk)):
                sink(chunk[position : position + count])
                position += count

        return slowed

    def _slowed_count(self, on_bytes: OnBytes) -> OnBytes:
        bucket = self._bucket
        if bucket is None:
            return on_bytes

        def slowed(number: int) -> None:
            for count in bucket.portions(number):
                on_bytes(count)

        return slowed


class TokenBucket:
    """Lets bytes through at a rate, for any number of threads.

    In any `t` seconds, no more than ``rate * t + burst`` bytes get through. This is the token
    bucket of RFC 2697, written as the virtual scheduling of ITU-T I.371 (the generic cell rate
    algorithm), which needs one number: the time at which all bytes so far are paid for. A caller
    reserves its bytes under the lock and waits for its turn without, so that callers are served in
    the order in which they came.

    Args:
        rate: Bytes per second.
        burst: Bytes that may pass at once after a time of silence.
        wait: Waits so many seconds. Where another thread ends the waiting, as that of
            `threading.Event.wait`, bytes pass at once: whoever ends it ends the transfer as well.
        clock: Tells seconds, from any beginning.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._wait = wait
        self._clock = clock
        self._paid = clock() - burst / rate
        self._lock = threading.Lock()

    def portions(self, number: int) -> Iterator[int]:
        """Yield the sizes of portions of so many bytes, each when it may pass.

        No portion is larger than the burst. What takes long is thus interrupted often, by whoever
        takes the portions.
        """
        largest = max(1, int(self._burst))
        while number > 0:
            count = min(number, largest)
            self._take(count)
            yield count
            number -= count

    def _take(self, count: int) -> None:
        with self._lock:
            now = self._clock()
            full = now - self._burst / self._rate
            self._paid = max(self._paid, full) + count / self._rate
            seconds = self._paid - now
        if seconds > 0:
            self._wait(seconds)
