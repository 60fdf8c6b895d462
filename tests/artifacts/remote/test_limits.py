from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.artifacts import ArtifactMissing
from runref.artifacts.remote.limits import Limited, TokenBucket
from runref.artifacts.remote.store import RemoteStore, Stored
from runref.artifacts.remote.wrapping import Result, Wrapped

from .breaking import content, digest_of, memory, put


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


Passed = list[tuple[float, int]]


def excess(passed: Passed, rate: float, burst: float) -> float:
    """Return by how many bytes the worst window exceeds what it may hold."""
    worst = float("-inf")
    for first, (start, _) in enumerate(passed):
        total = 0
        for when, count in passed[first:]:
            total += count
            worst = max(worst, total - rate * (when - start) - burst)
    return worst


rates = st.floats(10, 1e9)
bursts = st.floats(1, 1e8)
schedules = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1 << 22)), min_size=1, max_size=30)


@given(rates, bursts, schedules)
def test_no_window_holds_more_than_its_rate_and_one_burst(
    rate: float, burst: float, schedule: list[tuple[float, int]]
) -> None:
    # Not too many portions: every window is looked at.
    burst = max(burst, sum(count for _, count in schedule) / 100)
    time = Time()
    bucket = TokenBucket(rate, burst, wait=time.wait, clock=time.clock)
    passed: Passed = []
    for pause, count in schedule:
        time.now += pause
        passed += [(time.now, portion) for portion in bucket.portions(count)]
    assert sum(count for _, count in passed) == sum(count for _, count in schedule)
    assert excess(passed, rate, burst) <= 1e-3 * burst + 1e-9 * rate  # a float's precision


class Crowd:
    """Callers that all wait at once: a simulation of threads, in the order of a queue of events."""

    def __init__(self) -> None:
        self.now = 0.0
        self.delay = 0.0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.delay = seconds

    def run(self, bucket: TokenBucket, callers: list[list[int]]) -> Passed:
        passed: Passed = []
        # Of each caller: when it goes on, its number, what passes then.
        queue: list[tuple[float, int, int]] = [(0.0, each, 0) for each in range(len(callers))]
        portions = [self._portions(bucket, chunks) for chunks in callers]
        while queue:
            self.now, caller, count = heapq.heappop(queue)
            if count:
                passed.append((self.now, count))
            self.delay = 0.0
            following = next(portions[caller], None)
            if following is not None:
                heapq.heappush(queue, (self.now + self.delay, caller, following))
        return passed

    @staticmethod
    def _portions(bucket: TokenBucket, chunks: list[int]) -> Iterator[int]:
        for chunk in chunks:
            yield from bucket.portions(chunk)


@given(rates, st.lists(st.lists(st.integers(1, 1 << 22), max_size=8), min_size=1, max_size=8))
def test_many_callers_together_keep_to_the_rate(rate: float, callers: list[list[int]]) -> None:
    burst = float(1 << 20)
    crowd = Crowd()
    bucket = TokenBucket(rate, burst, wait=crowd.wait, clock=crowd.clock)
    passed = crowd.run(bucket, callers)
    assert sum(count for _, count in passed) == sum(map(sum, callers))
    assert excess(passed, rate, burst) <= 1e-3 * burst + 1e-9 * rate  # a float's precision


@given(rates, st.integers(1, 1 << 26))
def test_no_more_time_is_taken_than_the_rate_asks_for(rate: float, total: int) -> None:
    time = Time()
    burst = max(1.0, total / 300)
    bucket = TokenBucket(rate, burst, wait=time.wait, clock=time.clock)
    start = time.now
    assert sum(bucket.portions(total)) == total
    assert time.now - start <= total / rate + 1e-6


def limited(store: RemoteStore, rate: float) -> tuple[Limited, Time]:
    time = Time()
    return Limited(store, 1, rate, wait=time.wait, clock=time.clock), time


def test_what_is_read_and_written_shares_one_rate(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    digest = digest_of(bytes(1000))
    store, time = limited(memory(), rate=100)
    passed: Passed = []

    start = time.now
    store.write(digest, path, on_bytes=lambda count: passed.append((time.now, count)))
    store.read(digest, lambda chunk: passed.append((time.now, len(chunk))))

    assert sum(count for _, count in passed) == 2000
    assert excess(passed, 100, 100) <= 1e-6
    assert time.now - start == pytest.approx((2000 - 100) / 100)


def test_a_slowed_read_is_the_same_content(tmp_path: Path) -> None:
    store, _ = limited(memory(), rate=7)
    data = bytes(range(256))
    assert content(store, put(store, tmp_path, data)) == data
    received = bytearray()
    store.read(digest_of(data), received.extend, start=200, size=256)
    assert received == data[200:]


def test_without_a_rate_nobody_waits(tmp_path: Path) -> None:
    store = Limited(memory(), 1, wait=pytest.fail)
    assert content(store, put(store, tmp_path, bytes(1000))) == bytes(1000)


def test_another_thread_ends_the_waiting(tmp_path: Path) -> None:
    """A transfer that is given up does not first wait until its bytes may pass."""
    store = memory()
    digest = put(store, tmp_path, bytes(100))
    waiting, ended = threading.Event(), threading.Event()

    def wait(seconds: float) -> bool:
        waiting.set()
        return ended.wait(seconds)

    def give_up(_chunk: bytes) -> None:
        assert ended.is_set()
        raise InterruptedError

    slow = Limited(store, 1, 1e-6, wait=wait)  # a byte in a million seconds
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(slow.read, digest, give_up)
        assert waiting.wait(60)
        ended.set()
        with pytest.raises(InterruptedError):
            reading.result(60)


class Busy(Wrapped):
    """Counts the requests in flight, each of which ends when enough others are."""

    def __init__(self, store: RemoteStore, at_once: int) -> None:
        super().__init__(store)
        self.most = 0
        self._now = 0
        self._meeting = threading.Barrier(at_once)
        self._lock = threading.Lock()

    def contents(self) -> Iterator[Stored]:
        yield from self._ask("", lambda: list(self.store.contents()))

    def _ask(self, what: str, request: Callable[[], Result]) -> Result:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._meeting.wait(60)
        try:
            return request()
        finally:
            with self._lock:
                self._now -= 1


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_requests_at_once_than_allowed_and_no_fewer(
    tmp_path: Path, concurrency: int
) -> None:
    inner = memory()
    digest = put(inner, tmp_path, b"content")
    busy = Busy(inner, concurrency)
    store = Limited(busy, concurrency)
    requests = [
        lambda: store.present([digest]),
        lambda: content(store, digest),
        lambda: store.write(digest, tmp_path / digest[7:]),
        lambda: store.delete([]),
        lambda: store.write_note("claims/a", b""),
        lambda: store.read_note("claims/a"),
        lambda: store.notes("claims"),
        lambda: store.delete_note("claims/none"),
        lambda: list(store.contents()),
    ] * 2
    with ThreadPoolExecutor(len(requests)) as pool:
        for future in [pool.submit(request) for request in requests]:
            future.result(60)
    assert busy.most == concurrency


def test_a_slot_is_free_again_after_an_error(tmp_path: Path) -> None:
    store = Limited(memory(), 1)
    for _ in range(3):
        with pytest.raises(ArtifactMissing):
            content(store, digest_of(b"nothing"))


def test_whoever_lists_may_delete_meanwhile(tmp_path: Path) -> None:
    store = Limited(memory(), 1)
    for number in range(3):
        put(store, tmp_path, b"%d" % number)
    for stored in store.contents():
        store.delete([stored.digest])
    assert list(store.contents()) == []
