"""Which objects another repository lacks, told from the trees and not from all of the history."""

from __future__ import annotations

from collections.abc import Iterator

from runref.git.format import GITLINK
from runref.git.history import commits_since
from runref.git.objects import ObjectStore


def objects_since(objects: ObjectStore, old: str, new: str) -> Iterator[str]:
    """Yield the names of the objects that `new` needs and a repository with `old` may lack.

    Args:
        objects: Where they are.
        old: A commit that the other side has, with all that it needs; empty: it has nothing.
        new: The commit to send.

    Raises:
        ObjectMissing: one of them is not here.
    """
    sent: set[str] = set()
    known = objects.read_commit(old).tree if old else ""
    for oid in reversed(commits_since(objects, old, new).commits):
        commit = objects.read_commit(oid)
        yield oid
        parent = objects.read_commit(commit.parents[0]).tree if commit.parents else known
        yield from _new_in_tree(objects, parent, commit.tree, sent)


def _new_in_tree(objects: ObjectStore, old: str, new: str, sent: set[str]) -> Iterator[str]:
    if new == old or new in sent:
        return
    sent.add(new)
    yield new
    before = {each.name: each.oid for each in objects.read_tree(old)} if old else {}
    for entry in objects.read_tree(new):
        was = before.get(entry.name, "")
        if entry.oid == was or entry.oid in sent or entry.mode == GITLINK:
            continue
        if entry.is_tree:
            yield from _new_in_tree(objects, _tree_or_none(objects, was), entry.oid, sent)
        else:
            sent.add(entry.oid)
            yield entry.oid


def _tree_or_none(objects: ObjectStore, oid: str) -> str:
    return oid if oid and objects.read(oid)[0] == "tree" else ""
