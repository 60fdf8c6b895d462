from __future__ import annotations

from typing import Any

import pytest

from runref.git.objects import TreeEntry
from runref.model.series import DamagedSeries, Row
from runref.store.recorded import (
    RecordedRun,
    UnreadableRun,
    read_additions,
    read_environment,
    read_file,
    read_record,
    read_rows,
)
from runref.store.trees import BLOB, TREE

A = "20261121-4f1c9b2e7a3d"
B = "20261121-4f1d00000000"


def line(step: int, **values: Any) -> bytes:
    shown = ",".join(f'"{name}":{value}' for name, value in values.items())
    return f'{{"step":{step},"elapsed":{step}.5,"values":{{{shown}}}}}\n'.encode()


def test_a_record_is_read_back(writer: Any) -> None:
    tree = writer.run(A, tags=["baseline"], summary={"best": 0.5})
    record = read_record(writer.objects, A, tree)
    assert (record.id, record.tags, record.summary) == (A, ("baseline",), {"best": 0.5})


VALID = b"format: 1\nrunref: '0'\nid: 20261121-4f1c9b2e7a3d\nstatus: finished\n"
TIMES = b"started: '2026-11-21T14:03:12.123456Z'\nfinished: '2026-11-21T14:03:12.123456Z'\n"
REST = b"duration: 0.0\ncommand:\n  argv: []\n"


@pytest.mark.parametrize(
    ("run_yaml", "words"),
    [
        (b"", "not a YAML mapping"),
        (b"\x00\xff", "not readable as YAML"),
        (b"{" * 100_000, "not readable as YAML"),
        (b"a: &a [*a]", "aliases"),
        (VALID + TIMES, "a Record needs the field 'duration'"),
        (VALID + TIMES + REST + b"extra: 1\n", "a Record has no field 'extra'"),
        (VALID + TIMES + REST + b"tags: baseline\n", "tags: 'baseline' is text, not a list"),
        (VALID + TIMES + REST + b"params:\n  1: {value: 2}\n", "the key 1 is no text"),
        (VALID.replace(b"format: 1", b"format: 2") + TIMES + REST, "its format 2 is unknown"),
        (VALID.replace(b"format: 1\n", b"") + TIMES + REST, "its format None is unknown"),
        (
            VALID.replace(b"4f1c", b"0000") + TIMES + REST,
            "claims to be run '20261121-00009b2e7a3d'",
        ),
        (VALID.replace(b"2026", b"'bytes:%FF").replace(b"7a3d", b"'") + TIMES + REST, "to be run"),
        (VALID + TIMES.replace(b"-11-", b"-13-") + REST, "run 20261121-4f1c9b2e7a3d: "),
        (VALID + TIMES.replace(b"T14", b" 14") + REST, "is no time like"),
    ],
)
def test_a_damaged_record_is_named(writer: Any, run_yaml: bytes, words: str) -> None:
    tree = writer.tree(A, {"run.yaml": run_yaml})
    with pytest.raises(UnreadableRun) as caught:
        read_record(writer.objects, A, tree)
    assert caught.value.message.startswith(f"run {A}: ")
    assert words in caught.value.message
    caught.value.message.encode()


def test_a_run_without_a_record_is_named(writer: Any) -> None:
    blob = writer.objects.write_blob(b"x")
    tree = writer.objects.write_tree([TreeEntry(b"metrics.jsonl", BLOB, blob)])
    with pytest.raises(UnreadableRun, match=f"run {A}: it has no run.yaml"):
        read_record(writer.objects, A, tree)


def test_a_record_that_is_a_folder_is_named(writer: Any) -> None:
    tree = writer.objects.write_tree([TreeEntry(b"run.yaml", TREE, writer.tree(A))])
    with pytest.raises(UnreadableRun, match=f"run {A}: .* where a blob should be"):
        read_record(writer.objects, A, tree)


def test_a_run_whose_objects_are_gone_or_no_tree_is_named(writer: Any) -> None:
    tree = writer.tree(A)
    blob = writer.objects.write_blob(b"x")
    with pytest.raises(UnreadableRun, match=f"run {A}: .* where a tree should be"):
        read_record(writer.objects, A, blob)
    (record,) = (entry.oid for entry in writer.objects.read_tree(tree))
    for oid in (record, tree):
        writer.lose(oid)
        with pytest.raises(UnreadableRun, match=f"run {A}: object {oid} is not in the repository"):
            read_record(writer.objects, A, tree)


def test_a_record_whose_bytes_are_damaged_is_named(repo: Any, writer: Any) -> None:
    tree = writer.tree(A)
    (record,) = (entry.oid for entry in writer.objects.read_tree(tree))
    path = repo.path / ".git" / "objects" / record[:2] / record[2:]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-9] + b"\x00" * 9)
    with pytest.raises(UnreadableRun, match=f"run {A}: object {record} is damaged"):
        read_record(writer.objects, A, tree)


def test_annotations_are_applied_and_the_unreadable_ones_named(writer: Any) -> None:
    writer.run(A, tags=["own"])
    writer.annotate(A, "1.yaml", add_tags=["new"], note="good")
    writer.annotation(A, "2.yaml", b"not: [yaml")
    writer.annotation(A, "3.yaml", b"run: x\n")
    additions, unreadable = read_additions(("own",), writer.runs.annotation_files(A))
    assert additions.tags == ("own", "new")
    assert [note.text for note in additions.notes] == ["good"]
    assert unreadable == ["2.yaml", "3.yaml"]
    assert additions.unreadable == ("2.yaml", "3.yaml")


def test_annotations_that_mean_nothing_are_named_and_the_others_applied(writer: Any) -> None:
    writer.run(A)
    writer.annotate(A, "1.yaml", revision=1, name="wide", status="failed")
    for name, changes in {
        "2.yaml": {"revision": "2"},
        "3.yaml": {"revision": -1},
        "4.yaml": {"revision": 2**60},
        "5.yaml": {"status": "dreamt", "revision": 2},
        "6.yaml": {"removed": "yes", "revision": 2},
        "7.yaml": {"later_field": 1, "revision": 2},
    }.items():
        writer.annotate(A, name, **changes)
    additions, unreadable = read_additions((), writer.runs.annotation_files(A))
    assert unreadable == [f"{number}.yaml" for number in range(2, 8)]
    assert (additions.name, additions.status, additions.removed) == ("wide", "failed", None)
    assert additions.revision == 1


def test_a_record_stays_as_it_is_and_a_run_has_what_was_corrected(writer: Any) -> None:
    tree = writer.run(A, name="deep", status="finished")
    record = read_record(writer.objects, A, tree)
    assert (RecordedRun(tree, record).name, RecordedRun(tree, record).status) == (
        "deep",
        "finished",
    )
    writer.annotate(A, "1.yaml", revision=1, name="", status="failed", removed=True, note="why")
    additions, _ = read_additions((), writer.runs.annotation_files(A))
    run = RecordedRun(tree, record, additions)
    assert (run.name, run.status, run.record.name) == ("", "failed", "deep")
    assert run.removed is not None
    assert run.removed.text == "why"


def test_files_beside_the_record(writer: Any) -> None:
    tree = writer.run(A, {"environment.yaml": b"python: '3.11'\n", "console.log": b"hello\n"})
    assert read_environment(writer.objects, tree) == {"python": "3.11"}
    assert read_file(writer.objects, tree, "console.log") == b"hello\n"
    assert read_file(writer.objects, tree, "metrics.jsonl") == b""
    assert read_environment(writer.objects, writer.run(B)) == {}


def test_rows_are_read_by_rank_and_in_the_order_of_their_segments(writer: Any) -> None:
    files = {f"metrics.part-{number}.jsonl": line(number, loss=number) for number in range(2, 12)}
    files |= {"metrics.jsonl": line(1, loss='"NaN"'), "metrics.rank-3.jsonl": line(0, acc=0.5)}
    files |= {"metrics.rank-3.part-2.jsonl": line(1, acc=0.75), "system.jsonl": b"no row\n"}
    rows = read_rows(writer.objects, writer.run(A, files))
    assert [row.step for row in rows[0]] == list(range(1, 12))
    assert str(rows[0][0].values["loss"]) == "nan"
    assert rows[3] == [Row(0, 0.5, {"acc": 0.5}), Row(1, 1.5, {"acc": 0.75})]
    assert read_rows(writer.objects, writer.run(B)) == {}


@pytest.mark.parametrize("data", [b"nonsense\n", line(1)[:-5], line(1, loss='"low"')])
def test_a_damaged_series_is_refused(writer: Any, data: bytes) -> None:
    tree = writer.run(A, {"metrics.jsonl": line(0), "metrics.part-2.jsonl": data})
    with pytest.raises(DamagedSeries, match=r"^metrics\.part-2\.jsonl: "):
        read_rows(writer.objects, tree)
