"""Git objects, brought back from another clone or a git remote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runref.errors import RunrefError
from runref.git.format import GITLINK, Kind, decode_commit, decode_tree
from runref.git.objects import ObjectStore


class ObjectMender:
    """Mends objects of one repository, and what they lead to.

    Attributes:
        mended: Names of the objects that were brought back, in order.
        lacking: Names of those that no lender had whole so far.

    Args:
        objects: The repository's.
        aside: Folder for damaged files that are replaced.
        wanted: Names of the objects that cannot be read.
    """

    def __init__(self, objects: ObjectStore, aside: str, wanted: Iterable[str]) -> None:
        self._objects = objects
        self._aside = aside
        self._seen: set[str] = set()
        self.mended: list[str] = []
        self.lacking: dict[str, None] = dict.fromkeys(wanted)

    def borrow(self, lender: ObjectStore) -> None:
        """Bring back what a lender has whole.

        An object that was not here may lead to others that are not, so each of those is looked at.

        Raises:
            CannotWrite: The system refused it.
        """
        waiting = list(self.lacking)
        self._seen.clear()
        while waiting:
            oid = waiting.pop()
            if oid in self._seen:
                continue
            self._seen.add(oid)
            found = self._here(oid) or self._bring(oid, lender)
            if found is None:
                self.lacking[oid] = None
                continue
            self.lacking.pop(oid, None)
            waiting += self._named_by(*found)

    def _here(self, oid: str) -> tuple[Kind, bytes] | None:
        try:
            return self._objects.read(oid)
        except RunrefError:
            return None

    def _bring(self, oid: str, lender: ObjectStore) -> tuple[Kind, bytes] | None:
        try:
            kind, body = lender.read(oid)  # compared with its name there
        except RunrefError:
            return None
        if self._objects.hash(kind, body) != oid:
            return None  # a lender with another hash function
        self._objects.mend(kind, body, self._aside)
        self.mended.append(oid)
        return kind, body

    def _named_by(self, kind: Kind, body: bytes) -> Iterator[str]:
        """Yield what an object leads to; earlier commits are looked at by the check itself."""
        try:
            if kind == "tree":
                oid_length = len(self._objects.hash("blob", b"")) // 2
                entries = decode_tree(body, oid_length)
                yield from (entry.oid for entry in entries if entry.mode != GITLINK)
            elif kind == "commit":
                commit = decode_commit(body)
                yield from (commit.tree, *commit.parents)
        except ValueError:
            return  # it is what its name says; that it is no good is told by the check
