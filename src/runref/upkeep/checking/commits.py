"""The commits of the ref: reachable and well-formed, and nothing rewritten from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.git.objects import Commit, ObjectStore
from runref.model.damage import NOT_RUNREF, Damage
from runref.store.claims import unreadable
from runref.store.trees import TREE, changed_below

_STATE = {"runs": 4, "annotations": 5, "tombstones": 5}
"""How deep below a folder of the root lies what is written once: runs, and files of others."""


@dataclass(slots=True)
class CommitsChecked:
    """What was found out about the commits.

    Attributes:
        commits: How many there are.
        shallow: Whether some are missing on purpose, as in a shallow clone.
        damage: What does not hold.
        objects: How many git objects were read.
    """

    commits: int = 0
    shallow: bool = False
    damage: list[Damage] = field(default_factory=list)
    objects: int = 0


def check_commits(
    objects: ObjectStore,
    tip: str,
    shallow: frozenset[str],
    *,
    full: bool,
    on_progress: Callable[[int], None],
) -> CommitsChecked:
    """Check every commit that the tip leads to, with its root tree.

    Args:
        objects: Where they are.
        tip: The newest commit.
        shallow: Commits whose parents are missing on purpose.
        full: Read every folder of every earlier state, too, and compare each state with the one
            before: what a commit changed or took away, though nothing is ever rewritten.
        on_progress: Told how many commits were checked.
    """
    return _Chain(objects, shallow, full=full).follow(tip, on_progress)


class _Chain:
    def __init__(self, objects: ObjectStore, shallow: frozenset[str], *, full: bool) -> None:
        self._objects = objects
        self._shallow = shallow
        self._full = full
        self._seen: set[str] = set()
        self._found = CommitsChecked()

    def follow(self, tip: str, on_progress: Callable[[int], None]) -> CommitsChecked:
        known, waiting = {tip}, [tip]
        while waiting:
            oid = waiting.pop()
            commit = self._commit(oid)
            if commit is None:
                continue
            self._found.commits += 1
            on_progress(self._found.commits)
            self._check_tree("", commit.tree, 0, oid)
            if oid in self._shallow:
                self._found.shallow = True
                continue
            if self._full and commit.parents:
                self._check_kept(oid, commit)
            fresh = [each for each in commit.parents if each not in known]
            known.update(fresh)
            waiting += fresh
        return self._found

    def _commit(self, oid: str) -> Commit | None:
        try:
            commit = self._objects.read_commit(oid)
        except RunrefError as error:
            self._found.damage.append(unreadable("", f"commit {oid[:12]}", oid, error))
            return None
        self._found.objects += 1
        return commit

    def _check_tree(self, place: str, tree: str, depth: int, commit: str) -> None:
        """Read the root of a state, and where all is to be read, its folders down to the runs."""
        if tree in self._seen:
            return
        self._seen.add(tree)
        try:
            entries = self._objects.read_tree(tree)
        except RunrefError as error:
            where = f"commit {commit[:12]}: {place or 'its tree'}"
            self._found.damage.append(unreadable("", where, tree, error))
            return
        self._found.objects += 1
        if self._full and depth <= max(_STATE.values()):
            for entry in entries:
                if entry.mode == TREE and entry.name != b"code":
                    below = f"{place}/{entry.name.decode('utf-8', 'backslashreplace')}".lstrip("/")
                    self._check_tree(below, entry.oid, depth + 1, commit)

    def _check_kept(self, oid: str, commit: Commit) -> None:
        try:
            before = self._folders(self._objects.read_commit(commit.parents[0]).tree)
            after = self._folders(commit.tree)
            for name, depth in _STATE.items():
                old, new = before.get(name, ""), after.get(name, "")
                for path, held, now in changed_below(self._objects, old, new, depth):
                    if held:
                        self._note_rewritten(oid, "/".join((name, *path)), gone=not now)
        except RunrefError:
            return  # what cannot be read is named where it is read

    def _folders(self, root: str) -> dict[str, str]:
        entries = self._objects.read_tree(root)
        return {entry.name.decode("utf-8", "replace"): entry.oid for entry in entries}

    def _note_rewritten(self, commit: str, place: str, *, gone: bool) -> None:
        deed = "takes away" if gone else "changes"
        message = f"commit {commit[:12]} {deed} what an earlier one recorded"
        run = place.split("/")[_STATE["runs"]]
        self._found.damage.append(
            Damage("history-rewritten", run, place, commit, message, NOT_RUNREF)
        )
