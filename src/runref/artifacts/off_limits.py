"""What is never data of a run: a working tree as a whole, and the inside of a git directory.

Whoever recorded a whole repository as an output, and brought it back, would replace the repository.
"""

from __future__ import annotations

import os
from pathlib import Path

from runref.git.refused_names import refused

_Identity = tuple[int, int]


def conflict(path: Path, root: Path | None, closed: Path, name: str = "the git directory") -> str:
    """Return why a path is off limits, as in ``holds the whole working tree``; else nothing.

    Folders are compared as the operating system knows them, not by their spelling. A working tree
    may lie in a git directory, as people keep those of bare repositories: its inside is open.

    Args:
        path: A file or directory, or where one is to be. A symbolic link stands for itself.
        root: Root of the working tree, where there is one; what is in it is open.
        closed: The git directory that all worktrees share, or another folder that is not open.
        name: What `closed` is called.
    """
    chain = _chain(Path(os.path.realpath(path.parent)) / path.name)
    roots = _chain(Path(os.path.realpath(root))) if root else []
    closeds = _chain(Path(os.path.realpath(closed)))
    for guarded, called in ((roots, "the whole working tree"), (closeds, name)):
        if chain[0] is not None and chain[0] in guarded:
            return f"{'is' if chain[0] == guarded[0] else 'holds'} {called}"
    for folder in chain:
        if folder is not None and folder in roots[:1]:
            return ""
        if folder is not None and folder == closeds[0]:
            return f"lies in {name}"
    return ""


def names_git(path: Path) -> bool:
    """Tell whether a path leads into a git directory by its name, however a disk may spell it."""
    places = (path.absolute(), Path(os.path.realpath(path.parent)) / path.name)
    parts = {part for place in places for part in place.parts}
    return any(refused(os.fsencode(part), is_regular=True) for part in parts)


def _chain(path: Path) -> list[_Identity | None]:
    """Return what a path is and what its folders are, upwards; none where nothing is there."""
    return [_identity(each) for each in (path, *path.parents)]


def _identity(path: Path) -> _Identity | None:
    try:
        status = path.lstat()
    except OSError:
        return None  # what cannot be looked up is none of the folders that were
    return status.st_dev, status.st_ino
