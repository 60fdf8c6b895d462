# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH110, PTH120, PTH123
"""The user's index, read only: which files git tracks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from runref.errors import RunrefError
from runref.git.format import TREE, ObjectFormat, TreeEntry
from runref.git.split_index import merge


class UnsupportedIndex(RunrefError):
    """The index uses a feature that runref cannot read."""

    code = "unsupported-index"


class IndexDamaged(RunrefError):
    """The index is not what git wrote."""

    code = "index-damaged"


class IndexEntry(NamedTuple):
    """One tracked path.

    Attributes:
        mode: Git's mode of the file.
        oid: Name of the content that is staged.
        stage: 0; in a merge conflict the side the entry is of (1 base, 2 ours, 3 theirs).
        skip_worktree: Not checked out on purpose (sparse checkout).
        intent_to_add: Announced by ``git add -N``; the content is not staged.
    """

    mode: int
    oid: str
    stage: int = 0
    skip_worktree: bool = False
    intent_to_add: bool = False


def read_index(
    path: str,
    object_format: ObjectFormat,
    read_tree: Callable[[str], tuple[TreeEntry, ...]],
) -> dict[bytes, IndexEntry]:
    """All tracked paths, in git's order; of a path in conflict our side.

    Args:
        path: The index file; where there is none, nothing is tracked.
        object_format: Of the repository.
        read_tree: Gives the entries of a tree: a sparse index names folders by their tree.

    Raises:
        UnsupportedIndex: It uses a feature that runref does not know.
        IndexDamaged: It is not what git wrote.
    """
    # A split index can be rewritten, and the old shared file removed, between the two reads.
    for _ in range(3):
        with suppress(FileNotFoundError):
            entries = _read(path, object_format)
            if any(entry.mode == TREE for _, entry in entries):
                entries = list(_expanded(entries, read_tree))
            return _without_stages(entries)
        if not os.path.exists(path):
            return {}
    raise _damaged(path, "the shared index that it names is missing")


def _read(path: str, object_format: ObjectFormat) -> list[tuple[bytes, IndexEntry]]:
    with open(path, "rb") as file:
        data = file.read()
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        raise UnsupportedIndex(
            f"{path} has version {version}",
            hint="`git update-index --index-version 2` rewrites it",
        )
    oid_length = object_format.hex_length // 2
    checksum = data[-oid_length:]
    # With index.skipHash git writes zeros.
    if any(checksum) and object_format.digest(data[:-oid_length]) != checksum:
        raise _damaged(path, "its checksum is wrong")
    try:
        entries, end = _entries(data, version, oid_length)
        link = _link(path, data[:-oid_length], end)
        if not any(link[:oid_length]):
            return entries
        folder, shared = os.path.dirname(path), link[:oid_length].hex()
        whole = _read(f"{folder}/sharedindex.{shared}", object_format)
        return merge(whole, entries, link[oid_length:])
    except (ValueError, LookupError) as problem:
        raise _damaged(path, str(problem)) from problem


def _entries(
    data: bytes, version: int, oid_length: int
) -> tuple[list[tuple[bytes, IndexEntry]], int]:
    """The entries of an index file, and where they end."""
    entries: list[tuple[bytes, IndexEntry]] = []
    position, name = 12, b""
    flags_at = 40 + oid_length
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags_end = position + flags_at + 2
        flags = data[flags_end - 2] << 8 | data[flags_end - 1]
        extended = 0
        if flags & 0x4000:
            extended = data[flags_end] << 8
            flags_end += 2
        if version == 4:
            strip, start = _offset(data, flags_end)
            end = data.index(b"\0", start)
            name = name[: len(name) - strip] + data[start:end]
            following = end + 1
        else:
            length = flags & 0xFFF
            end = flags_end + length if length < 0xFFF else data.index(b"\0", flags_end)
            name = data[flags_end:end]
            # Padded with 1 to 8 null bytes to a multiple of eight.
            following = position + (end - position + 8 & ~7)
        entry = IndexEntry(
            data[position + 26] << 8 | data[position + 27],
            data[position + 40 : position + flags_at].hex(),
            flags >> 12 & 3,
            bool(extended & 0x4000),
            bool(extended & 0x2000),
        )
        entries.append((name, entry))
        position = following
    return entries, position


def _without_stages(entries: list[tuple[bytes, IndexEntry]]) -> dict[bytes, IndexEntry]:
    """One entry a path: of a conflict ours; where we have none (we deleted it) what there is."""
    chosen = dict(entries)
    if len(chosen) < len(entries):
        for name, entry in reversed(entries):
            if entry.stage == 2 or chosen[name].stage == 1:
                chosen[name] = entry
    return chosen


def _offset(data: bytes, position: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    byte = data[position]
    value = byte & 0x7F
    while byte & 0x80:
        position += 1
        byte = data[position]
        value = (value + 1 << 7) + (byte & 0x7F)
    return value, position + 1


def _link(path: str, data: bytes, position: int) -> bytes:
    """Check the extensions, and return what the one of the split index says.

    Those in capitals may be passed over; the others change what the entries mean.
    """
    link = b""
    while position + 8 <= len(data):
        name = data[position : position + 4]
        start = position + 8
        position = start + int.from_bytes(data[position + 4 : start], "big")
        if name == b"link":
            link = data[start:position]
        elif name != b"sdir" and not name[:1].isupper():
            raise UnsupportedIndex(
                f"{path} uses the extension {os.fsdecode(name)!r}, which runref cannot read",
                hint="`rm` the index and `git reset` to have git write a new one",
            )
    if position != len(data):
        raise ValueError("its parts do not add up to its length")
    return link


def _expanded(
    entries: list[tuple[bytes, IndexEntry]], read_tree: Callable[[str], tuple[TreeEntry, ...]]
) -> Iterator[tuple[bytes, IndexEntry]]:
    """A sparse index with its folders replaced by the files in them."""
    for name, entry in entries:
        if entry.mode != TREE:
            yield name, entry
            continue
        inside = [
            (
                name + child.name + (b"/" if child.is_tree else b""),
                IndexEntry(child.mode, child.oid, skip_worktree=True),
            )
            for child in read_tree(entry.oid)
        ]
        yield from _expanded(inside, read_tree)


def _damaged(path: str, why: str) -> IndexDamaged:
    return IndexDamaged(
        f"the index {path} is damaged: {why}",
        hint="`git reset` writes a new one and keeps the files of the working tree",
    )
