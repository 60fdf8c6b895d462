from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from runref.artifacts.remote.room import Room


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
