# Text paths, as in loose.py.
# ruff: noqa: PTH104, PTH108, PTH110, PTH116, PTH208
"""Removing single objects from a repository that others write to at the same time.

`git gc --prune=now` takes everything that nothing refers to yet, what others are writing included.
Here only the named objects go, and of those none that was made young since a given moment; see
`runref.git.sweep_mark`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from runref.git.files import writing
from runref.git.program import GitProgram
from runref.git.repacking import free_packed

_BLOCK = 512
_ASIDE = "tmp_obj_forget_"
"""Name of an object that is being removed; git removes a forgotten one in time."""


@dataclass(slots=True)
class Freed:
    """What was freed of a repository.

    Attributes:
        objects: How many objects are gone.
        size: Bytes of the disk that are free now.
        young: How many others made young meanwhile, so that they stay.
        kept: Why objects stay that nothing refers to, a sentence each.
    """

    objects: int = 0
    size: int = 0
    young: int = 0
    kept: list[str] = field(default_factory=list)


def time_of_objects(folder: str) -> int:
    """Return what time it is by the clock of an object folder, and make every reader of it look.

    `runref.git.packs.Packs` remembers for an hour that it has made a pack young, unless the folder
    of the packs changes. A change within one tick of the file system's clock may go unseen, so the
    folder is changed until its time has.

    Args:
        folder: The object folder.

    Returns:
        Nanoseconds since the epoch.

    Raises:
        CannotWrite: The system refused it.
    """
    packs = f"{folder}/pack"
    with writing(packs):
        os.makedirs(packs, exist_ok=True)  # noqa: PTH103
        first = _touched(packs)
        while _touched(packs) == first:
            pass
    return first


def _touched(packs: str) -> int:
    path = f"{packs}/tmp_mark_{os.urandom(8).hex()}"  # noqa: S108
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    os.unlink(path)
    return os.stat(packs).st_mtime_ns


def free_objects(
    git: GitProgram, folder: str, objects: Sequence[str], before: int, *, object_format: str
) -> Freed:
    """Remove objects that nothing refers to.

    One that is killed leaves some of them, and nothing that is not whole: the next one first gives
    back what that one had set aside.

    Args:
        git: The repository.
        folder: Its object folder. Objects that it borrows from another one stay there.
        objects: The objects.
        before: Those that were made young since stay; see `time_of_objects`.
        object_format: ``sha1`` or ``sha256``.

    Raises:
        CannotWrite: The system refused it.
        GitFailed: A pack could not be written anew.
    """
    freed = Freed()
    _give_back(folder)
    gone = free_packed(git, folder, objects, before, freed, object_format=object_format)
    for oid in objects:
        size = _free_loose(folder, oid, before, freed)
        if size is not None:
            freed.size += size
            gone.add(oid)
    freed.objects = len(gone)
    _renew_lists(git, folder)
    return freed


def _free_loose(folder: str, oid: str, before: int, freed: Freed) -> int | None:
    path, aside = f"{folder}/{oid[:2]}/{oid[2:]}", f"{folder}/{_ASIDE}{oid}"
    with writing(path):
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            return None
        # Whoever made it young did so before it lost its name, or finds that it is not there.
        status = os.stat(aside)
        if status.st_mtime_ns >= before:
            _return(folder, oid)
            freed.young += 1
            return None
        os.unlink(aside)
    return status.st_blocks * _BLOCK


def _give_back(folder: str) -> None:
    with writing(folder):
        for name in os.listdir(folder):
            if name.startswith(_ASIDE):
                _return(folder, name.removeprefix(_ASIDE))


def _return(folder: str, oid: str) -> None:
    aside = f"{folder}/{_ASIDE}{oid}"
    with suppress(FileExistsError):  # written again meanwhile: the same bytes
        os.makedirs(f"{folder}/{oid[:2]}", exist_ok=True)  # noqa: PTH103
        os.link(aside, f"{folder}/{oid[:2]}/{oid[2:]}")
    os.unlink(aside)


def _renew_lists(git: GitProgram, folder: str) -> None:
    """Write anew what names commits and packs that are gone: the graph, the list for http."""
    if os.path.exists(f"{folder}/info/packs"):
        git.run("update-server-info")
    if os.path.exists(f"{folder}/info/commit-graphs"):
        git.run("commit-graph", "write", "--reachable", "--split=replace")
    elif os.path.exists(f"{folder}/info/commit-graph"):
        git.run("commit-graph", "write", "--reachable")


def present(git: GitProgram, objects: Collection[str]) -> set[str]:
    """Return those objects that the repository has, or borrows, now.

    Raises:
        GitFailed: git could not look.
    """
    form = "--batch-check=%(objectname)"
    return {line for line in git.lines("cat-file", form, given=objects) if " " not in line}
