"""What differs inside the inputs and outputs of two runs whose contents are in the local store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from runref.errors import RunrefError
from runref.model.content_difference import Inside, compare_contents, compare_entries
from runref.model.difference import CHANGED, compare_mappings
from runref.model.record import DataFile, Record
from runref.model.run_difference import DataChange, Difference
from runref.project.project import Project

if TYPE_CHECKING:
    from runref.artifacts import LocalStore

FILE_LIMIT = 16 << 20
"""Bytes beyond which a content is not looked into."""
TOTAL_LIMIT = 64 << 20
"""Bytes of all contents that are looked into."""
_MANIFEST_LIMIT = 64 << 20


class _NotHere(Exception):
    """A content cannot be looked into; the message says why."""


@dataclass(slots=True)
class _Reader:
    """Reads contents of the local store, up to a limit for all of them."""

    store: LocalStore
    left: int = TOTAL_LIMIT

    def check(self, file: DataFile, side: str, limit: int) -> None:
        """Raise unless the content is here and small enough."""
        if not file.digest:
            raise _NotHere(f"content of the {side} run was not hashed")
        size = self.store.size_of(file.digest)
        if size is None:
            raise _NotHere(f"content of the {side} run is not in the local store")
        if size > limit:
            raise _NotHere(f"over {limit >> 20} MiB: not looked into")
        if size > self.left:
            raise _NotHere(f"not looked into: over {TOTAL_LIMIT >> 20} MiB of others were")

    def read(self, file: DataFile) -> bytes:
        """Return a content that was checked."""
        with self.store.open(file.digest) as stream:
            data = stream.read(FILE_LIMIT + 1)
        self.left -= len(data)
        if f"sha256:{sha256(data).hexdigest()}" != file.digest:
            raise _NotHere(f"{file.digest} is damaged in the local store")
        return data


def with_insides(
    project: Project, difference: Difference, left: Record, right: Record
) -> Difference:
    """Return a difference that also says what differs inside inputs and outputs."""
    if not any(each.kind == CHANGED for each in (*difference.inputs, *difference.outputs)):
        return difference
    reader = _Reader(project.artifacts)
    return replace(
        difference,
        inputs=_looked_into(reader, difference.inputs, left.inputs, right.inputs),
        outputs=_looked_into(reader, difference.outputs, left.outputs, right.outputs),
    )


def _looked_into(
    reader: _Reader,
    changes: tuple[DataChange, ...],
    left: tuple[DataFile, ...],
    right: tuple[DataFile, ...],
) -> tuple[DataChange, ...]:
    before, after = ({each.path: each for each in files} for files in (left, right))
    return tuple(
        replace(each, inside=_inside(reader, before[each.name], after[each.name]))
        if each.kind == CHANGED
        else each
        for each in changes
    )


def _inside(reader: _Reader, left: DataFile, right: DataFile) -> Inside:
    try:
        if left.kind != right.kind:
            raise _NotHere(f"a {left.kind} became a {right.kind}")
        limit = FILE_LIMIT if left.kind == "file" else _MANIFEST_LIMIT
        reader.check(left, "left", limit)
        reader.check(right, "right", limit)
        if left.kind == "file":
            return compare_contents(left.path, reader.read(left), reader.read(right))
        entries = (_entries(reader, file) for file in (left, right))
        return compare_entries(compare_mappings(*entries))
    except _NotHere as problem:
        return Inside(problem=str(problem))
    except RunrefError as error:
        return Inside(problem=error.message)


def _entries(reader: _Reader, file: DataFile) -> Mapping[str, str]:
    manifest = reader.store.read_manifest(file.digest)
    return {
        each.path: each.digest + (" executable" if each.mode == "100755" else "")
        if each.is_file
        else f"link to {each.target}"
        if each.target
        else "empty directory"
        for each in manifest.entries
    }
