"""What the runs ref says of a run that was forgotten."""

from __future__ import annotations

from runref.model.merge import Item, Kind
from runref.model.tombstones import Tombstone, load_tombstone
from runref.store.differences import item_path
from runref.store.runs_ref import RunsRef
from runref.store.trees import entry_at


def tombstones_of(runs: RunsRef, run_id: str) -> list[Tombstone]:
    """Return the tombstones of a run, the oldest first; none where it was not forgotten.

    Raises:
        UnreadableTombstone: One is damaged.
    """
    root = runs.root()
    folder = entry_at(runs.objects, root, item_path(Item(Kind.TOMBSTONE, run_id))) if root else None
    entries = runs.objects.read_tree(folder.oid) if folder else ()
    return [load_tombstone(run_id, runs.objects.read_blob(each.oid)) for each in entries]
