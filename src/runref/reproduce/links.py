"""Symbolic links of a snapshot, which must not lead the program to the user's own files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runref.git.changes import tree_changes
from runref.git.format import SYMLINK
from runref.git.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Link:
    """A link that would lead out of the checkout if it stayed as it is.

    Attributes:
        path: Relative to the root of the working tree.
        target: Where it led: below the root of the working tree, relative to it; else as one path
            without ``..`` parts where the root is known.
        inside: Whether it led into the working tree.
    """

    path: str
    target: str
    inside: bool


def straying_links(objects: ObjectStore, tree: str, root: Path | None) -> Iterator[Link]:
    """Yield the links of a snapshot that lead out of any folder it is written into.

    Args:
        objects: Where the snapshot is.
        tree: Its name.
        root: Root of the working tree that it was taken of; none where there is none here.
    """
    for path, oid in _links(objects, tree):
        if link := _straying(path, os.fsdecode(objects.read_blob(oid)), root):
            yield link


def retarget(links: Iterable[Link], folder: Path) -> None:
    """Lead the links that led into the working tree to the same place in a checkout.

    The others, which somebody has allowed, lead where they led from the working tree.
    """
    for link in links:
        path = folder / link.path
        path.unlink()
        path.symlink_to(folder / link.target)


def leading_out(objects: ObjectStore, tree: str, folder: Path) -> list[str]:
    """Return the links of a snapshot that lead out of the folder that it was written into."""
    return [
        path
        for path, _ in _links(objects, tree)
        if not Path(os.path.realpath(folder / path)).is_relative_to(folder)
    ]


def _links(objects: ObjectStore, tree: str) -> Iterator[tuple[str, str]]:
    for change in tree_changes(objects, "", tree):
        if change.new and change.new.mode == SYMLINK:
            yield os.fsdecode(change.path), change.new.oid


def _straying(path: str, target: str, root: Path | None) -> Link | None:
    # Text paths: a link may lead to anything, whether it exists or not.
    parent = os.path.dirname(path)  # noqa: PTH120
    if not os.path.isabs(target):  # noqa: PTH117
        inside = os.path.normpath(os.path.join(parent, target))  # noqa: PTH118
        if Path(inside).parts[:1] != (os.pardir,):
            return None
    if root is None:
        return Link(path, target, inside=False)
    whole = os.path.normpath(root / parent / target)
    for candidate in (whole, os.path.realpath(whole)):
        for base in (root, Path(os.path.realpath(root))):
            if Path(candidate).is_relative_to(base):
                return Link(path, str(Path(candidate).relative_to(base)), inside=True)
    return Link(path, whole, inside=False)
