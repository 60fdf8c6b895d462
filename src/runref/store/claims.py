"""What a record claims, held against what is stored: identity, schema, files, code, environment.

``run.yaml`` carries the SHA-256 of every file beside it and of the snapshot's manifest. So whoever
trusts those bytes, as the one who signed them does, can trust the whole run once these claims hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from runref.errors import RunrefError
from runref.git.format import FILE, TREE
from runref.git.objects import ObjectDamaged, ObjectMissing, ObjectStore, TreeEntry
from runref.git.tree_rules import broken_rule
from runref.model.codec import load_yaml
from runref.model.damage import ANOTHER_CLONE, NOT_RUNREF, Damage
from runref.model.documents import from_document
from runref.model.record import FORMAT, Code, Record
from runref.model.schema import validate
from runref.model.series import parse_segment_name
from runref.model.times import parse_time
from runref.store.snapshots import Snapshots

_RECORD, _CODE, _ENVIRONMENT = "run.yaml", "code", "environment.yaml"

OnFile = Callable[[str, bytes], None]
"""Given the name and content of a file beside ``run.yaml``; series come in their order."""


class Addressed(Protocol):
    """A run by its id and its record hash."""

    @property
    def id(self) -> str:
        """The run id, as its path in the ref has it."""

    @property
    def tree(self) -> str:
        """The record hash."""


@dataclass(slots=True)
class Examined:
    """What was found out about one run.

    Attributes:
        record: Its record; none where it cannot be read.
        damage: What does not hold.
        objects: How many git objects were read, those of earlier snapshots not counted again.
    """

    record: Record | None = None
    damage: list[Damage] = field(default_factory=list)
    objects: int = 0


def check_claims(objects: ObjectStore, run: Addressed) -> list[Damage]:
    """Return which claims of a run's record do not hold; none where all do.

    Args:
        objects: Where the run is.
        run: Its id and its record hash.
    """
    return examine(objects, run, Snapshots(objects)).damage


def examine(
    objects: ObjectStore,
    run: Addressed,
    snapshots: Snapshots,
    on_file: OnFile = lambda _name, _content: None,
) -> Examined:
    """Check a run's claims as `check_claims` does, beside others of the same repository.

    Args:
        objects: Where the run is.
        run: Its id and its record hash.
        snapshots: What is known of the snapshots of other runs.
        on_file: Given each file beside ``run.yaml`` that is as recorded.
    """
    return _Examination(objects, run, snapshots).carry_out(on_file)


class _Examination:
    """One run being examined."""

    def __init__(self, objects: ObjectStore, run: Addressed, snapshots: Snapshots) -> None:
        self._objects = objects
        self._run = run
        self._snapshots = snapshots
        self._found = Examined()

    def carry_out(self, on_file: OnFile) -> Examined:
        before = self._snapshots.objects_read
        entries = self._entries()
        if entries is not None:
            self._found.record = record = self._record(entries)
            if record is not None:
                self._check_files(entries, record, on_file)
                self._check_code(entries, record.code)
                self._check_environment(record)
        self._found.objects += self._snapshots.objects_read - before
        return self._found

    def _entries(self) -> dict[str, TreeEntry] | None:
        try:
            entries = self._objects.read_tree(self._run.tree)
        except RunrefError as error:
            self._unreadable("", self._run.tree, error)
            return None
        self._found.objects += 1
        if problem := broken_rule(entries):
            self._note("tree-invalid", "", self._run.tree, f"its tree: {problem}", NOT_RUNREF)
        return {entry.name.decode("utf-8", "backslashreplace"): entry for entry in entries}

    def _record(self, entries: Mapping[str, TreeEntry]) -> Record | None:
        if _RECORD not in entries:
            self._note("record-missing", _RECORD, self._run.tree, "there is none", NOT_RUNREF)
            return None
        oid = entries[_RECORD].oid
        data = self._content(_RECORD, oid)
        if data is None:
            return None
        try:
            document = load_yaml(data)
            if document.get("format") != FORMAT:
                message = f"its format is {document.get('format')!r:.60}, not {FORMAT}"
                hint = "a newer runref may read it: `pip install -U runref`"
                self._note("record-format", _RECORD, oid, message, hint)
                return None
            validate("run", document)
            record = from_document(Record, document)
            parse_time(record.started)
            parse_time(record.finished)
        except RunrefError as error:
            self._note("record-invalid", _RECORD, oid, error.message, NOT_RUNREF)
            return None
        except ValueError as error:
            self._note("record-invalid", _RECORD, oid, str(error), NOT_RUNREF)
            return None
        if record.id != self._run.id:
            message = f"it claims to be run {record.id}"
            self._note("record-id", _RECORD, oid, message, NOT_RUNREF)
        return record

    def _check_files(
        self, entries: Mapping[str, TreeEntry], record: Record, on_file: OnFile
    ) -> None:
        for name in _in_order(entries):
            if name in (_RECORD, _CODE):
                continue
            entry, claimed = entries[name], record.files.get(name)
            if claimed is None or entry.mode != FILE:
                what = "the record does not name it" if claimed is None else "it is no plain file"
                self._note("file-unrecorded", name, entry.oid, what, NOT_RUNREF)
                continue
            content = self._content(name, entry.oid)
            if content is None:
                continue
            if hashlib.sha256(content).hexdigest() != claimed.sha256 or (
                len(content) != claimed.size
            ):
                message = f"it is not what the record has the SHA-256 {claimed.sha256[:12]}… of"
                self._note("file-digest", name, entry.oid, message, NOT_RUNREF)
            else:
                on_file(name, content)
        for name in record.files.keys() - entries.keys():
            message = "the record names it, and it is not there"
            self._note("file-missing", name, "", message, NOT_RUNREF)

    def _check_code(self, entries: Mapping[str, TreeEntry], code: Code | None) -> None:
        entry = entries.get(_CODE)
        if code is None or entry is None:
            if entry is not None:
                message = "the record names no snapshot"
                self._note("file-unrecorded", _CODE, entry.oid, message, NOT_RUNREF)
            if code is not None:
                message = "the record names a snapshot, and it is not there"
                self._note("file-missing", _CODE, code.tree, message, NOT_RUNREF)
            return
        if entry.mode != TREE or entry.oid != code.tree:
            message = f"the record names the tree {code.tree}"
            self._note("snapshot-tree", _CODE, entry.oid, message, NOT_RUNREF)
            return
        read = self._snapshots.read(code.tree, code.files)
        for each in read.unreadable:
            path = "/".join(filter(None, (_CODE, each.path.decode("utf-8", "backslashreplace"))))
            self._unreadable(path, each.oid, each.error)
        if read.unreadable:
            return  # what could not be read is named; the manifest of the rest says nothing
        if read.files != code.files:
            count = "more" if read.files > code.files else str(read.files)
            message = f"it holds {count} files, where the record says {code.files}"
            self._note("snapshot-files", _CODE, code.tree, message, NOT_RUNREF)
        elif read.manifest != code.manifest:
            message = f"its manifest is not the one that the record names, {code.manifest[:19]}…"
            self._note("snapshot-manifest", _CODE, code.tree, message, NOT_RUNREF)

    def _check_environment(self, record: Record) -> None:
        named = record.files.get(_ENVIRONMENT)
        claimed = f"sha256:{named.sha256}" if named else ""
        if record.environment != claimed:
            message = (
                f"the record names two: {record.environment or 'none'} and {claimed or 'none'}"
            )
            self._note("environment-digest", _ENVIRONMENT, record.environment, message, NOT_RUNREF)

    def _content(self, place: str, oid: str) -> bytes | None:
        try:
            content = self._objects.read_blob(oid)
        except RunrefError as error:
            self._unreadable(place, oid, error)
            return None
        self._found.objects += 1
        return content

    def _unreadable(self, place: str, oid: str, error: RunrefError) -> None:
        self._found.damage.append(unreadable(self._run.id, place, oid, error))

    def _note(self, kind: str, place: str, oid: str, message: str, hint: str) -> None:
        self._found.damage.append(Damage(kind, self._run.id, place, oid, message, hint))


def unreadable(run: str, place: str, oid: str, error: RunrefError) -> Damage:
    """Return the damage that an object is which cannot be read.

    Args:
        run: Id of the run that it belongs to; empty where it is the history's own.
        place: Where it belongs.
        oid: The object.
        error: What the object database said.
    """
    if isinstance(error, ObjectMissing):
        return Damage("object-missing", run, place, oid, error.message, ANOTHER_CLONE)
    if isinstance(error, ObjectDamaged):
        hint = ANOTHER_CLONE if error.hint else NOT_RUNREF
        return Damage("object-damaged", run, place, oid, error.message, hint)
    return Damage("object-unreadable", run, place, oid, error.message, error.hint)


def _in_order(names: Mapping[str, TreeEntry]) -> Iterator[str]:
    """Yield the names of a run's files, series as they follow each other."""
    return iter(sorted(names, key=lambda name: (parse_segment_name(name) or (-1, 0), name)))
