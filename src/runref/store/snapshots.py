"""Snapshots read as a whole, each file and folder once however many runs hold it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from runref.errors import RunrefError
from runref.git.format import GITLINK
from runref.git.objects import ObjectDamaged, ObjectStore, TreeEntry
from runref.git.tree_rules import broken_rule
from runref.model.snapshot_manifest import join_lines, manifest_digest, manifest_line

_FOLDERS, _FILES, _SNAPSHOTS = 10_000, 200_000, 1000
"""How many are remembered: of most histories all, and of none more than memory has room for."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder of a snapshot that cannot be read.

    Attributes:
        path: Within the snapshot; empty for its root.
        oid: Its object.
        error: Why not.
    """

    path: bytes
    oid: str
    error: RunrefError


@dataclass(frozen=True, slots=True)
class SnapshotRead:
    """What a snapshot comes to.

    Attributes:
        manifest: Digest of its manifest; of what could be read, where not all could.
        files: How many files it holds, submodules that were not checked out included; one more
            than asked for where there are more.
        unreadable: What could not be read.
    """

    manifest: str
    files: int
    unreadable: tuple[Unreadable, ...]


class Snapshots:
    """The snapshots of one repository.

    Attributes:
        objects_read: How many objects were read so far.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self.objects_read = 0
        self.read = lru_cache(_SNAPSHOTS)(self._read)
        self._folder = lru_cache(_FOLDERS)(self._read_folder)
        self._content = lru_cache(_FILES)(self._read_content)

    def _read(self, tree: str, most: int) -> SnapshotRead:
        """Read the snapshot that a tree is; nothing is raised, what is wrong is in the answer.

        Args:
            tree: The snapshot.
            most: Files after which there is no sense in going on: a few trees that name each other
                can stand for more files than there is time for.
        """
        unreadable: list[Unreadable] = []
        lines = dict(islice(self._lines(tree, unreadable), most + 1))
        manifest = manifest_digest(join_lines(lines.items()))
        return SnapshotRead(manifest, len(lines), tuple(unreadable))

    def _lines(self, tree: str, unreadable: list[Unreadable]) -> Iterator[tuple[bytes, bytes]]:
        waiting = [(b"", tree)]
        while waiting:
            folder, oid = waiting.pop()
            try:
                entries = self._folder(oid)
            except RunrefError as problem:
                unreadable.append(Unreadable(folder.rstrip(b"/"), oid, problem))
                continue
            if folder and not entries:  # without them, few folders lead to many files
                error = ObjectDamaged(f"tree {oid} is an empty folder, which git does not make")
                unreadable.append(Unreadable(folder.rstrip(b"/"), oid, error))
            for entry in entries:
                path = folder + entry.name
                if entry.is_tree:
                    waiting.append((path + b"/", entry.oid))
                    continue
                try:
                    yield path, manifest_line(path, entry.mode, *self._described(entry))
                except RunrefError as problem:
                    unreadable.append(Unreadable(path, entry.oid, problem))

    def _described(self, entry: TreeEntry) -> tuple[str, int]:
        return (entry.oid, 0) if entry.mode == GITLINK else self._content(entry.oid)

    def _read_folder(self, oid: str) -> tuple[TreeEntry, ...]:
        self.objects_read += 1
        entries = self._objects.read_tree(oid)
        if problem := broken_rule(entries):
            raise ObjectDamaged(f"tree {oid} is no tree that git allows: {problem}")
        return entries

    def _read_content(self, oid: str) -> tuple[str, int]:
        self.objects_read += 1
        data = self._objects.read_blob(oid)
        return hashlib.sha256(data).hexdigest(), len(data)
