"""Taking runs out of the runs ref for good: a new history that never held them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runref.git.objects import TreeEntry
from runref.model.ids import run_path
from runref.model.times import parse_time
from runref.model.tombstones import Tombstone, dump_tombstone, tombstone_name, tombstone_path
from runref.store.runs_ref import RefContended, RunsRef
from runref.store.trees import BLOB, TreeEditor

_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Move:
    """Where the ref was, and where it is to go."""

    old: str
    new: str


def bury(
    runs: RunsRef,
    tombstones: Sequence[Tombstone],
    *,
    writer: str,
    before_move: Callable[[Move], None],
) -> Move:
    """Replace the history by one without some runs and their annotations.

    The new history has a single commit, whose tree is the present one without the runs, and with
    their tombstones. Runs that were added meanwhile are in it. The caller holds the ref's lock.

    Args:
        runs: The ref.
        tombstones: One for each run that goes, all of one time and reason.
        writer: What no other writer has at the same time.
        before_move: Told the move before it is made; where a kill comes after that, it may have
            been made or not.

    Raises:
        InvalidDocument: A tombstone breaks its schema.
        RefContended: Others moved the ref every time.
    """
    message = _message(tombstones)
    time = int(parse_time(tombstones[0].time).timestamp())
    for _ in range(_ATTEMPTS):
        tip = runs.tip()
        with runs.objects.batch():
            root = _without(runs, runs.root(), tombstones, writer)
            commit = runs.commit(root, [], message=message, time=time)
        move = Move(tip, commit)
        before_move(move)
        if runs.move(tip, commit, reason=f"runref: forget {len(tombstones)} runs"):
            return move
    raise RefContended(
        f"the runs ref moved {_ATTEMPTS} times while runs were to be forgotten",
        hint="Nothing was forgotten. Run it again when less is recorded.",
    )


def _without(runs: RunsRef, root: str, tombstones: Sequence[Tombstone], writer: str) -> str:
    changes: dict[tuple[str, ...], TreeEntry | None] = {}
    for each in tombstones:
        path = run_path(each.run)
        for folder in ("runs", "annotations"):
            changes.update({(folder, *path): None})
        blob = runs.objects.write_blob(dump_tombstone(each))
        place = tombstone_path(each.run, tombstone_name(each.time, writer))
        changes[place] = TreeEntry(b"", BLOB, blob)
    return TreeEditor(runs.objects).change(root, changes)


def _message(tombstones: Sequence[Tombstone]) -> str:
    count = len(tombstones)
    reason = " ".join(tombstones[0].reason.split())[:60]
    subject = f"forget {count} run{'s' * (count != 1)}: {reason}"
    trailers = "".join(f"Forgets: {each.run}\n" for each in tombstones)
    return f"{subject}\n\n{trailers}"
