from __future__ import annotations

import math
import multiprocessing
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runref.git.objects import ObjectMissing
from runref.index.run_index import RunIndex, Unreadable
from runref.store.recorded import RecordedRun, read_additions, read_record

A, B, C = "20261121-4f1c9b2e7a3d", "20261121-4f1d00000000", "20270214-0123456789ab"
REF = "refs/runref/runs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index"


@pytest.fixture
def index(writer: Any, folder: Path) -> Iterator[RunIndex]:
    opened = RunIndex(writer.runs, folder)
    yield opened
    opened.close()


def recorded(writer: Any, run_id: str) -> RecordedRun:
    """What the ref says about a run, read without the index."""
    stored = writer.runs.find(run_id)
    record = read_record(writer.objects, run_id, stored.tree)
    additions, _ = read_additions(record.tags, writer.runs.annotation_files(run_id))
    return RecordedRun(stored.tree, record, additions)


def agrees(index: RunIndex, writer: Any, *run_ids: str) -> None:
    assert index.newest() == [recorded(writer, run_id) for run_id in run_ids]
    assert sorted(index.ids()) == sorted(run_ids)
    assert index.count() == len(run_ids)
    assert index.unreadable() == []


def test_a_repository_without_runs(index: RunIndex, writer: Any) -> None:
    agrees(index, writer)


def test_the_index_follows_the_ref(index: RunIndex, writer: Any) -> None:
    writer.run(A, tags=["own"], summary={"best": "NaN"})
    agrees(index, writer, A)
    writer.run(B, started="2026-11-21T15:00:00.000000Z")
    writer.annotate(A, "1.yaml", add_tags=["new"], note="good")
    agrees(index, writer, B, A)
    assert index.newest()[1].additions.tags == ("own", "new")
    writer.annotate(A, "2.yaml", remove_tags=["own"])
    agrees(index, writer, B, A)
    assert index.newest()[1].additions.tags == ("new",)


def test_an_annotation_that_comes_before_its_run_is_not_lost(index: RunIndex, writer: Any) -> None:
    writer.annotate(A, "1.yaml", add_tags=["early"])
    agrees(index, writer)
    writer.run(A)
    agrees(index, writer, A)
    assert index.newest()[0].additions.tags == ("early",)


def test_numbers_and_texts_come_back_exactly(index: RunIndex, writer: Any) -> None:
    number = {"count": 1, "first": "NaN", "last": "-Infinity", "min": -0.0, "max": 5e-324}
    steps = {"mean": 2**70, "last_step": -1, "step_of_min": 2**80, "step_of_max": 0}
    writer.run(A, metrics={"größe/\n": {**number, **steps}}, name="\udcff", note="bytes:")
    (run,) = index.newest()
    metric = run.record.metrics["größe/\n"]
    assert math.isnan(metric.first)
    assert (metric.last, metric.max, metric.mean) == (-math.inf, 5e-324, 2**70)
    assert math.copysign(1, metric.min) == -1
    assert (run.record.name, run.record.note) == ("\udcff", "bytes:")


def test_newest_comes_first_and_ids_decide_between_equal_times(
    index: RunIndex, writer: Any
) -> None:
    for hour, run_id in ((3, C), (5, A), (5, B), (4, "20200101-000000000000")):
        writer.run(run_id, started=f"2026-11-21T0{hour}:00:00.000000Z")
    assert [run.id for run in index.newest()] == [B, A, "20200101-000000000000", C]
    assert [run.id for run in index.newest(2)] == [B, A]
    assert [run.id for run in index.newest(1, 2)] == ["20200101-000000000000"]
    assert index.newest(0) == []
    assert index.newest(5, 4) == []


def test_a_run_is_found_by_the_beginning_of_its_record_hash(index: RunIndex, writer: Any) -> None:
    trees = {run_id: writer.run(run_id) for run_id in (A, B, C)}
    for run_id, tree in trees.items():
        assert index.by_record_hash(tree) == [run_id]
        assert index.by_record_hash(tree[:12]) == [run_id]
        expected = {each for each, other in trees.items() if other.startswith(tree[:1])}
        assert set(index.by_record_hash(tree[:1])) == expected
    assert index.by_record_hash("f" * 40) == []


def _data(path: str, digit: str, **fields: Any) -> dict[str, Any]:
    return {"path": path, "kind": "file", "digest": f"sha256:{digit * 64}", "size": 3, **fields}


def test_what_runs_hold_is_known_without_reading_them(index: RunIndex, writer: Any) -> None:
    writer.run(A, inputs=[_data("a.csv", "1")], outputs=[_data("model", "2", kind="directory")])
    writer.run(B, inputs=[_data("copy.csv", "1"), _data("big", "3", stored=False, problem="no")])
    one, two = (f"sha256:{digit * 64}" for digit in "12")
    assert [(held.digest, held.kind, held.size) for held in index.held()] == [
        (one, "file", 3),
        (two, "directory", 3),
    ]
    assert [held.digest for held in index.held([B])] == [one]
    assert index.held([]) == []


def test_a_run_that_is_gone_holds_nothing(index: RunIndex, writer: Any) -> None:
    writer.run(A, outputs=[_data("a", "1")])
    first = writer.runs.tip()
    writer.run(B, outputs=[_data("b", "2")])
    assert len(index.held()) == 2
    ref = writer.repository.ref("refs/runref/runs")
    assert ref.compare_and_swap(writer.runs.tip(), first, message="back")
    assert [held.digest[7] for held in index.held()] == ["1"]


def test_progress_is_told(writer: Any, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    for run_id in (A, B, C):
        writer.run(run_id)
    RunIndex(writer.runs, folder, lambda *done: told.append(done)).count()
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_is_indexed_is_not_read_again(writer: Any, folder: Path) -> None:
    tree = writer.run(A)
    first = RunIndex(writer.runs, folder)
    before = first.newest()
    first.close()
    writer.lose(tree)  # what is gone cannot be read again
    writer.run(B, started="2026-11-20T00:00:00.000000Z")
    second = RunIndex(writer.runs, folder)
    assert [run.id for run in second.newest()] == [A, B]
    assert second.newest()[0] == before[0]
    assert second.unreadable() == []


def test_removed_runs_are_elsewhere_until_they_are_restored(index: RunIndex, writer: Any) -> None:
    for hour, run_id in enumerate((A, B, C)):
        writer.run(run_id, started=f"2026-11-21T0{hour}:00:00.000000Z")
    assert index.newest(1) == [recorded(writer, C)]
    writer.annotate(C, "1.yaml", revision=1, removed=True, note="wrong data")
    writer.annotate(A, "1.yaml", revision=1, removed=True)
    assert index.newest() == [recorded(writer, B)]
    assert index.newest(1, 1) == []
    assert index.removed() == [recorded(writer, C), recorded(writer, A)]
    assert (index.count(), index.count_removed(), index.oldest()) == (3, 2, A)
    assert set(index.ids()) == {A, B, C}
    assert index.by_record_hash(recorded(writer, C).tree) == [C]
    writer.annotate(A, "2.yaml", revision=2, removed=False)
    assert index.newest() == [recorded(writer, B), recorded(writer, A)]
    assert index.removed() == [recorded(writer, C)]


def test_what_is_corrected_later_is_what_a_new_index_reads(
    index: RunIndex, writer: Any, folder: Path
) -> None:
    writer.run(A, name="deep", status="finished")
    index.newest()
    writer.annotate(A, "1.yaml", revision=1, name="wide", status="failed", removed=True)
    columns = "select name, status, removed from runs"
    caught_up = index.ask(columns, (), lambda *row: row)
    index.rebuild()
    assert caught_up == index.ask(columns, (), lambda *row: row) == [("wide", "failed", 1)]


def test_the_oldest_run_is_none_that_cannot_be_read(index: RunIndex, writer: Any) -> None:
    assert not index.oldest()
    writer.run(A, {"run.yaml": b"broken: ["})
    assert not index.oldest()
    writer.run(C)
    writer.run(B)
    assert index.oldest() == B


# unreadable runs


def test_unreadable_runs_are_counted_and_named_and_the_others_unaffected(
    index: RunIndex, writer: Any
) -> None:
    writer.run(B)
    writer.run(A, {"run.yaml": b"[" * 500})
    writer.entry(C, writer.objects.write_blob(b"no tree"))
    lying = "20270101-aaaaaaaaaaaa"
    writer.run(lying, id=A)
    future = "20270102-bbbbbbbbbbbb"
    writer.run(future, format=2)
    assert [run.id for run in index.newest()] == [B]
    assert index.count() == 5
    assert set(index.ids()) == {A, B, C, lying, future}
    problems = {each.id: each.problem for each in index.unreadable()}
    assert list(problems) == sorted(problems)
    for run_id, words in {
        A: "200 levels deep",
        C: "where a tree should be",
        lying: f"claims to be run '{A}'",
        future: "format 2 is unknown",
    }.items():
        assert problems[run_id].startswith(f"run {run_id}: ")
        assert words in problems[run_id]


def test_an_unreadable_run_is_found_by_its_hash(index: RunIndex, writer: Any) -> None:
    tree = writer.run(A, {"run.yaml": b"broken: ["})
    assert index.by_record_hash(tree[:10]) == [A]
    assert [type(each) for each in index.unreadable()] == [Unreadable]


def test_an_unreadable_run_is_named_also_where_it_was_removed(index: RunIndex, writer: Any) -> None:
    writer.run(A, {"run.yaml": b"broken: ["})
    writer.annotate(A, "1.yaml", revision=1, removed=True)
    assert [each.id for each in index.unreadable()] == [A]
    assert (index.removed(), index.count_removed()) == ([], 0)


def test_annotations_of_an_unreadable_run_do_not_hurt(index: RunIndex, writer: Any) -> None:
    writer.run(A, {"run.yaml": b"broken: ["})
    writer.annotate(A, "1.yaml", add_tags=["x"])
    writer.run(B)
    writer.annotation(B, "1.yaml", b"broken: [")
    assert [each.id for each in index.unreadable()] == [A]
    (run,) = index.newest()
    assert run.additions.unreadable == ("1.yaml",)


# the ref is rewritten


def test_runs_that_a_rewritten_ref_no_longer_holds_disappear(
    index: RunIndex, writer: Any, repo: Any
) -> None:
    writer.run(A)
    early = writer.runs.tip()
    writer.run(B)
    writer.annotate(A, "1.yaml", add_tags=["x"])
    assert index.count() == 2
    late = writer.runs.tip()
    repo.git("update-ref", REF, early)
    agrees(index, writer, A)
    repo.git("update-ref", REF, late)
    agrees(index, writer, B, A)
    repo.git("update-ref", "-d", REF)
    agrees(index, writer)
    repo.git("update-ref", REF, late)
    agrees(index, writer, B, A)


def test_a_run_that_another_history_holds_differently_is_read_anew_with_its_annotations(
    index: RunIndex, writer: Any, repo: Any
) -> None:
    writer.annotate(A, "1.yaml", add_tags=["kept"])
    base = writer.runs.tip()
    writer.run(A, note="one")
    agrees(index, writer, A)
    repo.git("update-ref", REF, base)
    writer.run(A, note="two")
    agrees(index, writer, A)
    assert index.newest()[0].record.note == "two"
    assert index.newest()[0].additions.tags == ("kept",)


def test_a_ref_whose_old_root_is_gone_is_indexed_from_the_start(
    index: RunIndex, writer: Any, repo: Any
) -> None:
    writer.run(A)
    agrees(index, writer, A)
    old = writer.runs.root()
    repo.git("update-ref", "-d", REF)
    writer.run(B)
    writer.lose(old)
    agrees(index, writer, B)


def test_a_ref_that_cannot_be_read_leaves_the_index_as_it_was(
    index: RunIndex, writer: Any, repo: Any
) -> None:
    writer.run(A)
    agrees(index, writer, A)
    good = writer.runs.tip()
    writer.run(C)
    gone = repo.git("rev-parse", f"{REF}:runs/2027-02")
    writer.lose(gone)
    with pytest.raises(ObjectMissing, match=gone):
        index.count()
    repo.git("update-ref", REF, good)
    agrees(index, writer, A)


# the file


def fill(writer: Any, folder: Path) -> Path:
    for run_id in (A, B):
        writer.run(run_id)
    index = RunIndex(writer.runs, folder)
    agrees(index, writer, B, A)
    index.close()
    return index.path


def test_a_deleted_file_is_made_again(writer: Any, folder: Path) -> None:
    fill(writer, folder).unlink()
    agrees(RunIndex(writer.runs, folder), writer, B, A)


def test_every_repository_has_a_file_of_its_own(
    writer: Any, folder: Path, make_repo: Any, make_writer: Callable[[Path], Any]
) -> None:
    other = make_writer(make_repo("other").path)
    writer.run(A)
    other.run(B)
    agrees(RunIndex(writer.runs, folder), writer, A)
    agrees(RunIndex(other.runs, folder), other, B)


@pytest.mark.parametrize(
    "garbage", [b"garbage" * 1000, b"", b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_garbage_in_the_file_is_replaced(writer: Any, folder: Path, garbage: bytes) -> None:
    path = fill(writer, folder)
    path.write_bytes(garbage)
    agrees(RunIndex(writer.runs, folder), writer, B, A)
    assert path.read_bytes().startswith(b"SQLite format 3\x00")
    assert path.read_bytes() != garbage


@pytest.mark.parametrize("page", range(1, 7))
def test_a_damaged_page_is_noticed_when_it_is_read(writer: Any, folder: Path, page: int) -> None:
    path = fill(writer, folder)
    data = bytearray(path.read_bytes())
    data[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    agrees(RunIndex(writer.runs, folder), writer, B, A)
    agrees(RunIndex(writer.runs, folder), writer, B, A)


def test_a_damaged_record_in_the_file_is_noticed(writer: Any, folder: Path) -> None:
    path = fill(writer, folder)
    for damage in (b"{", zlib.compress(b"{}"), zlib.compress(b'{"id":1}')):
        with sqlite3.connect(path) as database:
            database.execute("update documents set record = ?", (damage,))
        database.close()
        agrees(RunIndex(writer.runs, folder), writer, B, A)


def test_a_file_of_another_version_is_replaced(writer: Any, folder: Path) -> None:
    path = fill(writer, folder)
    with sqlite3.connect(path) as database:
        database.execute("pragma user_version = 99")
        database.execute("update runs set id = id || 'x'")
    database.close()
    agrees(RunIndex(writer.runs, folder), writer, B, A)


def test_without_room_for_a_cache_the_index_lives_in_memory(writer: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    writer.run(A)
    agrees(RunIndex(writer.runs, tmp_path / "cache" / "index"), writer, A)


def test_a_folder_in_the_place_of_the_file(writer: Any, folder: Path) -> None:
    path = fill(writer, folder)
    path.unlink()
    path.mkdir()
    agrees(RunIndex(writer.runs, folder), writer, B, A)
    assert path.is_dir()


@pytest.mark.usefixtures("open_tmp_path")
def test_a_read_only_cache_is_of_use_as_long_as_it_is_up_to_date(writer: Any, folder: Path) -> None:
    path = fill(writer, folder)
    content = path.read_bytes()
    path.chmod(0o444)
    folder.chmod(0o555)

    def as_another_user(*run_ids: str) -> None:
        def look() -> None:
            if os.getuid() == 0:
                os.setuid(65534)  # root may write anywhere
            with pytest.raises(PermissionError):
                path.open("ab")
            agrees(RunIndex(writer.runs, folder), writer, *run_ids)

        child = multiprocessing.get_context("fork").Process(target=look)
        child.start()
        child.join(30)
        assert child.exitcode == 0

    try:
        as_another_user(B, A)
        writer.run(C)
        as_another_user(C, B, A)
    finally:
        folder.chmod(0o755)
    assert path.read_bytes() == content


def refresh_at_once(
    path: Path, make_writer: Callable[[Path], Any], folder: Path, barrier: Any
) -> None:
    writer = make_writer(path)
    for _ in range(10):
        barrier.wait()
        index = RunIndex(writer.runs, folder)
        barrier.wait()
        there = {run.id for run in writer.runs.runs()}
        assert there <= {run.id for run in index.newest()}
        index.close()


@pytest.mark.slow
def test_processes_that_refresh_at_once_all_see_every_run(
    writer: Any, folder: Path, make_writer: Callable[[Path], Any]
) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4, timeout=60)
    arguments = (writer.repository.root, make_writer, folder, barrier)
    processes = [context.Process(target=refresh_at_once, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for number in range(10):
        for place in range(5):
            writer.run(f"20261121-{5 * number + place:012x}")
        barrier.wait()
        barrier.wait()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    index = RunIndex(writer.runs, folder)
    assert index.count() == 50
    database = sqlite3.connect(index.path)
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    database.close()


def test_an_index_that_another_process_holds_is_replaced_for_the_moment(
    writer: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(writer, folder)
    monkeypatch.setattr("runref.index.database.BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin exclusive")
    writer.run(C)
    agrees(RunIndex(writer.runs, folder), writer, C, B, A)
    holder.execute("rollback")
    holder.close()
    agrees(RunIndex(writer.runs, folder), writer, C, B, A)
