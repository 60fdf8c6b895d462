"""What differs between two trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from runref.git.format import TreeEntry
from runref.git.objects import ObjectStore


class Change(NamedTuple):
    """One path that differs.

    Attributes:
        path: Relative to the trees' root.
        old: What stood there, None where it was added.
        new: What stands there now, None where it was deleted.
    """

    path: bytes
    old: TreeEntry | None
    new: TreeEntry | None


def tree_changes(
    objects: ObjectStore, old: str, new: str, *, depth: int | None = None
) -> Iterator[Change]:
    """Compare two trees, reading only the folders that differ.

    Args:
        objects: Where the trees are.
        old: A tree; empty for the tree without entries.
        new: Another one; empty for the tree without entries.
        depth: Folders below this many levels are not entered; a folder there is itself the path
            that differs. None: only files differ.

    Yields:
        The differences in the order of their names. Where a file gave way to a folder, or the
        other way round, the old goes before the new comes.
    """
    yield from _changes(objects, b"", old, new, depth)


def _changes(
    objects: ObjectStore, prefix: bytes, old: str, new: str, depth: int | None
) -> Iterator[Change]:
    if old == new:
        return
    before = {entry.name: entry for entry in objects.read_tree(old)} if old else {}
    after = {entry.name: entry for entry in objects.read_tree(new)} if new else {}
    deeper = None if depth is None else depth - 1
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        path = prefix + name
        if depth == 1:
            yield Change(path, was, now)
            continue
        old_tree = was.oid if was is not None and was.is_tree else ""
        new_tree = now.oid if now is not None and now.is_tree else ""
        old_file = None if was is None or was.is_tree else was
        new_file = None if now is None or now.is_tree else now
        if old_tree and new_file is not None:
            yield from _changes(objects, path + b"/", old_tree, "", deeper)
            old_tree = ""
        if old_file is not None or new_file is not None:
            yield Change(path, old_file, new_file)
        yield from _changes(objects, path + b"/", old_tree, new_tree, deeper)
