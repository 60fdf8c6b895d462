"""Runs in the spool that nobody writes any more: recovered where they can be, named where not."""

from __future__ import annotations

import os
import socket
import time

import pytest

from runref.model.codec import dump_json_line
from runref.model.documents import to_document
from runref.model.times import after, now
from runref.project.project import open_project
from runref.tracking.attach import attach
from runref.tracking.clock import base_of
from runref.tracking.collect import Collection, conclude, recover
from runref.tracking.liveness import DEAD_AFTER_SECONDS, Process, is_alive, this_process
from runref.tracking.run import Run
from runref.tracking.run_directory import End, RunDirectory
from runref.tracking.seal import seal
from runref.tracking.spool import Spool
from runref.tracking.writer import RunGone, Writer


def _recover(tracker) -> Collection:
    project = tracker.project
    return recover(project.spool, project.runs)


def _kill(run: Run) -> RunDirectory:
    """Leave a run as a process does that was killed."""
    directory = run.directory
    assert directory is not None
    for path in directory.path.glob("writer.*.json"):
        gone = Process(this_process().machine, socket.gethostname(), 2**22 + 1, "1")
        path.write_bytes(dump_json_line(to_document(gone)))
    return directory


def _killed_run(tracker, lines: int = 3) -> tuple[Run, RunDirectory]:
    run = tracker.start()
    for step in range(lines):
        run.log({"loss": step}, step=step)
    return run, _kill(run)


def test_a_live_run_is_left_alone(tracker):
    run = tracker.start()
    assert _recover(tracker) == Collection()
    run.log({"loss": 1})
    run.finish()
    assert tracker.record(run).status == "finished"


def test_a_killed_run_is_recorded_once(tracker):
    run, _ = _killed_run(tracker)
    assert _recover(tracker) == Collection(committed=[run.id], recovered=[run.id])
    assert _recover(tracker) == Collection()
    assert [row.step for row in tracker.rows(run)] == [0, 1, 2]


def test_a_torn_last_line_is_dropped(tracker):
    run, directory = _killed_run(tracker)
    (series,) = directory.series_files()
    with series.path.open("ab") as file:
        file.write(b'{"step":3,"elapsed":1.0,"val')
    _recover(tracker)
    assert len(tracker.rows(run)) == 3
    assert tracker.record(run).notices == ()


def test_a_torn_line_in_the_middle_is_kept_apart_and_named(tracker):
    run, directory = _killed_run(tracker)
    (series,) = directory.series_files()
    lines = series.path.read_bytes().splitlines(keepends=True)
    series.path.write_bytes(lines[0] + b'{"step":1,"el\n' + lines[2])
    _recover(tracker)
    assert [row.step for row in tracker.rows(run)] == [0, 2]
    assert [notice.code for notice in tracker.record(run).notices] == ["damaged-series"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("start.json", b""),
        ("start.json", b"[]\n"),
        ("start.json", b'{"id":"20260101-0123456789ab"}\n'),
        ("start.json", None),
        ("end.json", b"\x00\x00\x00"),
        ("end.json", b'{"status":7,"duration":"long"}\n'),
        ("environment.json", b"{"),
    ],
)
def test_a_damaged_run_is_named_and_others_are_not_held_up(tracker, name, content):
    bad, directory = _killed_run(tracker)
    good, _ = _killed_run(tracker)
    if content is None:
        (directory.path / name).unlink()
    else:
        (directory.path / name).write_bytes(content)
    series = directory.series_files()[0].path.read_bytes()
    for _ in range(2):
        done = _recover(tracker)
        assert list(done.problems) == [bad.id]
    assert tracker.record(good).status == "interrupted"
    assert directory.series_files()[0].path.read_bytes() == series


def test_a_start_whose_time_is_no_time_is_named(tracker):
    run, directory = _killed_run(tracker)
    path = directory.path / "start.json"
    path.write_bytes(path.read_bytes().replace(b'"started":"2', b'"started":"x'))
    assert "is no time" in _recover(tracker).problems[run.id]


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\x00\x00\n",
        b"{}\n",
        b"[1]\n",
        b'{"elapsed":"late","event":"note","value":"x"}\n',
        b'{"elapsed":1,"event":"params","value":3}\n',
        b'{"elapsed":1,"event":"output","value":{}}\n',
        b'{"elapsed":1,"event":"tags","value":[{}]}\n',
        b'{"elapsed":1,"event":"name","value":[]}\n',
    ],
)
def test_a_damaged_event_is_counted_and_the_others_hold(tracker, line):
    run = tracker.start()
    run.tag("kept")
    directory = _kill(run)
    (path,) = directory.path.glob("events.*")
    with path.open("ab") as file:
        file.write(line)
    _recover(tracker)
    record = tracker.record(run)
    assert record.tags == ("kept",)
    assert [notice.code for notice in record.notices] == ["damaged-events"]


@pytest.mark.parametrize("damage", [None, b"", b"{}\n"])
def test_a_ready_run_whose_seal_was_lost_is_sealed_again(tracker, damage):
    run, directory = _killed_run(tracker)
    directory.write_end(End(status="finished", duration=1.0))
    project = tracker.project
    seal(directory, project.repository.objects)
    sealed = project.spool.make_ready(directory).path / "sealed.json"
    sealed.unlink() if damage is None else sealed.write_bytes(damage)
    assert _recover(tracker).committed == [run.id]
    assert len(tracker.rows(run)) == 3


def test_a_ready_run_whose_objects_were_pruned_is_sealed_again(tracker, repo):
    repo.write("edited.py", "only the run has seen this\n")
    run, directory = _killed_run(tracker)
    directory.write_end(End(status="finished", duration=1.0))
    project = tracker.project
    seal(directory, project.repository.objects)
    project.spool.make_ready(directory)
    repo.git("prune", "--expire=now")
    assert _recover(tracker).committed == [run.id]
    record = tracker.record(run)
    assert record.code is None
    assert [notice.code for notice in record.notices] == ["no-snapshot"]
    repo.fsck()


def test_of_two_that_conclude_a_run_at_once_both_learn_its_hash(tracker):
    run = tracker.start()
    run.log({"loss": 1})
    directory = _kill(run)
    directory.write_end(End(status="finished", duration=1.0))
    project = tracker.project

    class SlowObjects:
        """Lets the other one finish in the midst of this one's work."""

        def __getattr__(self, name):
            return getattr(project.repository.objects, name)

        def write_tree(self, entries):
            others.append(conclude(directory, project.spool, project.runs))
            return project.repository.objects.write_tree(entries)

    class SlowRuns:
        objects = SlowObjects()

        def __getattr__(self, name):
            return getattr(project.runs, name)

    others: list[str] = []
    mine = conclude(directory, project.spool, SlowRuns())
    assert [mine] == others == [project.runs.find(run.id).tree]
    assert list(project.spool.path.iterdir()) == []


def test_a_process_that_comes_after_the_end_is_refused(tracker):
    run = tracker.start()
    directory = run.directory
    assert directory is not None
    attached = attach(directory.path, 1, tracker.told.append, os.environ)
    run.finish()  # rank 1 is still there, so the run is not over
    with pytest.raises(RunGone):
        Writer.join(directory, directory.read_start(), 2)
    attached.log({"loss": 1})
    attached.finish()
    assert [row.values["loss"] for row in tracker.rows(run, rank=1)] == [1]


def test_what_a_killed_run_s_clock_says_is_not_less_than_its_lines(tracker):
    run, directory = _killed_run(tracker)
    for path in directory.path.iterdir():  # as if the wall clock had gone back by a day
        os.utime(path, (time.time() - 86400,) * 2)
    _recover(tracker)
    record = tracker.record(run)
    assert record.duration >= tracker.rows(run)[-1].elapsed
    assert record.finished >= record.started


def test_a_machine_whose_clock_is_behind_still_counts_up_from_the_start():
    base = base_of(after(now(), 3600.0), "another machine", 0.0)
    assert 0 <= time.monotonic() - base < 60


def test_a_process_on_another_machine_lives_as_long_as_its_heart_beats():
    elsewhere = Process("another machine", "other", 1, "1")
    assert is_alive(elsewhere, time.time() - DEAD_AFTER_SECONDS / 2)
    assert not is_alive(elsewhere, time.time() - DEAD_AFTER_SECONDS - 1)
    assert is_alive(this_process(), 0.0)


def test_the_clock_of_the_files_has_the_last_word_about_a_death(tracker, monkeypatch):
    run = tracker.start()
    run.log({"loss": 1})
    directory = run.directory
    (path,) = directory.path.glob("writer.*.json")
    elsewhere = Process("another machine", "other", 1, "1")
    path.write_bytes(dump_json_line(to_document(elsewhere)))
    ahead = time.time() + 3600
    monkeypatch.setattr("runref.tracking.liveness.time.time", lambda: ahead)
    assert directory.has_live_writers()
    monkeypatch.undo()
    long_ago = time.time() - DEAD_AFTER_SECONDS - 60
    os.utime(path, (long_ago, long_ago))
    assert not directory.has_live_writers()
    assert not list(directory.path.glob(".clock-*"))


def test_a_process_number_that_was_given_again_is_another_process():
    mine = this_process()
    assert not is_alive(Process(mine.machine, mine.host, mine.pid, "1"), time.time())


@pytest.mark.parametrize("ready", [False, True])
def test_a_run_of_another_repository_is_left_to_it(tracker, make_repo, tmp_path, ready):
    run, directory = _killed_run(tracker)
    if ready:
        directory.write_end(End(status="finished", duration=1.0))
        seal(directory, tracker.project.repository.objects)
        directory = tracker.project.spool.make_ready(directory)
    other = open_project(make_repo("other").path, os.environ)
    shared = Spool(tmp_path / "shared", common_dir=other.repository.common_dir)
    shared.path.mkdir()
    moved = directory.path.rename(shared.path / directory.path.name)
    done = recover(shared, other.runs)
    assert (done.committed, list(done.problems)) == ([], [run.id])
    assert "belongs to" in done.problems[run.id]
    assert not (moved / "end.json").exists() or ready
    own = Spool(shared.path, common_dir=tracker.project.repository.common_dir)
    assert recover(own, tracker.project.runs).committed == [run.id]
    assert tracker.record(run).code is not None


def test_a_repository_that_was_moved_recovers_its_runs(tracker, tmp_path):
    run, _ = _killed_run(tracker)
    moved = tracker.root.rename(tmp_path / "moved")
    project = open_project(moved, os.environ)
    assert recover(project.spool, project.runs).committed == [run.id]


def test_a_run_is_found_while_it_lives_and_while_it_waits(tracker):
    run, directory = _killed_run(tracker)
    spool = tracker.project.spool
    assert spool.find(run.id).path == directory.path
    ready = spool.make_ready(directory)
    assert spool.find(run.id).path == ready.path
    assert spool.find("20200101-000000000000") is None
    assert spool.find("..") is None


def test_half_made_folders_are_swept_after_a_day(tracker):
    spool = tracker.project.spool
    spool.path.mkdir(parents=True)
    old, young = spool.path / ".new-old", spool.path / ".new-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    _recover(tracker)
    assert list(spool.path.iterdir()) == [young]


def test_a_run_of_which_nothing_is_known_but_its_start_is_recorded(tracker):
    run = tracker.start(tags=("x",))
    _kill(run)
    _recover(tracker)
    record = tracker.record(run)
    assert (record.status, record.tags, record.metrics) == ("interrupted", ("x",), {})
