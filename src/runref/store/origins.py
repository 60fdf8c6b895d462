"""Which commit of the runs ref added a run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runref.git.objects import ObjectStore
from runref.model.ids import run_path
from runref.store.trees import TREE, TreeEditor

_TRAILER = re.compile(r"^Run: (\S+)$", re.MULTILINE)


def adding_commits(objects: ObjectStore, tip: str, trees: Mapping[str, str]) -> dict[str, str]:
    """Return the commits that added runs, by id; a run for which none is found is left out.

    A commit names its run in a trailer, so that the trees of the others need not be read. What the
    trailer says is not believed: the commit's tree holds the run, and that of no parent does.

    Args:
        objects: Where the history is.
        tip: The newest commit; empty for no history.
        trees: Record hash by run id: the runs to look for.
    """
    found: dict[str, str] = {}
    editor = TreeEditor(objects)
    waiting, seen = [tip] if tip else [], {tip}
    while waiting and len(found) < len(trees):
        oid = waiting.pop()
        commit = objects.read_commit(oid)
        waiting += [parent for parent in commit.parents if parent not in seen]
        seen.update(commit.parents)
        for run_id in _TRAILER.findall(commit.message):
            tree = trees.get(run_id)
            if tree is None or run_id in found or not _holds(editor, commit.tree, run_id, tree):
                continue
            roots = (objects.read_commit(parent).tree for parent in commit.parents)
            if not any(_holds(editor, root, run_id, tree) for root in roots):
                found[run_id] = oid
    return found


def _holds(editor: TreeEditor, root: str, run_id: str, tree: str) -> bool:
    oid = root
    for name in ("runs", *run_path(run_id)):
        entry = editor.entries(oid).get(name.encode())
        if entry is None or entry.mode != TREE:
            return False
        oid = entry.oid
    return oid == tree
