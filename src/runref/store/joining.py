"""Joining a history from elsewhere with that of the runs ref; see `runref.model.merge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time

from runref.git.history import is_ancestor
from runref.model.commit_message import commit_message
from runref.model.merge import Item, Kind, Merge, Side, merge
from runref.model.times import parse_time
from runref.store.differences import differences, forgotten_runs, item_path
from runref.store.recorded import UnreadableRun, read_record
from runref.store.runs_ref import RUNS_REF, Addition, RefContended, RunsRef
from runref.store.trees import BLOB, TREE, TreeEditor

_LOCK_SECONDS = 60.0
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of the runs ref.

    Attributes:
        tip: Its commit.
        runs: Ids of the runs that it holds now and did not before.
        annotations: How many annotations it holds now and did not before.
        forgotten: Ids of runs that it held before; they were forgotten elsewhere.
        refused: Ids of runs that came and were forgotten before.
        rewritten: Whether its commits are other ones now, as something was forgotten.
    """

    tip: str
    runs: tuple[str, ...] = ()
    annotations: int = 0
    forgotten: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    rewritten: bool = False


def join(runs: RunsRef, tip: str, *, origin: str) -> Joined:
    """Merge a commit whose objects are in the repository into the runs ref.

    Args:
        runs: The runs ref.
        tip: The newest commit of the other history.
        origin: Where it came from, for the message of a merge.

    Raises:
        HistoriesDisagree: a run is not the same in both.
        RefContended: others moved the ref every time.
        LockBusy: another process holds the ref for long.
    """
    root = runs.root_of(tip)
    return _joined(runs, root, origin, lambda ours, both: _next(runs, ours, tip, both, origin))


def graft(runs: RunsRef, root: str, *, origin: str) -> Joined:
    """Add what a root tree holds to the runs ref, as commits of our own, one for each run.

    Args:
        runs: The runs ref.
        root: The tree; its objects are in the repository.
        origin: Where it came from, for messages.

    Raises:
        HistoriesDisagree, RefContended, LockBusy: as for `join`.
    """
    return _joined(runs, root, origin, lambda ours, both: _grafted(runs, ours, both, origin))


def _joined(runs: RunsRef, root: str, origin: str, next_tip: Callable[[str, Merge], str]) -> Joined:
    for _ in range(_ATTEMPTS):
        with runs.lock(_LOCK_SECONDS):
            ours = runs.tip()
            both = _merged(runs, runs.root_of(ours), root)
            tip = next_tip(ours, both)
            if tip == ours or runs.move(ours, tip, reason=f"runref: merge {origin}"):
                return _outcome(tip, both)
    raise RefContended(
        f"{RUNS_REF} moved {_ATTEMPTS} times while {origin} was to be merged",
        hint="Nothing is lost: run the command again.",
    )


def _merged(runs: RunsRef, ours: str, theirs: str) -> Merge:
    left, right = differences(runs.objects, ours, theirs)
    forgotten = forgotten_runs(runs.objects, ours) | forgotten_runs(runs.objects, theirs)
    return merge(left, right, forgotten)


def _outcome(tip: str, both: Merge) -> Joined:
    return Joined(
        tip,
        tuple(sorted(each.run for each in both.from_theirs if each.kind is Kind.RUN)),
        sum(each.kind is Kind.ANNOTATION for each in both.from_theirs),
        both.forgotten_here,
        both.forgotten_there,
        rewritten=both.goes_on in (Side.THEIRS, Side.NEITHER),
    )


def _next(runs: RunsRef, ours: str, theirs: str, both: Merge, origin: str) -> str:
    if not ours:
        return theirs
    match both.goes_on:
        case Side.OURS:
            return runs.extend(ours, _additions(runs, both.from_theirs, origin))
        case Side.THEIRS:
            return runs.extend(theirs, _additions(runs, both.from_ours, "before a rewrite"))
        case Side.NEITHER:
            return _rewritten(runs, ours, both, origin)
    return _child(runs, ours, theirs, both, origin)


def _child(runs: RunsRef, ours: str, theirs: str, both: Merge, origin: str) -> str:
    """Return a commit that has both as ancestors: one of them, or a merge."""
    if is_ancestor(runs.objects, theirs, ours):
        return ours
    if not (both.from_ours or both.forgotten_here or both.forgotten_there):
        return theirs  # which holds all of ours
    root = _union(runs, runs.root_of(ours), both)
    return runs.commit(root, [ours, theirs], message=_message(both, origin), time=int(time()))


def _grafted(runs: RunsRef, ours: str, both: Merge, origin: str) -> str:
    if ours and both.goes_on in (Side.THEIRS, Side.NEITHER):
        return _rewritten(runs, ours, both, origin)
    return runs.extend(ours, _additions(runs, both.from_theirs, origin))


def _rewritten(runs: RunsRef, ours: str, both: Merge, origin: str) -> str:
    """Return the first commit of a new history: what was forgotten is in neither of its parents."""
    root = _union(runs, runs.root_of(ours), both)
    return runs.commit(root, [], message=_message(both, origin), time=int(time()))


def _union(runs: RunsRef, root: str, both: Merge) -> str:
    editor = TreeEditor(runs.objects)
    with runs.objects.batch():
        for item, oid in both.from_theirs.items():
            root = editor.insert(root, item_path(item), _mode(item), oid)
        for run_id in both.forgotten_here:
            for kind in (Kind.RUN, Kind.ANNOTATION):
                root = editor.remove(root, item_path(Item(kind, run_id)))
    return root


def _additions(runs: RunsRef, items: Mapping[Item, str], origin: str) -> list[Addition]:
    return [_addition(runs, item, oid, origin) for item, oid in sorted(items.items(), key=_order)]


def _order(entry: tuple[Item, str]) -> tuple[bool, str, str]:
    item = entry[0]
    return item.kind is not Kind.RUN, item.run, item.name


def _addition(runs: RunsRef, item: Item, oid: str, origin: str) -> Addition:
    message = f"{item.kind.value[:-1]} from {origin} · {item.run}\n\nRun: {item.run}\n"
    when = int(time())
    if item.kind is Kind.RUN:
        try:
            record = read_record(runs.objects, item.run, oid)
        except UnreadableRun:  # it stays what it is, and is named wherever runs are listed
            pass
        else:
            message = commit_message(record)
            when = int(parse_time(record.finished).timestamp())
    return Addition(item_path(item), _mode(item), oid, message, when)


def _mode(item: Item) -> int:
    return TREE if item.kind is Kind.RUN else BLOB


def _message(both: Merge, origin: str) -> str:
    counts = {kind: sum(each.kind is kind for each in both.from_theirs) for kind in Kind}
    parts = [
        f"{count} {kind.value[:-1]}{'' if count == 1 else 's'}"
        for kind, count in counts.items()
        if count
    ]
    subject = f"merge {', '.join(parts) or 'the history'} from {origin}"
    gone = [f"Forgets: {run_id}" for run_id in both.forgotten_here]
    return "\n".join([subject, *([""] if gone else []), *gone])
