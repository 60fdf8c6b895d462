from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runref.errors import ExitStatus
from runref.git.objects import ObjectDamaged, TreeEntry
from runref.git.repository import Repository
from runref.model.ids import run_path
from runref.store.runs_ref import (
    DamagedRef,
    RefContended,
    StoredRun,
    UnsupportedFormat,
    annotation_addition,
    run_addition,
)
from runref.store.trees import BLOB, TREE, entry_at

A, B, C = "20261121-4f1c9b2e7a3d", "20261121-4f1d00000000", "20270214-0123456789ab"
REF = "refs/runref/runs"


def test_a_repository_without_runs(writer: Any) -> None:
    runs = writer.runs
    assert (runs.tip(), runs.root(), list(runs.runs())) == ("", "", [])
    assert runs.find(A) is None
    assert runs.annotation_files(A) == {}
    assert writer.add() == ""


def test_a_run_is_found_by_its_id_and_by_plain_git(repo: Any, writer: Any) -> None:
    tree = writer.run(A)
    assert writer.runs.find(A) == StoredRun(A, tree)
    assert writer.runs.find(B) is None
    path = f"runs/2026-11/21/4/{A}"
    assert repo.git("rev-parse", f"{REF}:{path}") == tree
    assert repo.git("show", f"{REF}:{path}/run.yaml").startswith("format: 1\n")
    assert repo.git("show", f"{REF}:FORMAT") == "runref 1"
    assert repo.git("log", "--format=%s", REF) == f"run {A}"
    assert repo.git("log", "-1", "--format=%an <%ae> %at", REF) == (
        "Ada Tester <ada@example.org> 1795000000"
    )
    assert repo.git("reflog", "show", "--format=%gs", REF) == "test"
    repo.fsck()


def test_the_ref_leaves_everything_else_as_it_is(repo: Any, writer: Any) -> None:
    def state() -> list[str]:
        return [repo.git("status", "--porcelain"), repo.git("rev-parse", "HEAD", "main")]

    before = state()
    writer.run(A)
    assert state() == before
    assert repo.git("rev-list", "--max-parents=0", "--count", "main", REF) == "2"


def test_runs_come_newest_day_first(writer: Any) -> None:
    for run_id in (B, C, A):
        writer.run(run_id)
    assert [run.id for run in writer.runs.runs()] == [C, B, A]


def test_each_addition_is_a_commit_of_its_own_and_one_step_of_the_ref(
    repo: Any, writer: Any
) -> None:
    trees = {run_id: writer.tree(run_id) for run_id in (A, B, C)}
    tip = writer.add(*(run_addition(each, tree, each, 1) for each, tree in trees.items()))
    assert writer.runs.tip() == tip
    assert repo.git("log", "--reverse", "--format=%s", REF).split() == [A, B, C]
    assert len(repo.git("reflog", "show", REF).splitlines()) == 1
    for name, run_id in zip((f"{tip}~2", f"{tip}~1", tip), (A, B, C), strict=True):
        commit = repo.git("rev-parse", name)
        assert writer.runs.added_by(commit) == [StoredRun(run_id, trees[run_id])]


def test_a_run_is_written_once(repo: Any, writer: Any) -> None:
    first = writer.run(A)
    tip = writer.runs.tip()
    other = writer.tree(A, note="changed")
    assert other != first
    assert writer.add(run_addition(A, other, "again\n", 2)) == tip
    assert writer.runs.find(A) == StoredRun(A, first)
    # Beside a new one, the known one is passed over.
    writer.add(run_addition(A, other, "again\n", 2), run_addition(B, writer.tree(B), "b\n", 2))
    assert writer.runs.find(A) == StoredRun(A, first)
    assert repo.git("rev-list", "--count", REF) == "2"


def test_a_run_that_stands_twice_in_one_batch_is_the_first(writer: Any) -> None:
    one, two = writer.tree(A, note="one"), writer.tree(A, note="two")
    writer.add(run_addition(A, one, "one\n", 1), run_addition(A, two, "two\n", 1))
    assert writer.runs.find(A) == StoredRun(A, one)


def test_an_annotation_is_written_once(writer: Any) -> None:
    writer.run(A)
    writer.annotation(A, "one.yaml", b"first")
    writer.annotation(A, "one.yaml", b"second")
    writer.annotation(A, "two.yaml", b"third")
    assert writer.runs.annotation_files(A) == {"one.yaml": b"first", "two.yaml": b"third"}


def test_changes_between_two_states(writer: Any) -> None:
    runs = writer.runs
    tree_a = writer.run(A)
    one = runs.root()
    tree_b = writer.run(B)
    writer.annotation(A, "note.yaml", b"x")
    two = runs.root()
    annotations = runs.changes(one, two).annotations
    assert list(annotations) == [A]
    assert runs.changes(one, two).runs == {B: tree_b}
    assert runs.changes("", two).runs == {A: tree_a, B: tree_b}
    assert runs.changes(two, one).runs == {B: ""}
    assert runs.changes(two, one).annotations == {A: ""}
    assert runs.changes(two, "").runs == {A: "", B: ""}
    assert runs.changes(two, two).runs == {}
    assert runs.annotation_files(A, one) == {}
    assert runs.annotation_files(A, two) == {"note.yaml": b"x"}


def test_comparing_states_reads_only_what_changed(writer: Any) -> None:
    for day in range(1, 21):
        writer.run(f"202611{day:02}-{day:012x}")
    before = writer.runs.root()
    tree = writer.run(A)
    after = writer.runs.root()
    days = writer.objects.read_tree(entry_at(writer.objects, after, ("runs", "2026-11")).oid)
    for entry in days:  # what is gone cannot have been read
        if entry.name != b"21":
            writer.lose(entry.oid)
    for name in ("runs", "annotations"):
        changed = getattr(writer.runs.changes(before, after), name)
        assert changed == ({A: tree} if name == "runs" else {})
    writer.lose(tree)
    assert writer.runs.changes(before, after).runs == {A: tree}


def test_what_is_no_run_is_passed_over(writer: Any) -> None:
    tree = writer.run(A)
    readme = writer.objects.write_blob(b"hello")
    elsewhere = writer.tree(B)
    for path, mode, oid in [
        (("README",), BLOB, readme),
        (("other", "x"), BLOB, readme),
        (("runs", "README"), BLOB, readme),
        (("runs", "2026-11", "README"), BLOB, readme),
        (("runs", "2026-11", "21", "4", "not-a-run"), TREE, elsewhere),
        (("runs", "2026-11", "21", "5", B), TREE, elsewhere),  # not where its id says
        (("annotations", "2026-11", "README"), BLOB, readme),
    ]:
        writer.root_with(path, mode, oid)
    assert list(writer.runs.runs()) == [StoredRun(A, tree)]
    assert writer.runs.changes("", writer.runs.root()).annotations == {}
    assert writer.runs.find(B) is None
    later = writer.run(C)
    assert writer.runs.find(C) == StoredRun(C, later)


def test_a_run_that_is_a_file_is_still_listed(writer: Any) -> None:
    path = ("runs", *run_path(A))
    writer.run(B)
    writer.root_with(path, BLOB, writer.objects.write_blob(b"?"))
    assert [run.id for run in writer.runs.runs()] == [B, A]


@pytest.mark.parametrize(("number", "refused"), [(1, False), (2, True), (10, True)])
def test_a_later_format_is_refused(writer: Any, number: int, refused: bool) -> None:
    writer.run(A)
    writer.root_with(("FORMAT",), BLOB, writer.objects.write_blob(f"runref {number}\n".encode()))
    if not refused:
        assert writer.runs.find(A)
        return
    tip = writer.runs.tip()
    for attempt in (writer.runs.root, lambda: writer.run(B), lambda: list(writer.runs.runs())):
        with pytest.raises(UnsupportedFormat, match=f"is of format {number}; this runref") as found:
            attempt()
        assert "pip install -U" in found.value.hint
    assert writer.runs.tip() == tip


@pytest.mark.parametrize("content", [b"", b"git 1\n", b"runref one\n", b"runref 1\n2\n", None])
def test_a_ref_of_another_program_is_refused_and_left_alone(
    writer: Any, content: bytes | None
) -> None:
    entries = []
    if content is not None:
        entries = [TreeEntry(b"FORMAT", BLOB, writer.objects.write_blob(content))]
    tip = writer.commit(writer.objects.write_tree(entries))
    for attempt in (writer.runs.root, lambda: writer.run(A), lambda: writer.runs.find(A)):
        with pytest.raises(DamagedRef, match="holds no FORMAT file") as caught:
            attempt()
        assert caught.value.exit_status is ExitStatus.NO
    assert writer.runs.tip() == tip


def test_a_ref_that_names_no_commit_is_refused(repo: Any, writer: Any) -> None:
    repo.git("update-ref", REF, repo.git("rev-parse", "HEAD:train.py"))
    with pytest.raises(ObjectDamaged, match="is a blob, where a commit should be"):
        writer.runs.root()


def test_a_ref_that_keeps_moving_is_given_up_with_nothing_lost(
    writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.run(A)
    runs = writer.runs
    rival = Repository.open(writer.repository.root, environ=os.environ).ref(REF)
    moves = iter(range(1000))

    def identity() -> str:  # asked for after the tip was read, before the ref is moved
        tip = runs.tip()
        moved = writer.objects.write_commit(
            tree=runs.root(),
            parents=[tip],
            identity="Bo <b@x>",
            time=next(moves),
            message="rival\n",
        )
        assert rival.compare_and_swap(tip, moved, message="rival")
        return "Ada <a@x>"

    monkeypatch.setattr(writer.repository, "identity", identity)
    with pytest.raises(RefContended, match="moved 20 times") as caught:
        writer.run(B)
    assert "runref recover" in caught.value.hint
    monkeypatch.undo()
    writer.run(B)
    assert {run.id for run in runs.runs()} == {A, B}


def test_a_batch_costs_at_most_eight_objects_for_each_run(repo: Any, writer: Any) -> None:
    """Beside code, metrics and console.log, whose content is new in every run."""

    def loose() -> int:
        return int(repo.git("count-objects").split()[0])

    environment = b"python: 3.11\n"
    writer.run("20261121-000000000000", {"environment.yaml": environment})
    before = loose()
    writer.run(A, {"environment.yaml": environment})
    # Root, runs, month, day, digit, the run's tree, run.yaml and the commit.
    assert loose() - before == 8
    before = loose()
    files = {"environment.yaml": environment, "metrics.jsonl": b"x\n", "console.log": b"y\n"}
    writer.run(B, files)
    assert loose() - before == 8 + 2
    repo.fsck()


@pytest.mark.slow
def test_a_large_batch_becomes_one_pack(repo: Any, writer: Any) -> None:
    ids = [f"202611{number % 28 + 1:02}-{number:012x}" for number in range(100)]
    writer.add(*(run_addition(each, writer.tree(each), each, 1) for each in ids))
    counts = dict(line.split(": ") for line in repo.git("count-objects", "-v").splitlines())
    assert counts["packs"] == "1"
    assert {run.id for run in writer.runs.runs()} == set(ids)
    repo.fsck()


@pytest.mark.parametrize(
    "arguments", [["--object-format=sha256"], ["--bare"], ["--shared=group"]], ids=str
)
def test_other_kinds_of_repositories(
    make_repo: Any, make_writer: Callable[[Path], Any], arguments: list[str]
) -> None:
    repo = make_repo("other", *arguments)
    writer = make_writer(repo.path)
    tree = writer.run(A)
    writer.annotate(A, "tag.yaml", add_tags=["x"])
    assert writer.runs.find(A) == StoredRun(A, tree)
    assert len(tree) == (64 if "sha256" in arguments[0] else 40)
    assert repo.git("rev-parse", f"{REF}:runs/2026-11/21/4/{A}") == tree
    repo.fsck()
    if "--shared=group" in arguments:
        mode = writer.runs.lock_path.stat().st_mode
        assert mode & 0o060 == 0o060  # another member of the group can lock, too


def append_some(path: Path, make_writer: Callable[[Path], Any], first: int, barrier: Any) -> None:
    writer = make_writer(path)
    barrier.wait()
    for number in range(first, first + 15):
        writer.run(f"20261121-{number:012x}")


@pytest.mark.slow
def test_processes_that_append_at_once_lose_nothing(
    repo: Any, make_writer: Callable[[Path], Any]
) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    processes = [
        context.Process(target=append_some, args=(repo.path, make_writer, 100 * each, barrier))
        for each in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    runs = make_writer(repo.path).runs
    expected = {f"20261121-{100 * each + number:012x}" for each in range(4) for number in range(15)}
    assert {run.id for run in runs.runs()} == expected
    assert repo.git("rev-list", "--count", REF) == "60"
    repo.fsck()


def test_additions_name_where_they_go() -> None:
    assert run_addition(A, "0" * 40, "m", 1).path == ("runs", "2026-11", "21", "4", A)
    added = annotation_addition(A, "x.yaml", "0" * 40, "m", 1)
    assert added.path == ("annotations", "2026-11", "21", "4", A, "x.yaml")
    assert (added.mode, run_addition(A, "0" * 40, "m", 1).mode) == (BLOB, TREE)
