"""A run that lives on after another machine has taken it for dead, and recorded it."""

from __future__ import annotations

import shutil
import threading

import pytest

from runref.model.codec import dump_json_line
from runref.model.documents import to_document
from runref.tracking.collect import recover
from runref.tracking.liveness import Process, this_process
from runref.tracking.run import Run
from runref.tracking.writer import Writer


def _silence(run: Run) -> None:
    """Make a run's process look dead, as a suspended one does from another machine."""
    mine = this_process()
    for path in run.directory.path.glob("writer.*.json"):
        gone = Process(mine.machine, mine.host, 2**22 + 1, "1")
        path.write_bytes(dump_json_line(to_document(gone)))


def _taken_for_dead(tracker, run: Run) -> None:
    """Do what a command on another machine does that saw no sign of life for too long."""
    _silence(run)
    project = tracker.project
    assert recover(project.spool, project.runs).recovered == [run.id]


class Listener:
    """Waits until the user is told something."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.heard = threading.Event()

    def __call__(self, message: str) -> None:
        self.told.append(message)
        self.heard.set()


@pytest.fixture
def listener() -> Listener:
    return Listener()


def _beating(tracker, listener: Listener) -> Run:
    """Return the handle of a process that takes part in a run and gives signs all the time."""
    folder = tracker.start().directory
    start = folder.read_start()
    (path,) = folder.path.glob("writer.*.json")
    name = path.name.split(".")[1]
    return Run(Writer(folder, start, name=name, interval=0.005), tell=listener, owns=True)


@pytest.mark.parametrize("logged_before", [True, False])
def test_the_heartbeat_says_so_at_once_and_nothing_more_is_taken(tracker, listener, logged_before):
    run = _beating(tracker, listener)
    if logged_before:
        run.log({"loss": 0})
    _taken_for_dead(tracker, run)
    assert listener.heard.wait(10)
    (told,) = listener.told
    assert run.id in told
    assert "what is logged from now on is not recorded" in told
    before = run._part.notices.all()[0].count
    for step in range(5):
        run.log({"loss": step})
    run.tag("late")
    run.summary["best"] = 1
    run.use_input(tracker.root / "train.py")
    assert listener.told == [told]
    (notice,) = run._part.notices.all()
    assert notice.code == "not-recorded"
    assert notice.count == before + 7
    assert len(tracker.rows(run)) == int(logged_before)


def test_the_end_says_what_became_of_the_run(tracker):
    run = tracker.start()
    run.log({"loss": 0})
    _taken_for_dead(tracker, run)
    run.finish()
    (told,) = tracker.told
    assert run.record_hash
    assert "was recorded as interrupted by another machine" in told
    assert run.record_hash[:7] in told
    assert "recover" not in told
    assert tracker.record(run).status == "interrupted"


def test_the_end_says_that_the_folder_was_deleted(tracker):
    run = tracker.start()
    run.log({"loss": 0})
    shutil.rmtree(run.directory.path)
    run.finish()
    (told,) = tracker.told
    assert "is not recorded: its folder" in told
    assert not run.record_hash


def test_a_run_that_another_machine_left_ready_is_committed_at_the_end(tracker):
    run = tracker.start()
    run.log({"loss": 0})
    project = tracker.project
    with project.runs.lock(0):
        _silence(run)
        assert recover(project.spool, project.runs, wait=0).busy
    run.finish()
    assert tracker.record(run).status == "interrupted"
    assert run.record_hash[:7] in tracker.told[0]
