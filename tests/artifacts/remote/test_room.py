from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runref.artifacts.remote import objects, partial
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.room import Room
from runref.testing.content import content, noise, read


def test_what_is_not_there_is_waited_for() -> None:
    room = Room(10)
    room.take(6)
    with ThreadPoolExecutor() as executor:
        second = executor.submit(room.take, 5)
        assert not room.try_take(5)
        assert not second.done()
        room.give(6)
        second.result()
    assert room.try_take(5)
    assert not room.try_take(1)


def test_who_wants_more_than_there_is_gets_everything() -> None:
    room = Room(10)
    room.take(1000)
    assert not room.try_take(1)
    room.give(1000)
    assert room.try_take(10)


def test_a_large_request_is_not_overtaken_by_small_ones() -> None:
    room = Room(10)
    room.take(1)
    waiting = threading.Thread(target=room.take, args=(10,))
    waiting.start()
    while room.try_take(1):
        room.give(1)
    room.give(1)
    waiting.join()


@pytest.mark.parametrize("threads", [2, 16])
def test_there_is_never_more_taken_than_there_is(threads: int) -> None:
    room = Room(10)
    lock = threading.Lock()
    taken = highest = 0

    def work(number: int) -> None:
        nonlocal taken, highest
        count = number % 7 + 1
        room.take(count)
        with lock:
            taken += count
            highest = max(highest, taken)
        with lock:
            taken -= count
        room.give(count)

    with ThreadPoolExecutor(threads) as executor:
        list(executor.map(work, range(500)))
    assert highest <= 10
    assert room.try_take(10)


@pytest.mark.parametrize("kind", ["object store", "folder"])
def test_small_contents_wait_for_room_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16 of almost 8 MiB at once would be 128 MiB, and as much again in the libraries below."""
    room = Room(1000)
    for module in (objects, partial):
        monkeypatch.setattr(module, "IN_FLIGHT", room)
    url = f"memory://{tmp_path.name}/room" if kind == "object store" else str(tmp_path / "shelf")
    store = open_remote(url)
    each = content(tmp_path, noise(1000))
    with ThreadPoolExecutor() as executor:
        assert room.try_take(1)
        writing = executor.submit(store.write, each.digest, each.path)
        assert store.present([each.digest]) == {}
        room.give(1)
        writing.result()
    assert room.try_take(1000)  # all was given back
    room.give(1000)
    if kind == "object store":
        with ThreadPoolExecutor() as executor:
            assert room.try_take(1)
            reading = executor.submit(read, store, each.digest)
            assert not reading.done()
            room.give(1)
            assert reading.result() == each.data
    assert room.try_take(1000)


def test_room_is_given_back_where_it_went_wrong() -> None:
    room = Room(10)
    with pytest.raises(KeyError), room.taken(4):
        raise KeyError
    assert room.try_take(10)
