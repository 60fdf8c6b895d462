"""Checking objects that came over the network without the git binary, which checks by itself."""

from __future__ import annotations

from collections.abc import Iterable

from runref.errors import ExitStatus, RunrefError
from runref.git.format import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry
from runref.git.objects import ObjectStore

_MODES = frozenset({FILE, EXECUTABLE, SYMLINK, GITLINK, TREE, 0o100664})
_RESERVED = frozenset({b"", b".", b"..", b".git", b"git~1"})


class ObjectsRefused(RunrefError):
    """Objects that came from elsewhere are such as git itself refuses."""

    code = "objects-refused"
    exit_status = ExitStatus.NO


def check_arrived(objects: ObjectStore, names: Iterable[str]) -> None:
    """Refuse new objects that are malformed, or that name others which are not here.

    Args:
        objects: The new ones and those of the repository.
        names: The new ones.

    Raises:
        ObjectsRefused: one is no good; the message names it.
    """
    for oid in names:
        kind, _ = objects.read(oid)
        if kind == "tree":
            entries = objects.read_tree(oid)
            _check_entries(oid, entries)
            needed = [entry.oid for entry in entries if entry.mode != GITLINK]
        elif kind == "commit":
            commit = objects.read_commit(oid)
            needed = [commit.tree, *commit.parents]
        else:
            continue
        for other in needed:
            if not objects.contains(other):
                raise _refused(oid, f"it names {other}, which was not sent")


def _check_entries(oid: str, entries: Iterable[TreeEntry]) -> None:
    seen: set[bytes] = set()
    for entry in entries:
        if entry.name.lower() in _RESERVED or b"/" in entry.name or entry.name in seen:
            raise _refused(oid, f"the name {entry.name!r} in it")
        if entry.mode not in _MODES:
            raise _refused(oid, f"the mode {entry.mode:o} in it")
        seen.add(entry.name)


def _refused(oid: str, why: str) -> ObjectsRefused:
    return ObjectsRefused(
        f"refused object {oid}: {why}",
        hint="Nothing was written. `git fsck` in the other repository tells more.",
    )
