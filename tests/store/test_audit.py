"""Histories that come from elsewhere and are not what runref writes: refused, and named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runref.git.format import SYMLINK, TreeEntry
from runref.git.pack_entry import size_of_entry
from runref.git.pack_file import _entry_header
from runref.model.ids import run_path
from runref.store import audit as module
from runref.store.audit import HistoryRefused, audit
from runref.store.runs_ref import DamagedRef, UnsupportedFormat
from runref.store.trees import BLOB, TREE, TreeEditor

ONE, TWO = "20261121-000000000001", "20261121-200000000002"


def refused(writer: Any, root: str, known: str = "") -> str:
    with pytest.raises(HistoryRefused) as caught:
        audit(writer.objects, known, root)
    assert caught.value.hint
    return caught.value.message


def with_entry(writer: Any, path: tuple[str, ...], mode: int, oid: str) -> str:
    return TreeEditor(writer.objects).insert(writer.runs.root(), path, mode, oid)


def test_what_runref_writes_is_accepted(writer: Any) -> None:
    writer.run(ONE, {"metrics.jsonl": b"", "metrics.rank-1.part-2.jsonl": b"", "console.log": b""})
    known = writer.runs.root()
    writer.run(TWO, {"environment.yaml": b"{}\n", "damaged.rank-0.txt": b"x"})
    writer.annotate(ONE, "2026-11-21T140312123456Z-node7-0a1b2c3d.yaml", note="n")
    every, later = (audit(writer.objects, old, writer.runs.root()) for old in ("", known))
    assert (sorted(every.runs), every.annotations) == ([ONE, TWO], 1)
    assert (sorted(later.runs), later.annotations, later.tombstones) == ([TWO], 1, ())


@pytest.mark.parametrize(
    "path",
    [
        ("evil",),
        ("runs", "..", "x"),
        ("runs", "2026-11", "21", "0", "20261121-30000000000f"),  # not under its own digit
        ("runs", "2026-12", "21", "0", ONE),
        ("runs", "2026-11", "21", "0", "notes"),
        ("annotations", "2026-11", "21", "00", ONE, "a.yaml"),
        ("annotations", "2026-11", "21", "0", ONE, "a.sh"),
        ("annotations", "2026-11", "21", "0", ONE, ".yaml"),
        ("tombstones", "2026-11", "21", "0", ONE, "a\n.yaml"),
    ],
)
def test_what_lies_where_nothing_belongs(writer: Any, path: tuple[str, ...]) -> None:
    writer.run(TWO)
    blob = writer.objects.write_blob(b"x")
    mode, oid = (TREE, writer.tree(path[-1])) if path[0] == "runs" else (BLOB, blob)
    message = refused(writer, with_entry(writer, path, mode, oid))
    assert path[0] in message
    assert "\n" not in message


@pytest.mark.parametrize("mode", [SYMLINK, 0o100755, TREE])
def test_a_record_is_a_plain_file(writer: Any, mode: int) -> None:
    target = writer.objects.write_blob(b"/etc/passwd") if mode != TREE else writer.tree(TWO)
    tree = writer.objects.write_tree([TreeEntry(b"run.yaml", mode, target)])
    writer.entry(ONE, tree)
    assert f"{ONE}/run.yaml" in refused(writer, writer.runs.root())


@pytest.mark.parametrize("name", ["../x", "a", ".git", "metrics.jsonl.gz", "metrics.rank-x.jsonl"])
def test_a_run_holds_known_files(writer: Any, name: str) -> None:
    writer.run(ONE, {name.replace("/", "\\"): b"x"})
    assert ONE in refused(writer, writer.runs.root())


def test_the_folder_of_a_run_is_no_link(writer: Any) -> None:
    writer.run(TWO)
    blob = writer.objects.write_blob(b"../../..")
    root = with_entry(writer, ("runs", *run_path(ONE)), SYMLINK, blob)
    assert ONE in refused(writer, root)


@pytest.mark.parametrize("fully", [True, False])
def test_a_record_of_another_run(
    writer: Any, monkeypatch: pytest.MonkeyPatch, *, fully: bool
) -> None:
    """Of many new runs, records are searched for their ids and not parsed."""
    monkeypatch.setattr(module, "_READ_FULLY", 1000 if fully else 0)
    writer.run(ONE)
    audit(writer.objects, "", writer.runs.root())
    writer.entry(TWO, writer.tree(ONE))
    assert TWO in refused(writer, writer.runs.root())


@pytest.mark.parametrize(
    "record",
    [
        b"{id: &a 20261121-000000000001, note: *a}\n",  # aliases
        b"id: 20261121-000000000001\nid: 20261121-000000000001\n",
        b"- 1\n",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_record_that_is_none(writer: Any, monkeypatch: pytest.MonkeyPatch, record: bytes) -> None:
    writer.run(ONE, {"run.yaml": record})
    for limit in (1000, 0):
        monkeypatch.setattr(module, "_READ_FULLY", limit)
        assert ONE in refused(writer, writer.runs.root())


def test_an_id_inside_a_text_is_no_id(writer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_FULLY", 0)
    writer.run(ONE, note="first line\nid: 20261121-200000000002\nlast line\n")
    assert list(audit(writer.objects, "", writer.runs.root()).runs) == [ONE]


def test_a_run_without_a_record(writer: Any) -> None:
    blob = writer.objects.write_blob(b"")
    writer.entry(ONE, writer.objects.write_tree([TreeEntry(b"console.log", BLOB, blob)]))
    assert "no run.yaml" in refused(writer, writer.runs.root())


def test_what_is_too_large_is_not_read(writer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes of a pack can make gigabytes; the size is told first."""
    writer.run(ONE, {"run.yaml": b"#" * (17 << 20)})
    root = writer.runs.root()
    monkeypatch.setattr(writer.objects, "read_blob", _unpacked(writer.objects.read_blob))
    assert "run.yaml: it is too large" in refused(writer, root)


def _unpacked(read: Any) -> Any:
    def checked(oid: str) -> bytes:
        data: bytes = read(oid)
        assert len(data) < 1 << 20, "a large object was unpacked"
        return data

    return checked


@pytest.mark.slow
def test_a_tree_of_a_million_names(writer: Any) -> None:
    writer.run(ONE)
    blob = bytes.fromhex(writer.objects.write_blob(b"x"))
    body = b"".join(b"100644 %07d\0%s" % (number, blob) for number in range(1_000_000))
    tree = writer.objects.write("tree", body)
    root = with_entry(writer, ("annotations", *run_path(ONE)), TREE, tree)
    assert "bytes" in refused(writer, root)


def test_a_run_that_is_forgotten_and_there(writer: Any) -> None:
    writer.run(ONE)
    blob = writer.objects.write_blob(b"run: x\n")
    root = with_entry(writer, ("tombstones", *run_path(ONE), "a.yaml"), BLOB, blob)
    assert ONE in refused(writer, root)


def test_formats(writer: Any) -> None:
    writer.run(ONE)
    later = writer.objects.write_blob(b"runref 2\n")
    with pytest.raises(UnsupportedFormat):
        audit(writer.objects, "", with_entry(writer, ("FORMAT",), BLOB, later))
    with pytest.raises(DamagedRef):
        audit(writer.objects, "", writer.objects.write_tree([]))


@settings(max_examples=50)
@given(size=st.integers(0, 1 << 40), kind=st.integers(1, 4))
def test_the_size_stands_in_the_head_of_an_entry(size: int, kind: int) -> None:
    assert size_of_entry(_entry_header(kind, size), 20) == size


def test_sizes_of_loose_and_packed_objects(repo: Any, writer: Any) -> None:
    texts = [b"", b"x" * 100, *(b"line\n" * 5000 + b"%d" % number for number in range(30))]
    oids = {writer.objects.write_blob(text): len(text) for text in texts}
    writer.entry(
        ONE,
        writer.objects.write_tree(
            TreeEntry(b"%d" % number, BLOB, oid) for number, oid in enumerate(oids)
        ),
    )
    assert {oid: writer.objects.size(oid) for oid in oids} == oids
    repo.git("gc", "-q")  # most of them are deltas now
    (index,) = (repo.path / ".git/objects/pack").glob("*.idx")
    assert "chain length = 1" in repo.git("verify-pack", "-v", str(index))
    assert {oid: writer.objects.size(oid) for oid in oids} == oids
