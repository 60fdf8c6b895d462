from __future__ import annotations

import threading

import pytest
from tests.artifacts.transfer.parts import Listener

from runref.artifacts.parallel import Interrupted
from runref.artifacts.transfer.progress import FileMeter, Meter


def test_a_content_is_never_counted_beyond_its_size_nor_twice():
    listener = Listener()
    meter = Meter(listener)
    meter.expect(10, 1)
    file = FileMeter(meter, 10, threading.Event())
    for count, done in ((4, 4), (4, 8), (4, 10), (4, 10)):
        file(count)
        assert listener.done == done
    file.begin(3)
    assert listener.done == 3
    file.complete()
    assert (listener.done, listener.files_done) == (10, 1)


def test_parts_may_be_counted_by_several_threads():
    listener = Listener()
    meter = Meter(listener)
    meter.expect(8000, 1)
    file = FileMeter(meter, 8000, threading.Event())
    threads = [threading.Thread(target=lambda: [file(1) for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert listener.done == 8000


def test_who_counts_for_nobody_is_ended():
    stop = threading.Event()
    listener = Listener()
    file = FileMeter(Meter(listener), 10, stop)
    stop.set()
    with pytest.raises(Interrupted):
        file(1)
    assert listener.done == 0
