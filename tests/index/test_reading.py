"""Processes that read runs: whatever becomes of them, no run is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from runref.index import reading, run_index
from runref.index.run_index import RunIndex
from runref.store.runs_ref import annotation_addition, run_addition

DYING = """\
import marshal, os, signal, sys
sys.path[:], _, folder = marshal.load(sys.stdin.buffer)
from runref.index import reading
read, done = reading._read, []
def read_and_die(*arguments):
    done.append(None)
    if len(done) == 11:
        {deed}
    return read(*arguments)
reading._read = read_and_die
reading.serve(folder)
"""
COUNT = 60


@pytest.fixture
def many(writer: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """So many runs, some with annotations, that several processes read a few of them at a time."""
    monkeypatch.setattr(reading, "_WORTH_IT", 20)
    monkeypatch.setattr(reading, "_AT_ONCE", 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    ids = [f"20261121-{number:012x}" for number in range(COUNT)]
    additions = [run_addition(each, writer.tree(each), "run\n", 1_795_000_000) for each in ids]
    for each in ids[::7]:
        data = f"run: {each}\ntime: '2026-11-22T00:00:00.000000Z'\nauthor: A <a@x>\n"
        blob = writer.objects.write_blob(f"{data}add_tags: [late]\nformat: 1\n".encode())
        additions.append(annotation_addition(each, "1.yaml", blob, "tag\n", 1_795_000_000))
    writer.add(*additions)
    return ids


def complete(writer: Any, folder: Path, ids: list[str]) -> None:
    told: list[tuple[int, int]] = []
    index = RunIndex(writer.runs, folder, lambda done, total: told.append((done, total)))
    runs = {run.id: run for run in index.newest()}
    assert sorted(runs) == ids
    assert index.count() == COUNT
    assert [each for each in ids if runs[each].additions.tags == ("late",)] == ids[::7]
    assert told == [(done, COUNT) for done in range(1, COUNT + 1)]
    index.close()


@pytest.mark.slow
def test_readers_read_everything(writer: Any, many: list[str], tmp_path: Path) -> None:
    complete(writer, tmp_path / "index", many)


@pytest.mark.slow
@pytest.mark.parametrize(
    "deed",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "sys.exit(1)",
        "raise ValueError",
        "os.write(1, b'garbage that marshal cannot read'); os._exit(0)",
        "os.close(0); os.close(1); os._exit(0)",
    ],
)
def test_readers_that_die_leave_nothing_out(
    writer: Any, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    program = tmp_path / "reader.py"
    program.write_text(DYING.format(deed=deed))
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -I {program}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    complete(writer, tmp_path / "index", many)


@pytest.mark.slow
@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/false", "", "/dev/null"])
def test_readers_that_cannot_start_leave_nothing_out(
    writer: Any, many: list[str], tmp_path: Path, monkeypatch: Any, executable: str
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    complete(writer, tmp_path / "index", many)


BUILD = """\
import sys
from pathlib import Path
from runref.git.repository import Repository
from runref.index import run_index
from runref.index.run_index import RunIndex
from runref.store.runs_ref import RunsRef
run_index._MANY = 5
runs = RunsRef(Repository.open(Path(sys.argv[1]), environ={}))
index = RunIndex(runs, Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
assert len(index.newest()) == int(sys.argv[3])
assert index.file is not None
"""


@pytest.mark.slow
def test_processes_that_build_at_once_all_have_everything(
    writer: Any, many: list[str], tmp_path: Path
) -> None:
    import subprocess

    words = [str(writer.repository.root), str(tmp_path / "index"), str(COUNT)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        with process:
            assert process.wait(60) == 0
    left = [path.name for path in (tmp_path / "index").iterdir()]
    assert len([name for name in left if name.endswith(".sqlite3")]) == 1
    assert not [name for name in left if ".new-" in name]


@pytest.mark.slow
def test_a_new_index_is_built_aside_and_readers_of_the_old_one_read_on(
    writer: Any, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(run_index, "_MANY", 5)
    old = RunIndex(writer.runs, tmp_path / "index")
    assert old.count() == COUNT
    other = RunIndex(writer.runs, tmp_path / "index")
    other.rebuild()
    assert old.count() == COUNT
    extra = "20261122-000000000000"
    writer.run(extra)
    assert old.count() == other.count() == COUNT + 1
    assert RunIndex(writer.runs, tmp_path / "index").count() == COUNT + 1


@pytest.mark.slow
def test_a_tag_touches_only_its_run(
    writer: Any, many: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = RunIndex(writer.runs, tmp_path / "index")
    assert index.count() == COUNT
    numbers = dict(index.ask("select id, n from runs", (), lambda *row: row))
    told: list[tuple[int, int]] = []
    again = RunIndex(writer.runs, tmp_path / "index", lambda *each: told.append(each))
    writer.annotate(many[3], "9.yaml", add_tags=["new"])
    (run,) = [run for run in again.newest() if run.additions.tags == ("new",)]
    assert run.id == many[3]
    assert told == [(1, 1)]
    assert dict(again.ask("select id, n from runs", (), lambda *row: row)) == numbers


def test_a_run_that_is_forgotten_disappears_from_every_table(
    writer: Any, repo: Any, tmp_path: Path
) -> None:
    file = {"path": "a", "kind": "file", "digest": f"sha256:{'1' * 64}", "size": 1}
    parts = dict.fromkeys(("first", "last", "min", "max", "mean"), 1.0)
    steps = {"count": 1, "last_step": 0, "step_of_min": 0, "step_of_max": 0}
    held = {"tags": ["t"], "inputs": [file], "summary": {"s": 1}, "params": {"p": {"value": 1}},
            "metrics": {"m": {**parts, **steps}}}  # fmt: skip
    writer.run("20261121-00000000000a", **held)
    before = writer.runs.tip()
    writer.run("20261121-00000000000b", **held)
    index = RunIndex(writer.runs, tmp_path / "index")
    tables = ("runs", "documents", "params", "summary", "metrics", "tags", "files")
    rows = lambda: [len(index.ask(f"select 1 from {name}", (), int)) for name in tables]  # noqa: E731
    assert rows() == [2] * len(tables)
    repo.git("update-ref", "refs/runref/runs", before)
    assert index.ids() == ["20261121-00000000000a"]
    assert rows() == [1] * len(tables)
    repo.git("update-ref", "-d", "refs/runref/runs")
    assert rows() == [0] * len(tables)


def test_another_process_may_have_caught_up_already(writer: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    one = RunIndex(writer.runs, tmp_path / "index", lambda *each: told.append(each))
    assert one.count() == 0
    writer.run("20261121-00000000000a")
    assert RunIndex(writer.runs, tmp_path / "index").count() == 1
    assert one.count() == 1
    assert told == []
