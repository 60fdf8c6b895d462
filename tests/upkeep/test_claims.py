"""Every claim of a record is held against what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.upkeep.history import History, flip

from runref.git.objects import TreeEntry
from runref.model.damage import Damage
from runref.store.claims import check_claims
from runref.store.trees import TREE

pytestmark = pytest.mark.slow  # `make check` is for all day


def found(history: History, run_id: str) -> list[Damage]:
    return check_claims(history.repository.objects, history.stored(run_id))


def kinds(history: History, run_id: str) -> set[tuple[str, str]]:
    return {(each.kind, each.place) for each in found(history, run_id)}


def test_nothing_is_wrong_with_a_run_as_it_was_recorded(history: History, run_id: str) -> None:
    assert found(history, run_id) == []


def set_field(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *above, last = path.split(".")
        for name in above:
            document = document[name]
        document[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("id", "20200101-0123456789ab", ("record-id", "run.yaml")),
        ("status", "splendid", ("record-invalid", "run.yaml")),
        ("started", "2026-13-41T00:00:00.000000Z", ("record-invalid", "run.yaml")),
        ("format", 99, ("record-format", "run.yaml")),
        ("environment", "sha256:" + "0" * 64, ("environment-digest", "environment.yaml")),
        ("code.tree", "0" * 40, ("snapshot-tree", "code")),
        ("code.manifest", "sha256:" + "0" * 64, ("snapshot-manifest", "code")),
        ("code.files", 1, ("snapshot-files", "code")),
        ("code.files", 9, ("snapshot-files", "code")),
    ],
)
def test_a_claim_that_was_changed_is_named(
    history: History, run_id: str, path: str, value: object, expected: tuple[str, str]
) -> None:
    history.forge_record(run_id, set_field(path, value))
    assert kinds(history, run_id) == {expected}


def test_files_that_are_not_the_recorded_ones_are_named(history: History, run_id: str) -> None:
    history.forge(
        run_id, {"metrics.jsonl": b"{}\n", "console.log": None, "added.txt": b"what is this"}
    )
    assert kinds(history, run_id) == {
        ("file-digest", "metrics.jsonl"),
        ("file-missing", "console.log"),
        ("file-unrecorded", "added.txt"),
    }


def test_another_snapshot_is_named(history: History, run_id: str) -> None:
    objects = history.repository.objects
    code = history.entries(history.stored(run_id).tree)["code"]
    other = objects.write_tree(
        [*objects.read_tree(code.oid), TreeEntry(b"evil.py", 0o100644, objects.write_blob(b"x"))]
    )
    history.forge(run_id, {"code": TreeEntry(b"code", TREE, other)})
    assert kinds(history, run_id) == {("snapshot-tree", "code")}


def test_trees_that_name_each_other_cost_no_more_than_the_record_says(
    history: History, run_id: str
) -> None:
    objects = history.repository.objects
    tree = objects.write_tree([TreeEntry(b"f", 0o100644, objects.write_blob(b"x"))])
    for _ in range(30):
        names = (b"%c" % letter for letter in b"abcdefgh")
        tree = objects.write_tree(TreeEntry(name, TREE, tree) for name in names)
    document = history.document(run_id)
    document["code"]["tree"] = tree
    history.forge_record(run_id, set_field("code.tree", tree))
    history.forge(run_id, {"code": TreeEntry(b"code", TREE, tree)})
    assert kinds(history, run_id) == {("snapshot-files", "code")}


@pytest.mark.parametrize("name", [b".git", b".GIT", b"git~1", b"..", b"a/b"])
def test_a_snapshot_that_git_refuses_is_named(history: History, run_id: str, name: bytes) -> None:
    objects = history.repository.objects
    tree = objects.write_tree([TreeEntry(name, 0o100644, objects.write_blob(b"x"))])
    history.forge_record(run_id, set_field("code.tree", tree))
    history.forge(run_id, {"code": TreeEntry(b"code", TREE, tree)})
    (damage,) = found(history, run_id)
    assert (damage.kind, damage.place, damage.object) == ("object-damaged", "code", tree)
    assert repr(name) in damage.message


def test_objects_that_are_gone_or_damaged_are_named(history: History, run_id: str) -> None:
    entries = history.entries(history.stored(run_id).tree)
    train = history.entries(entries["code"].oid)["train.py"]
    history.loose(entries["console.log"].oid).unlink()
    flip(history.loose(train.oid), 20)
    assert {(each.kind, each.place, each.object) for each in found(history, run_id)} == {
        ("object-missing", "console.log", entries["console.log"].oid),
        ("object-damaged", "code/train.py", train.oid),
    }


def test_a_run_without_a_tree_is_named(history: History, run_id: str) -> None:
    run = history.stored(run_id)
    history.loose(run.tree).unlink()
    (damage,) = check_claims(history.repository.objects, run)
    assert (damage.kind, damage.object) == ("object-missing", run.tree)
    assert "--repair" in damage.hint
