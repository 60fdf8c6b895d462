"""The manifest of a snapshot, computed from its git tree: see `runref.model.snapshot_manifest`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runref.git.format import GITLINK
from runref.model.snapshot_manifest import join_lines, manifest_line

if TYPE_CHECKING:
    from runref.git.objects import ObjectStore, TreeEntry


def manifest_of(objects: ObjectStore, tree: str) -> bytes:
    """The manifest of a snapshot, from the git tree alone.

    Raises:
        ObjectMissing: A part of the snapshot is not in the repository.
        ObjectDamaged: A part of it cannot be read.
    """
    lines = {}
    for path, entry in _files(objects, tree):
        if entry.mode == GITLINK:
            lines[path] = manifest_line(path, entry.mode, entry.oid, 0)
        else:
            data = objects.read_blob(entry.oid)
            digest = hashlib.sha256(data).hexdigest()
            lines[path] = manifest_line(path, entry.mode, digest, len(data))
    return join_lines(lines.items())


def _files(objects: ObjectStore, tree: str) -> Iterator[tuple[bytes, TreeEntry]]:
    waiting = [(b"", tree)]
    while waiting:
        folder, oid = waiting.pop()
        for entry in objects.read_tree(oid):
            path = folder + entry.name
            if entry.is_tree:
                waiting.append((path + b"/", entry.oid))
            else:
                yield path, entry
