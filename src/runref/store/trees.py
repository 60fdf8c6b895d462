"""Putting entries deep into a git tree, one new tree for each level and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runref.git.format import GITLINK
from runref.git.objects import ObjectStore, TreeEntry

BLOB, TREE = 0o100644, 0o040000
"""Git modes of a file and of a folder."""


class TreeEditor:
    """Edits trees by path and remembers those it has read or made.

    One editor serves one batch of changes: it never looks at an object twice.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._known: dict[str, dict[bytes, TreeEntry]] = {"": {}}

    def entries(self, tree: str) -> dict[bytes, TreeEntry]:
        """Return the entries of `tree` by name; of the empty oid: none."""
        known = self._known.get(tree)
        if known is None:
            known = {entry.name: entry for entry in self._objects.read_tree(tree)}
            self._known[tree] = known
        return known

    def holds(self, tree: str, path: Sequence[str]) -> bool:
        """Tell whether `tree` has an entry at `path`."""
        entry = self.entries(tree).get(path[0].encode())
        return entry is not None and (len(path) == 1 or self.holds(entry.oid, path[1:]))

    def insert(self, tree: str, path: Sequence[str], mode: int, oid: str) -> str:
        """Return the tree that is `tree` with one entry set at `path`; empty `tree`: none yet."""
        name = path[0].encode()
        entries = dict(self.entries(tree))
        if len(path) > 1:
            below = entries.get(name)
            oid = self.insert(below.oid if below else "", path[1:], mode, oid)
            mode = TREE
        entries[name] = TreeEntry(name, mode, oid)
        made = self._objects.write_tree(entries.values())
        self._known[made] = entries
        return made

    def remove(self, tree: str, path: Sequence[str]) -> str:
        """Return the tree that is `tree` without the entry at `path`; empty if nothing is left.

        Folders that become empty go, too: git knows none.
        """
        name = path[0].encode()
        entries = dict(self.entries(tree))
        below = entries.pop(name, None)
        if below is None:
            return tree
        if len(path) > 1:
            oid = self.remove(below.oid, path[1:])
            entries.update({name: TreeEntry(name, TREE, oid)} if oid else {})
        if not entries:
            return ""
        made = self._objects.write_tree(entries.values())
        self._known[made] = entries
        return made

    def change(self, tree: str, changes: Mapping[tuple[str, ...], TreeEntry | None]) -> str:
        """Return the tree that is `tree` with many changes, and write no other than it takes.

        Args:
            tree: The tree; the empty oid for one without entries.
            changes: By path, the entry that goes there (its name counts for nothing), or none where
                what is there goes. No path leads to below another one.

        Returns:
            The new tree; the empty oid where nothing is left.
        """
        entries = dict(self.entries(tree))
        below: dict[str, dict[tuple[str, ...], TreeEntry | None]] = {}
        for path, entry in changes.items():
            if len(path) > 1:
                below.setdefault(path[0], {})[path[1:]] = entry
                continue
            entries.pop(path[0].encode(), None)
            if entry is not None:
                name = path[0].encode()
                entries[name] = TreeEntry(name, entry.mode, entry.oid)
        for folder, inner in below.items():
            name = folder.encode()
            was = entries.pop(name, None)
            oid = self.change(was.oid if was else "", inner)
            entries.update({name: TreeEntry(name, TREE, oid)} if oid else {})
        if not entries:
            return ""
        made = self._objects.write_tree(entries.values())
        self._known[made] = entries
        return made


def copy_tree(tree: str, source: ObjectStore, target: ObjectStore) -> None:
    """Copy a tree with all below it from one store to another, as far as the other lacks it.

    A tree comes after what is in it, so that one that is there is complete. Commits of submodules
    are not copied.

    Raises:
        ObjectMissing, ObjectDamaged: `source` does not have all of it.
        CannotWrite: `target` cannot be written.
    """
    if target.contains(tree):
        return
    for entry in source.read_tree(tree):
        if entry.mode == TREE:
            copy_tree(entry.oid, source, target)
        elif entry.mode != GITLINK and not target.contains(entry.oid):
            target.write(*source.read(entry.oid))
    target.write(*source.read(tree))


def entry_at(objects: ObjectStore, tree: str, path: Sequence[str]) -> TreeEntry | None:
    """Return the entry of `tree` at `path`, or none."""
    entry = TreeEntry(b"", TREE, tree)
    for part in path:
        if entry.mode != TREE:
            return None
        name = part.encode()
        found = next((each for each in objects.read_tree(entry.oid) if each.name == name), None)
        if found is None:
            return None
        entry = found
    return entry


def changed_below(
    objects: ObjectStore, old: str, new: str, depth: int, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield ``(path, old oid, new oid)`` of what differs `depth` levels down, newest names first.

    Equal trees are not entered, and nothing below `depth` is read: comparing two states of the runs
    ref costs what changed, however many runs and however much code they hold. A file that lies
    above `depth` holds no runs and is passed over.
    """
    before, after = _oids(objects, old, depth), _oids(objects, new, depth)
    for name in sorted(before.keys() | after.keys(), reverse=True):
        left, right = before.get(name, ""), after.get(name, "")
        if left == right:
            continue
        path = (*above, name.decode("utf-8", "replace"))
        if depth == 1:
            yield path, left, right
        else:
            yield from changed_below(objects, left, right, depth - 1, path)


def _oids(objects: ObjectStore, tree: str, depth: int) -> dict[bytes, str]:
    entries = objects.read_tree(tree) if tree else ()
    return {each.name: each.oid for each in entries if depth == 1 or each.mode == TREE}
