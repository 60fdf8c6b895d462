"""The pack of records: one commit whose tree is laid out as that of the runs ref."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runref.bundle.choosing import Chosen
from runref.git.files import writing
from runref.git.format import (
    FORMATS,
    GITLINK,
    Kind,
    TreeEntry,
    decode_tree,
    encode_commit,
    encode_tree,
)
from runref.git.objects import ObjectStore
from runref.git.pack_file import PackFile
from runref.model.ids import run_path
from runref.store.trees import BLOB, TREE

OnBlob = Callable[[str, bytes], None]
"""Told the path and content of every file that is packed, once for each content."""

_MESSAGE = "Records of a bundle\n\nMade by `runref bundle create`; it has no history.\n"

_Folder = dict[str, "_Folder | TreeEntry"]


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack of records.

    Attributes:
        commit: The commit that reaches everything in it.
        root: The tree of that commit.
        size: Bytes of the pack.
    """

    commit: str
    root: str
    size: int


def pack_records(
    objects: ObjectStore,
    object_format: str,
    chosen: Chosen,
    descriptor: int,
    *,
    identity: str,
    seconds: int,
    on_blob: OnBlob,
) -> Packed:
    """Write the chosen runs, complete with their snapshots, into an empty file.

    Args:
        objects: Where the runs are; it is only read.
        object_format: ``sha1`` or ``sha256``.
        chosen: What goes in.
        descriptor: The file.
        identity: Who makes the commit, ``Name <mail>``.
        seconds: When, since the epoch.
        on_blob: Told of every file.

    Raises:
        ObjectMissing: Something of a run is not in the repository.
        ObjectDamaged: Something of it is damaged.
        CannotWrite: There is no room.
    """
    packer = _Packer(objects, PackFile(descriptor, FORMATS[object_format]), object_format, on_blob)
    with writing("the records of the bundle"):
        root = packer.folder(_layout(chosen))
        body = encode_commit(
            tree=root, parents=(), identity=identity, time=seconds, message=_MESSAGE
        )
        commit = packer.new("commit", body)
        for path, oid in packer.waiting():
            packer.copy(path, oid)
        packer.pack.complete()
        os.fsync(descriptor)
    return Packed(commit, root, packer.pack.size)


def _layout(chosen: Chosen) -> _Folder:
    root: _Folder = {"FORMAT": TreeEntry(b"FORMAT", BLOB, chosen.format)}
    for top, trees in (("runs", chosen.runs), ("annotations", chosen.annotations)):
        for run_id, tree in trees.items():
            _place(root, (top, *run_path(run_id)), tree)
    if chosen.tombstones:
        root["tombstones"] = TreeEntry(b"tombstones", TREE, chosen.tombstones)
    return root


def _place(folder: _Folder, path: tuple[str, ...], tree: str) -> None:
    for part in path[:-1]:
        below = folder.setdefault(part, {})
        assert isinstance(below, dict)  # noqa: S101 - only the last part of a path is no folder
        folder = below
    folder[path[-1]] = TreeEntry(path[-1].encode(), TREE, tree)


class _Packer:
    """Copies objects into a pack, each once."""

    def __init__(
        self, objects: ObjectStore, pack: PackFile, object_format: str, on_blob: OnBlob
    ) -> None:
        self.pack = pack
        self._objects = objects
        self._format = FORMATS[object_format]
        self._on_blob = on_blob
        self._waiting: list[tuple[str, str]] = []

    def new(self, kind: Kind, body: bytes) -> str:
        oid = self._format.oid(kind, body)
        if oid not in self.pack:
            self.pack.add(oid, kind, body)
        return oid

    def folder(self, folder: _Folder, path: str = "") -> str:
        """Write the trees above what is copied; that waits until it is asked for."""
        entries = []
        for name, each in folder.items():
            below = f"{path}/{name}" if path else name
            if isinstance(each, dict):
                entries.append(TreeEntry(name.encode(), TREE, self.folder(each, below)))
            else:
                entries.append(each)
                self._waiting.append((below, each.oid))
        return self.new("tree", encode_tree(entries))

    def waiting(self) -> Iterator[tuple[str, str]]:
        """Yield what is to be copied, also what `copy` meets, folder by folder."""
        self._waiting.reverse()
        while self._waiting:
            yield self._waiting.pop()

    def copy(self, path: str, oid: str) -> None:
        if oid in self.pack:
            return
        kind, body = self._objects.read(oid)
        self.pack.add(oid, kind, body)
        if kind == "blob":
            self._on_blob(path, body)
            return
        below = [
            (f"{path}/{entry.name.decode('utf-8', 'backslashreplace')}", entry.oid)
            for entry in decode_tree(body, self._format.hex_length // 2)
            if entry.mode != GITLINK
        ]
        self._waiting.extend(reversed(below))
