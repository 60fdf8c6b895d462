# Text paths, as in packs.py.
# ruff: noqa: PTH102, PTH104, PTH108, PTH110, PTH116, PTH123, PTH208
"""Packs written anew without some of their objects."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runref.git.files import sync_folder, writing
from runref.git.program import GitProgram

if TYPE_CHECKING:
    from runref.git.freeing import Freed

_BLOCK = 512
_BESIDE = (".rev", ".bitmap", ".promisor", ".mtimes")
"""What may lie beside a pack and goes with it."""

_WORKSHOP = "tmp_objdir-forget-"
_ASIDE = "tmp_pack_forget_"
"""Name of a pack that is being removed; git removes a forgotten one in time."""


def free_packed(
    git: GitProgram,
    folder: str,
    objects: Sequence[str],
    before: int,
    freed: Freed,
    *,
    object_format: str,
) -> set[str]:
    """Take objects out of the packs of an object folder; return those that were in one.

    A pack that holds any of them is written anew without them; only then the old one goes.

    Args:
        git: The repository.
        folder: Its object folder.
        objects: The objects.
        before: A pack that was made young since stays: any of its objects may be in use.
        freed: Told the bytes, and what had to stay.
        object_format: ``sha1`` or ``sha256``.

    Raises:
        CannotWrite: The system refused it.
        GitFailed: A pack could not be read or written.
    """
    _give_back(folder)
    doomed, gone, stay = set(objects), set[str](), set[str]()
    for name in _packs(folder):
        base = f"{folder}/pack/{name}"
        held = _objects_of(git, base, object_format)
        going = doomed.intersection(held)
        if not going:
            continue
        if os.path.exists(f"{base}.keep"):
            freed.kept.append(f"{len(going)} in {name}.pack, which {name}.keep protects")
            stay |= going
            continue
        size = _replace(git, folder, name, [oid for oid in held if oid not in doomed], before)
        if size is None:
            freed.young += len(going)
            stay |= going
        else:
            freed.size += size
            gone |= going
    return gone - stay


def _packs(folder: str) -> list[str]:
    try:
        names = os.listdir(f"{folder}/pack")
    except FileNotFoundError:
        return []
    return sorted(name[:-4] for name in names if name.endswith(".idx"))


def _objects_of(git: GitProgram, base: str, object_format: str) -> list[str]:
    with open(f"{base}.idx", "rb") as index:
        lines = git.lines("show-index", f"--object-format={object_format}", file=index)
        return [line.split(" ", 2)[1] for line in lines]


def _replace(
    git: GitProgram, folder: str, name: str, remaining: Sequence[str], before: int
) -> int | None:
    """Put a pack with the remaining objects in the place of one; return the bytes that it saves.

    None where the old one was made young meanwhile, and stays.
    """
    base = f"{folder}/pack/{name}"
    size_before = _size(base)
    with _workshop(folder) as workshop:
        made = (
            git.run(
                "pack-objects", "-q", "--delta-base-offset", f"{workshop}/pack", given=remaining
            )
            if remaining
            else []
        )
        with writing(f"{folder}/pack"):
            if os.stat(f"{base}.pack").st_mtime_ns >= before:
                return None
            size_after = sum(
                _install(f"{workshop}/pack-{each}", f"{folder}/pack/pack-{each}", like=base)
                for each in made
            )
            sync_folder(f"{folder}/pack")
            if not _remove(folder, base, before):
                return None
    return size_before - size_after


def _install(made: str, base: str, *, like: str) -> int:
    """Give a new pack its name, with the age and the marks of the one that it replaces."""
    status = os.stat(f"{like}.pack")
    os.utime(f"{made}.pack", ns=(status.st_atime_ns, status.st_mtime_ns))
    if os.path.exists(f"{like}.promisor"):
        shutil.copyfile(f"{like}.promisor", f"{base}.promisor")
    for ending in (".pack", ".rev", ".idx"):  # it is a pack from the moment that it has an index
        with suppress(FileNotFoundError):
            os.rename(made + ending, base + ending)
    return _size(base)


def _remove(folder: str, base: str, before: int) -> bool:
    """Remove a pack, unless somebody made it young."""
    aside = f"{folder}/pack/{_ASIDE}{os.path.basename(base)}"  # noqa: PTH119
    os.rename(f"{base}.pack", aside)
    if os.stat(aside).st_mtime_ns >= before:
        os.rename(aside, f"{base}.pack")
        return False
    _forget_lists(folder)
    os.unlink(f"{base}.idx")
    for ending in _BESIDE:
        with suppress(FileNotFoundError):
            os.unlink(base + ending)
    os.unlink(aside)
    return True


def _give_back(folder: str) -> None:
    """Give packs their names back that a killed one was removing; without index they are gone."""
    with writing(f"{folder}/pack"), suppress(FileNotFoundError):
        for name in os.listdir(f"{folder}/pack"):
            if name.startswith(_ASIDE):
                aside, base = f"{folder}/pack/{name}", name.removeprefix(_ASIDE)
                if os.path.exists(f"{folder}/pack/{base}.idx"):
                    os.rename(aside, f"{folder}/pack/{base}.pack")
                else:
                    os.unlink(aside)
    for name in os.listdir(folder):
        if name.startswith(_WORKSHOP):
            shutil.rmtree(f"{folder}/{name}", ignore_errors=True)


def _forget_lists(folder: str) -> None:
    """Remove the index over several packs: it names one that goes. ``git gc`` writes it anew."""
    for name in os.listdir(f"{folder}/pack"):
        if name == "multi-pack-index.d":
            shutil.rmtree(f"{folder}/pack/{name}")
        elif name.startswith("multi-pack-index"):
            os.unlink(f"{folder}/pack/{name}")


def _size(base: str) -> int:
    total = 0
    for ending in (".pack", ".idx", *_BESIDE):
        with suppress(FileNotFoundError):
            total += os.stat(base + ending).st_blocks * _BLOCK
    return total


@contextmanager
def _workshop(folder: str) -> Iterator[str]:
    """Yield a folder for unfinished packs; ``git gc`` removes one that a kill leaves behind."""
    path = f"{folder}/{_WORKSHOP}{os.urandom(8).hex()}"
    with writing(path):
        os.mkdir(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
