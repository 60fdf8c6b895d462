"""Which objects of a repository something refers to, as the ``git`` program tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from runref.git.objects import ObjectMissing, ObjectStore
from runref.git.program import GitFailed, GitProgram

_LIST = ("rev-list", "--objects", "--no-object-names")
_WHAT_GIT_KEEPS = ("--all", "--reflog", "--indexed-objects")
"""Refs, HEAD, reflogs and index, those of linked worktrees included: the roots of ``git gc``."""


def objects_below(git: GitProgram, roots: Collection[str]) -> list[str]:
    """Return every object that `roots` lead to, each before those that it refers to.

    What is missing is passed over: it may have been freed already.

    Raises:
        GitFailed: git could not follow them.
    """
    if not roots:
        return []
    git.look_anew()
    found = git.run(*_LIST, "--missing=allow-any", "--in-commit-order", "--stdin", given=roots)
    return list(dict.fromkeys(found))


def unreferenced(
    git: GitProgram,
    objects: Iterable[str],
    roots: Iterable[str],
    *,
    beside: Sequence[str] = _WHAT_GIT_KEEPS,
) -> list[str]:
    """Return those objects that nothing refers to, in the given order.

    Args:
        git: The repository.
        objects: The objects in question.
        roots: Objects that are in use although git knows nothing of it.
        beside: What else is in use, as options of ``git rev-list``.

    Raises:
        GitFailed: A ref, a reflog or an index leads to damage, so that nobody knows what is in use.
    """
    wanted, in_use = dict.fromkeys(objects), list(roots)
    if not wanted:
        return []
    try:
        return _unreferenced(git, wanted, in_use, beside)
    except GitFailed:
        git.look_anew()
        return _unreferenced(git, wanted, in_use, beside)


def _unreferenced(
    git: GitProgram, objects: Iterable[str], roots: Iterable[str], beside: Sequence[str]
) -> list[str]:
    unused = dict.fromkeys(objects)
    missing = "--missing=allow-promisor"  # of a partial clone; anything else is damage
    for oid in git.lines(*_LIST, missing, *beside, "--stdin", given=roots):
        unused.pop(oid, None)
    return list(unused)


def without_content(git: GitProgram) -> list[str]:
    """Return every object of the repository that refers to others: trees, commits and tags.

    Raises:
        GitFailed: git could not list them.
    """
    form = "--batch-check=%(objecttype) %(objectname)"
    lines = git.lines("cat-file", "--batch-all-objects", "--unordered", form)
    return [line.partition(" ")[2] for line in lines if not line.startswith("blob")]


def leading_to(objects: ObjectStore, garbage: Iterable[str], doomed: Iterable[str]) -> list[str]:
    """Return what of some garbage leads to doomed objects, what is farthest from them first.

    Raises:
        ObjectDamaged: Some garbage cannot be read.
    """
    leads: dict[str, list[str]] = {}
    for oid in garbage:
        for below in _referred_to(objects, oid):
            leads.setdefault(below, []).append(oid)
    found: dict[str, None] = {}
    waiting = list(doomed)
    while waiting:
        above = [oid for oid in leads.pop(waiting.pop(), ()) if oid not in found]
        found.update(dict.fromkeys(above))
        waiting += above
    return list(reversed(found))


def _referred_to(objects: ObjectStore, oid: str) -> list[str]:
    try:
        kind, body = objects.read(oid)
    except ObjectMissing:
        return []  # git removed it meanwhile
    if kind == "tree":
        return [entry.oid for entry in objects.read_tree(oid)]
    if kind == "commit":
        commit = objects.read_commit(oid)
        return [commit.tree, *commit.parents]
    return [body.split(b"\n", 1)[0].removeprefix(b"object ").decode("ascii", "replace")]


def sizes_on_disk(git: GitProgram, objects: Iterable[str]) -> dict[str, int]:
    """Return the bytes that objects take up, compressed; those that are missing have none.

    Raises:
        GitFailed: git could not read them.
    """
    form = "--batch-check=%(objectname) %(objectsize:disk)"
    rows = (line.split(" ") for line in git.lines("cat-file", form, given=objects))
    return {oid: int(size) for oid, size in rows if size != "missing"}
