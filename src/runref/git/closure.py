"""Everything that a tree from elsewhere reaches, looked at before any of it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.git.format import GITLINK
from runref.git.objects import ObjectStore
from runref.git.pack_reader import PackedObject
from runref.git.tree_rules import broken_rule


class TreeRefused(RunrefError):
    """A tree from elsewhere is incomplete, not as git writes trees, or made to do harm."""

    code = "tree-refused"


@dataclass(slots=True)
class _Seen:
    """What a tree comes to: how many paths it has, all its folders unfolded, and how deep it is."""

    paths: int
    depth: int


@dataclass(slots=True)
class Closure:
    """Walks trees of which nothing is believed.

    Attributes:
        reached: Names of the objects that were reached.

    Args:
        objects: Where the trees are.
        held: Every object that came with them, with its kind; nothing else may be named.
        most_paths: How many paths a folder may hold, counted as if it were written out.
        deepest: How many folders may lie in each other.
    """

    objects: ObjectStore
    held: Mapping[str, PackedObject]
    most_paths: int = 1_000_000
    deepest: int = 200
    reached: set[str] = field(default_factory=set, init=False)
    _known: dict[str, _Seen] = field(default_factory=dict, init=False)

    def walk(self, tree: str, path: str) -> int:
        """Check a tree with all that it reaches, and return how many paths it has.

        Args:
            tree: Its name.
            path: Where it stands, for messages.

        Raises:
            TreeRefused: Something that it names did not come with it, is of another kind, or has a
                name that git refuses; or it unfolds to too many paths.
            ObjectDamaged: A tree is none.
        """
        return self._walk(tree, path, 0).paths

    def _walk(self, tree: str, path: str, above: int) -> _Seen:
        known = self._known.get(tree)
        if known is None:
            self._expect(tree, "tree", path)
            if above >= self.deepest:
                raise _refused(path, f"more than {self.deepest} folders lie in each other")
            known = self._entries(tree, path, above)
            self._known[tree] = known
        elif above + known.depth > self.deepest:
            raise _refused(path, f"more than {self.deepest} folders lie in each other")
        return known

    def _entries(self, tree: str, path: str, above: int) -> _Seen:
        seen, entries = _Seen(0, 1), self.objects.read_tree(tree)
        if broken := broken_rule(entries):
            raise _refused(path, broken)
        for entry in entries:
            below = f"{path}/{entry.name.decode('utf-8', 'backslashreplace')}"
            seen.paths += 1
            if entry.is_tree:
                inner = self._walk(entry.oid, below, above + 1)
                seen.paths += inner.paths
                seen.depth = max(seen.depth, inner.depth + 1)
            elif entry.mode != GITLINK:
                self._expect(entry.oid, "blob", below)
            if seen.paths > self.most_paths:
                raise _refused(path, f"it unfolds to more than {self.most_paths:,} paths")
        return seen

    def _expect(self, oid: str, kind: str, path: str) -> None:
        held = self.held.get(oid)
        if held is None:
            raise _refused(path, f"object {oid} is missing")
        if held.kind != kind:
            raise _refused(path, f"object {oid} is a {held.kind}, where a {kind} should be")
        self.reached.add(oid)


def _refused(path: str, what: str) -> TreeRefused:
    return TreeRefused(
        f"{path!r:.300}: {what}",
        hint="it was damaged, or made by something other than runref: get it from elsewhere",
    )
