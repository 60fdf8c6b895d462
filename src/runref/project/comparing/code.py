"""The files in which two snapshots differ, with the lines that were added and removed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runref.errors import RunrefError
from runref.git.changes import Change as TreeChange
from runref.git.changes import tree_changes
from runref.git.format import GITLINK, TreeEntry
from runref.git.objects import ObjectStore
from runref.model.difference import ADDED, CHANGED, REMOVED
from runref.model.line_difference import MANY_LINES, count_lines, differing_blocks, split_lines
from runref.model.patch import Side, is_binary
from runref.model.run_difference import CodeChange

SHOWN = 32 << 20
"""Bytes beyond which a file's lines are not compared."""
TOO_LARGE = f"over {SHOWN >> 20} MiB or {MANY_LINES} lines"
_COUNTED = 128 << 20
"""Bytes of all files whose lines are counted."""


def code_changes(
    objects: ObjectStore, left: str, right: str, paths: Sequence[bytes] = ()
) -> Iterator[CodeChange]:
    """Yield the files that differ between two snapshots, in the order of their names.

    A content that is missing or damaged is told in the change's `problem`.

    Args:
        objects: Where the snapshots are.
        left: The tree of one.
        right: The tree of the other.
        paths: Files and folders to look at; all where none is named.

    Raises:
        ObjectMissing, ObjectDamaged: a folder cannot be read.
    """
    budget = _COUNTED
    for change in changed_files(objects, left, right, paths):
        if budget <= 0:
            yield _described(change, problem="not counted: too much code differs")
            continue
        try:
            old, new = side_of(objects, change.old), side_of(objects, change.new)
        except RunrefError as error:
            yield _described(change, problem=error.message)
            continue
        budget -= sum(len(side.data) for side in (old, new) if side and side.data)
        yield _counted(change, old, new)


def changed_files(
    objects: ObjectStore, left: str, right: str, paths: Sequence[bytes] = ()
) -> list[TreeChange]:
    """Return the files that differ between two snapshots in git's order, which is that of bytes.

    Args:
        objects: Where the snapshots are.
        left: The tree of one.
        right: The tree of the other.
        paths: Files and folders to look at; all where none is named.

    Raises:
        ObjectMissing, ObjectDamaged: a folder cannot be read.
    """
    changes = tree_changes(objects, left, right)
    return sorted(
        (change for change in changes if _is_within(change.path, paths)),
        key=lambda change: change.path,
    )


def _is_within(path: bytes, paths: Sequence[bytes]) -> bool:
    return not paths or any(
        each in (b"", b".") or path == each or path.startswith(each + b"/") for each in paths
    )


def file_changes(
    objects: ObjectStore, left: str, right: str
) -> dict[str, tuple[str | None, str | None]]:
    """Return the object ids of the files that differ between two snapshots, by path.

    Raises:
        ObjectMissing, ObjectDamaged: a folder cannot be read.
    """
    return {
        os.fsdecode(change.path): (_identity(change.old), _identity(change.new))
        for change in tree_changes(objects, left, right)
    }


def side_of(objects: ObjectStore, entry: TreeEntry | None) -> Side | None:
    """Return a file as a patch needs it; without content where that is too large to show.

    Raises:
        ObjectMissing, ObjectDamaged: its content cannot be read.
    """
    if entry is None:
        return None
    if entry.mode == GITLINK:
        return Side(entry.mode, entry.oid, f"Subproject commit {entry.oid}\n".encode())
    data = objects.read_blob(entry.oid)
    shown = len(data) <= SHOWN and data.count(b"\n") <= MANY_LINES
    return Side(entry.mode, entry.oid, data if shown else None)


def _identity(entry: TreeEntry | None) -> str | None:
    if entry is None:
        return None
    return entry.oid if entry.mode & 0o777 == 0o644 else f"{entry.oid} {entry.mode:06o}"


def _described(change: TreeChange, problem: str = "") -> CodeChange:
    old, new = change.old, change.new
    return CodeChange(
        os.fsdecode(change.path),
        ADDED if old is None else REMOVED if new is None else CHANGED,
        old.oid if old else None,
        new.oid if new else None,
        f"{old.mode:06o}" if old else "",
        f"{new.mode:06o}" if new else "",
        problem=problem,
    )


def _counted(change: TreeChange, old: Side | None, new: Side | None) -> CodeChange:
    described = _described(change)
    contents = [side.data if side else b"" for side in (old, new)]
    if contents[0] is None or contents[1] is None:
        return replace(described, problem=f"not counted: {TOO_LARGE}")
    if is_binary(contents[0]) or is_binary(contents[1]):
        return replace(described, binary=True)
    blocks = differing_blocks(split_lines(contents[0]), split_lines(contents[1]))
    added, removed = count_lines(blocks)
    return replace(described, added=added, removed=removed)
