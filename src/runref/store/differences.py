"""What two states of the runs ref hold that the other does not."""

from __future__ import annotations

from runref.git.objects import ObjectStore
from runref.model.ids import is_run_id, run_path
from runref.model.merge import Item, Kind
from runref.store.trees import changed_below, entry_at

RUN_DEPTH = 4
"""Levels from ``runs/`` down to a run: ``YYYY-MM/DD/h/<id>``."""


def differences(
    objects: ObjectStore, ours: str, theirs: str
) -> tuple[dict[Item, str], dict[Item, str]]:
    """Return what each of two root trees holds, as far as the other holds something else.

    Equal trees are not entered: this costs what differs.

    Args:
        objects: Where the trees are.
        ours: A root tree; empty: it holds nothing.
        theirs: Another one; empty: it holds nothing.
    """
    left: dict[Item, str] = {}
    right: dict[Item, str] = {}
    for kind in Kind:
        depth = RUN_DEPTH + (kind is not Kind.RUN)
        before, after = _folder(objects, ours, kind), _folder(objects, theirs, kind)
        for path, old, new in changed_below(objects, before, after, depth):
            item = _item(kind, path)
            if item is not None:
                left.update({item: old} if old else {})
                right.update({item: new} if new else {})
    return left, right


def forgotten_runs(objects: ObjectStore, root: str) -> frozenset[str]:
    """Return the runs that have a tombstone below a root tree; an empty one has none."""
    tree = _folder(objects, root, Kind.TOMBSTONE)
    changed = changed_below(objects, "", tree, RUN_DEPTH) if tree else ()
    return frozenset(path[-1] for path, _, _ in changed)


def item_path(item: Item) -> tuple[str, ...]:
    """Return where an item lies, from the root of the tree."""
    return (item.kind.value, *run_path(item.run), *([item.name] if item.name else []))


def _folder(objects: ObjectStore, root: str, kind: Kind) -> str:
    entry = entry_at(objects, root, (kind.value,)) if root else None
    return entry.oid if entry else ""


def _item(kind: Kind, path: tuple[str, ...]) -> Item | None:
    run, name = path[RUN_DEPTH - 1], path[RUN_DEPTH] if kind is not Kind.RUN else ""
    return Item(kind, run, name) if is_run_path(path[:RUN_DEPTH]) else None


def is_run_path(path: tuple[str, ...]) -> bool:
    """Tell whether a path below ``runs/`` is the one that follows from the id at its end."""
    return is_run_id(path[-1]) and run_path(path[-1]) == path
