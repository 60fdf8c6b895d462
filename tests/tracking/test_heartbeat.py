"""Signs of life, and that git's own clean-up leaves the snapshot of a live run alone."""

from __future__ import annotations

import os
import threading
import time

import pytest

from runref.tracking.heartbeat import Heartbeat, Keeper


def _called(times: int, *, problem: type[OSError] | None = None):
    reached = threading.Event()
    calls: list[float] = []

    def call() -> None:
        calls.append(time.monotonic())
        if len(calls) >= times:
            reached.set()
        if problem:
            raise problem

    return call, reached, calls


def test_it_beats_until_it_is_stopped():
    beat, reached, calls = _called(3)
    heartbeat = Heartbeat(beat, interval=0.001)
    assert reached.wait(10)
    heartbeat.stop()
    heartbeat.join()
    count = len(calls)
    time.sleep(0.01)
    assert len(calls) == count


def test_a_hiccup_of_the_file_system_does_not_stop_it():
    beat, reached, _ = _called(3, problem=PermissionError)
    heartbeat = Heartbeat(beat, interval=0.001)
    assert reached.wait(10)
    heartbeat.stop()


def test_it_stops_when_the_run_is_gone():
    beat, _, calls = _called(1, problem=FileNotFoundError)
    Heartbeat(beat, interval=0.001).join()
    assert len(calls) == 1


def test_it_says_that_the_run_is_gone_unless_the_process_has_left_it():
    gone = threading.Event()
    beat, _, _ = _called(1, problem=FileNotFoundError)
    Heartbeat(beat, interval=0.001, on_gone=gone.set).join()
    assert gone.is_set()

    beating, stopped, mourned = threading.Event(), threading.Event(), threading.Event()

    def beat_while_the_run_ends() -> None:
        beating.set()
        stopped.wait(10)
        raise FileNotFoundError

    heartbeat = Heartbeat(beat_while_the_run_ends, interval=0.001, on_gone=mourned.set)
    assert beating.wait(10)
    heartbeat.stop()
    stopped.set()
    heartbeat.join()
    assert not mourned.is_set()


@pytest.mark.parametrize("problem", [None, OSError])
def test_the_snapshot_is_kept_now_and_then(problem):
    keep, reached, calls = _called(3, problem=problem)
    beat, _, beats = _called(1)
    heartbeat = Heartbeat(beat, Keeper(keep, interval=0.02), interval=0.001)
    assert reached.wait(10)
    heartbeat.stop()
    assert len(beats) > len(calls)


def test_git_gc_leaves_the_snapshot_of_a_live_run_alone(tracker, repo):
    repo.write("edited.py", "only the run has seen this\n")
    run = tracker.start()
    directory = run.directory
    assert directory is not None
    code = directory.read_start().code
    assert code is not None
    blob = repo.git("rev-parse", f"{code.tree}:edited.py")
    _age(repo.path / ".git/objects", days=30)
    writer = run._part.writer
    assert writer is not None
    keeper = writer._heartbeat._keeper
    assert keeper is not None
    keeper.keep()
    repo.git("gc", "-q", "--prune=2.weeks.ago")
    assert repo.git("cat-file", "blob", blob) == "only the run has seen this"
    run.finish()
    assert tracker.record(run).code == code
    repo.fsck()


def test_without_that_git_gc_removes_it_and_the_record_says_so(tracker, repo):
    repo.write("edited.py", "only the run has seen this\n")
    run = tracker.start()
    _age(repo.path / ".git/objects", days=30)
    repo.git("gc", "-q", "--prune=2.weeks.ago")
    run.finish()
    record = tracker.record(run)
    assert record.code is None
    assert [notice.code for notice in record.notices] == ["no-snapshot"]
    repo.fsck()


def _age(folder, *, days):
    then = time.time() - days * 86400
    for path in folder.rglob("*"):
        os.utime(path, (then, then))
