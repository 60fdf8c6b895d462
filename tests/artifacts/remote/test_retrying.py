from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.artifacts import ArtifactDamaged, ArtifactMissing
from runref.artifacts.remote.retrying import Backoff, Retrying
from runref.artifacts.remote.store import (
    RemoteAbsent,
    RemoteFull,
    RemoteInterrupted,
    RemoteRefused,
    RemoteStore,
    RemoteUnreachable,
    RemoteUnusable,
)

from .breaking import Breaking, Plan, always, digest_of, memory, put

AWAY = RemoteUnreachable("away")
SLOW = Backoff(first=1, longest=10, attempts=5, total=1000)


class Patient(Retrying):
    """Waits without taking time, and remembers what was told and waited.

    Attributes:
        told: What was done, the number of the failure, and the seconds until it was tried again.
        now: Seconds that have passed.
    """

    def __init__(self, store: RemoteStore, backoff: Backoff = SLOW, share: float = 1.0) -> None:
        self.told: list[tuple[str, int, float]] = []
        self.now = 0.0

        def uniform(low: float, high: float) -> float:
            return low + share * (high - low)

        def wait(seconds: float) -> None:
            self.now += seconds

        super().__init__(
            store, backoff, self._tell, wait=wait, clock=lambda: self.now, uniform=uniform
        )

    def _tell(self, what: str, error: RemoteUnreachable, attempt: int, seconds: float) -> None:
        assert isinstance(error, RemoteUnreachable)
        self.told.append((what, attempt, seconds))


def requests(digest: str, path: Path) -> dict[str, Callable[[RemoteStore], object]]:
    return {
        "present": lambda store: store.present([digest]),
        "read": lambda store: store.read(digest, bytearray().extend),
        "write": lambda store: store.write(digest, path),
        "contents": lambda store: list(store.contents()),
        "delete": lambda store: store.delete(iter([digest])),
        "unfinished": lambda store: store.unfinished(0.0, remove=True),
        "read_note": lambda store: store.read_note("claims/a"),
        "write_note": lambda store: store.write_note("claims/a", b"note"),
        "notes": lambda store: store.notes("claims"),
        "delete_note": lambda store: store.delete_note("claims/a"),
    }


REQUESTS = sorted(requests("", Path()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def full(tmp_path: Path, path: Path) -> RemoteStore:
    store = memory()
    store.write(digest_of(b"content"), path)
    store.write_note("claims/a", b"note")
    return store


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_fails_is_asked_again(full: RemoteStore, path: Path, request_: str) -> None:
    ask = requests(digest_of(b"content"), path)[request_]
    expected = ask(full)
    if request_.startswith("delete"):
        full.write(digest_of(b"content"), path)
        full.write_note("claims/a", b"note")
    store = Patient(Breaking(full, [AWAY, RemoteInterrupted("broke off")]))

    assert ask(store) == expected

    assert [(attempt, seconds) for _, attempt, seconds in store.told] == [(1, 1.0), (2, 2.0)]
    left = list(full.contents()), full.notes("claims")
    assert [len(each) for each in left] == [request_ != "delete", request_ != "delete_note"]


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(
    "error",
    [
        RemoteRefused("refused"),
        RemoteAbsent("absent"),
        RemoteFull("full"),
        RemoteUnusable("unusable"),
        ArtifactMissing("missing"),
        ArtifactDamaged("damaged"),
        ValueError("a mistake"),
    ],
)
def test_what_another_attempt_cannot_mend_is_raised_at_once(
    full: RemoteStore, path: Path, request_: str, error: Exception
) -> None:
    breaking = Breaking(full, always(error))
    store = Patient(breaking)
    with pytest.raises(type(error)) as caught:
        requests(digest_of(b"content"), path)[request_](store)
    assert caught.value is error
    assert len(breaking.requests) == 1
    assert store.told == []


@pytest.mark.parametrize("request_", REQUESTS)
def test_attempts_come_to_an_end(full: RemoteStore, path: Path, request_: str) -> None:
    breaking = Breaking(full, always(AWAY))
    store = Patient(breaking)
    with pytest.raises(RemoteUnreachable) as caught:
        requests(digest_of(b"content"), path)[request_](store)
    assert caught.value is AWAY
    assert len(breaking.requests) == SLOW.attempts
    assert [seconds for _, _, seconds in store.told] == [1, 2, 4, 8]


def test_no_attempt_begins_after_the_total(full: RemoteStore) -> None:
    backoff = Backoff(first=10, longest=10, attempts=1000, total=35)
    breaking = Breaking(full, always(AWAY))
    store = Patient(breaking, backoff)
    with pytest.raises(RemoteUnreachable):
        store.present([digest_of(b"")])
    assert len(breaking.requests) == 4  # after 0, 10, 20 and 30 seconds


def test_the_seconds_of_the_attempts_themselves_count(full: RemoteStore) -> None:
    def slow() -> Plan:
        while True:
            store.now += 20  # a request that ends with a timeout
            yield AWAY

    breaking = Breaking(full, slow())
    store = Patient(breaking, Backoff(first=1, longest=1, attempts=1000, total=50))
    with pytest.raises(RemoteUnreachable):
        store.notes("claims")
    assert len(breaking.requests) == 3


@given(
    st.floats(0.001, 100),
    st.floats(0.001, 1000),
    st.integers(1, 3000),
    st.floats(0, 1),
)
def test_waits_grow_up_to_the_longest(
    first: float, longest: float, failures: int, share: float
) -> None:
    backoff = Backoff(first=first, longest=longest)
    limits = [backoff.limit(number) for number in range(1, failures + 1)]
    assert limits[0] == min(first, longest)
    assert max(limits) <= longest
    assert all(b in (2 * a, longest) for a, b in itertools.pairwise(limits))


def test_waits_are_spread_from_nothing_to_the_limit(full: RemoteStore) -> None:
    for share, expected in ((0.0, [0, 0, 0, 0]), (0.5, [0.5, 1, 2, 4]), (1.0, [1, 2, 4, 8])):
        store = Patient(Breaking(full, always(AWAY)), share=share)
        with pytest.raises(RemoteUnreachable):
            store.read_note("claims/a")
        assert [seconds for _, _, seconds in store.told] == expected


def test_what_is_told_names_what_was_done(full: RemoteStore, path: Path) -> None:
    digest = digest_of(b"content")
    words = {
        "read": digest,
        "write": digest,
        "present": "1 content",
        "notes": "claims",
        "read_note": "claims/a",
    }
    for request_, expected in words.items():
        store = Patient(Breaking(full, [AWAY]))
        requests(digest, path)[request_](store)
        assert expected in store.told[0][0]


# ---------------------------------------------------------------------------- going on

cuts = st.lists(st.integers(0, 60), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), cuts=cuts, chunk=st.integers(1, 50), where=st.floats(0, 1))
def test_a_read_goes_on_where_it_broke(
    tmp_path: Path, data: bytes, cuts: list[int], chunk: int, where: float
) -> None:
    store = memory()
    digest = put(store, tmp_path, data)
    start = int(where * len(data))
    breaking = Breaking(store, cuts, chunk=chunk)
    received: list[bytes] = []

    Patient(breaking, Backoff(attempts=len(cuts) + 2, total=1e9)).read(
        digest, received.append, start=start, size=len(data)
    )

    assert b"".join(received) == data[start:]
    begun = [int(each.rpartition(" ")[2]) for each in breaking.requests]
    for (before, cut), after in zip(zip(begun, cuts, strict=False), begun[1:], strict=False):
        assert after == before + cut


def test_a_read_that_gets_on_is_never_given_up(tmp_path: Path) -> None:
    store = memory()
    digest = put(store, tmp_path, bytes(range(200)))
    received: list[bytes] = []
    patient = Patient(Breaking(store, itertools.repeat(1)))
    patient.read(digest, received.append)
    assert b"".join(received) == bytes(range(200))
    assert [attempt for _, attempt, _ in patient.told] == [1] * 200


def test_what_a_sink_raises_is_not_tried_again(full: RemoteStore) -> None:
    breaking = Breaking(full, [])
    with pytest.raises(OSError, match="No space"):
        Patient(breaking).read(digest_of(b"content"), failing)
    assert len(breaking.requests) == 1


def failing(_chunk: bytes) -> None:
    raise OSError(28, "No space left on device")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, 100), cuts=st.lists(st.integers(0, 100), max_size=10))
def test_bytes_written_again_are_reported_once(tmp_path: Path, size: int, cuts: list[int]) -> None:
    store = memory()
    data = bytes(size)
    (tmp_path / "file").write_bytes(data)
    breaking = Breaking(store, [min(cut, size) for cut in cuts], chunk=7)
    reported: list[int] = []
    patient = Patient(breaking, Backoff(attempts=12, total=1e9))

    patient.write(digest_of(data), tmp_path / "file", on_bytes=reported.append)

    assert sum(reported) == size
    assert all(count > 0 for count in reported)
    assert store.present([digest_of(data)]) == {digest_of(data): size}


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 6), cuts=st.lists(st.integers(0, 6), max_size=6))
def test_a_listing_that_is_begun_again_yields_each_content_once(
    tmp_path: Path, number: int, cuts: list[int]
) -> None:
    store = memory()
    digests = [put(store, tmp_path, b"%d" % each) for each in range(number)]
    patient = Patient(Breaking(store, cuts), Backoff(attempts=10, total=1e9))
    assert sorted(each.digest for each in patient.contents()) == sorted(digests)


# ---------------------------------------------------------------------------- the caller


def test_another_thread_ends_the_waiting(full: RemoteStore) -> None:
    ended = threading.Event()
    waiting = threading.Event()
    raised: list[Exception] = []
    backoff = Backoff(first=3600, longest=3600, total=1e9)
    breaking = Breaking(full, always(AWAY))
    store = Retrying(
        breaking,
        backoff,
        lambda *_: waiting.set(),
        wait=ended.wait,
        uniform=lambda _low, high: high,
    )

    def read() -> None:
        try:
            store.read(digest_of(b"content"), bytearray().extend)
        except RemoteUnreachable as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert waiting.wait(30)
    ended.set()
    thread.join(30)
    assert not thread.is_alive()
    assert raised == [AWAY]
    assert len(breaking.requests) == 1


def test_attempts_are_counted_for_each_request(full: RemoteStore) -> None:
    almost = [AWAY] * (SLOW.attempts - 1)
    store = Patient(Breaking(full, [*almost, None, *almost, None]))
    assert store.read_note("claims/a") == b"note"
    assert store.read_note("claims/a") == b"note"
