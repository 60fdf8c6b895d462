"""Walking the commits of a history no further than two of its states differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runref.git.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Since:
    """What leads from one commit to another.

    Attributes:
        commits: Those that the newer one has and the older one has not, newest first. Where the two
            have grown apart, some that both have may be among them.
        includes_old: Whether the older one is an ancestor of the newer one, or the same.
    """

    commits: tuple[str, ...]
    includes_old: bool


def commits_since(objects: ObjectStore, old: str, new: str) -> Since:
    """Return the commits that lead from `old` to `new`; empty `old`: the whole history of `new`.

    Both sides are walked by turns until the newer has nothing left that the older has not: this
    costs what they differ in, and trusts no clock.

    Raises:
        ObjectMissing: a commit is not in the repository.
    """
    newer, older = _Walk(objects, new), _Walk(objects, old)
    while newer.frontier:
        older.step()
        newer.step()
        newer.frontier.difference_update(older.seen)
    commits = tuple(oid for oid in newer.seen if oid not in older.seen)
    return Since(commits, not old or old in newer.seen)


def is_ancestor(objects: ObjectStore, old: str, new: str) -> bool:
    """Tell whether `new` is `old` or descends from it."""
    return commits_since(objects, old, new).includes_old


class _Walk:
    """One side: the commits seen so far, in order, and those whose parents come next."""

    def __init__(self, objects: ObjectStore, start: str) -> None:
        self._objects = objects
        self.frontier = {start} if start else set()
        self.seen: dict[str, None] = dict.fromkeys(self.frontier)

    def step(self) -> None:
        following = {oid for oid in self._parents() if oid not in self.seen}
        self.seen.update(dict.fromkeys(sorted(following)))
        self.frontier = following

    def _parents(self) -> Iterator[str]:
        for oid in self.frontier:
            yield from self._objects.read_commit(oid).parents
