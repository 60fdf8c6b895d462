from __future__ import annotations

import threading

import pytest

from runref.artifacts.transfer.crew import Crew


def test_every_item_is_dealt_with_once():
    done: list[int] = []
    Crew(lambda item, _stop: done.append(item), range(1000), threads=8).run()
    assert sorted(done) == list(range(1000))


@pytest.mark.parametrize(("items", "threads", "at_once"), [(3, 8, 3), (50, 8, 8), (50, 1, 1)])
def test_so_many_work_at_once(items, threads, at_once):
    together = threading.Barrier(at_once)
    most = 0

    def work(item, _stop):
        nonlocal most
        if item < at_once:
            together.wait(30)
            most = max(most, sum(each.name == "runref-transfer" for each in threading.enumerate()))

    Crew(work, range(items), threads=threads).run()
    assert most == at_once


def test_no_items_need_no_threads():
    before = threading.active_count()
    Crew(lambda _item, _stop: None, [], threads=8).run()
    assert threading.active_count() == before


def test_the_first_error_is_raised_and_ends_the_others():
    begun: list[int] = []
    everybody = threading.Barrier(4)

    def work(item, stop):
        begun.append(item)
        everybody.wait(30)
        if item == 2:
            raise LookupError(item)
        assert stop.wait(30)
        raise ConnectionError("as the stop had it")

    with pytest.raises(LookupError):
        Crew(work, range(100), threads=4).run()
    assert sorted(begun) == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_thread_that_hangs_does_not_hold_up_the_error():
    hanging, release, left = threading.Event(), threading.Event(), threading.Event()

    def work(item, _stop):
        if item == 0:
            hanging.set()
            release.wait(30)
            left.set()
        else:
            assert hanging.wait(30)
            raise LookupError

    try:
        with pytest.raises(LookupError):
            Crew(work, range(2), threads=2).run()
        assert not left.is_set()
    finally:
        release.set()
    assert left.wait(30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_threads_that_end_without_a_word_are_not_waited_for(monkeypatch):
    """As where something that watches threads, a debugger or a profiler, breaks them."""
    monkeypatch.setattr("runref.artifacts.transfer.crew._LOOK_SECONDS", 0.05)

    def broken(_frame, _event, _argument):
        raise LookupError

    before = threading.gettrace()
    threading.settrace(broken)
    try:
        with pytest.raises(RuntimeError, match="2 of 2 threads ended"):
            Crew(lambda _item, _stop: None, range(2), threads=2).run()
    finally:
        threading.settrace(before)
