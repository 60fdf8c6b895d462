"""Runs as they are read back from the ref: record, annotations, environment and series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runref.errors import RunrefError
from runref.git.objects import ObjectStore
from runref.model.annotations import (
    Additions,
    Annotation,
    Note,
    apply_annotations,
    read_annotation,
)
from runref.model.codec import load_yaml
from runref.model.documents import from_document, to_document
from runref.model.record import FORMAT, Record
from runref.model.series import DamagedSeries, Row, parse_segment_name, rows_of
from runref.model.times import parse_time


class UnreadableRun(RunrefError):
    """A run of the ref is damaged."""

    code = "unreadable-run"


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as it stands in the ref.

    Attributes:
        tree: The record hash.
        record: What was recorded when it ended.
        additions: Tags and notes, those added later included, and what was corrected.
        live: Whether it still goes on; then there is no record hash yet.
    """

    tree: str
    record: Record
    additions: Additions = field(default_factory=Additions)
    live: bool = False

    @property
    def id(self) -> str:
        """The run id."""
        return self.record.id

    @property
    def name(self) -> str:
        """Its short name, as it was corrected last."""
        return self.record.name if self.additions.name is None else self.additions.name

    @property
    def status(self) -> str:
        """How it ended, as it was corrected last."""
        return self.additions.status or self.record.status

    @property
    def removed(self) -> Note | None:
        """Why, when and by whom it was removed from lists; none where it is listed."""
        return self.additions.removed


def read_record(objects: ObjectStore, run_id: str, tree: str) -> Record:
    """Return the record of a run.

    Raises:
        UnreadableRun: it is missing or damaged, or claims to be another run.
    """
    return read_record_and_document(objects, run_id, tree)[0]


def read_record_and_document(
    objects: ObjectStore, run_id: str, tree: str
) -> tuple[Record, dict[str, Any]]:
    """Return the record of a run, and the document that it is made of.

    Raises:
        UnreadableRun: it is missing or damaged, or claims to be another run.
    """
    try:
        files = {entry.name: entry.oid for entry in objects.read_tree(tree)}
        document = load_yaml(objects.read_blob(files[b"run.yaml"]))
        if document.get("format") != FORMAT:
            raise UnreadableRun(f"its format {document.get('format')!r} is unknown")
        record = from_document(Record, document)
        if record.id != run_id:
            raise UnreadableRun(f"its record claims to be run {record.id!r:.60}")
        for moment in (record.started, record.finished):
            parse_time(moment)
    except KeyError as error:
        raise UnreadableRun(f"run {run_id}: it has no run.yaml") from error
    except ValueError as error:
        raise UnreadableRun(f"run {run_id}: {error}") from error
    except RunrefError as error:
        raise UnreadableRun(f"run {run_id}: {error.message}") from error
    return record, document


def read_additions(
    tags: tuple[str, ...], files: Mapping[str, bytes]
) -> tuple[Additions, list[str]]:
    """Return what the annotation files of a run come to, and the names of those unreadable."""
    annotations, unreadable = {}, []
    for name, data in files.items():
        try:
            annotations[name] = read_annotation(load_yaml(data))
        except RunrefError:
            unreadable.append(name)
    additions = apply_annotations(tags, annotations)
    return replace(additions, unreadable=tuple(sorted(unreadable))), unreadable


def read_environment(objects: ObjectStore, tree: str) -> dict[str, Any]:
    """Return the environment document of a run; empty where none was recorded."""
    data = read_file(objects, tree, "environment.yaml")
    return load_yaml(data) if data else {}


def read_file(objects: ObjectStore, tree: str, name: str) -> bytes:
    """Return a file beside ``run.yaml``; empty where there is none."""
    for entry in objects.read_tree(tree):
        if entry.name == name.encode():
            return objects.read_blob(entry.oid)
    return b""


def read_series_files(objects: ObjectStore, tree: str, rank: int | None = 0) -> list[bytes]:
    """Return the series files of one rank, in order; none where it logged nothing.

    Args:
        objects: Where the run is.
        tree: Its record hash.
        rank: The rank; none for the first that logged.
    """
    places = sorted(
        (*place, entry.oid)
        for entry in objects.read_tree(tree)
        if (place := parse_segment_name(entry.name.decode("utf-8", "replace")))
    )
    wanted = places[0][0] if rank is None and places else rank
    return [objects.read_blob(oid) for held, _, oid in places if held == wanted]


def read_rows(objects: ObjectStore, tree: str) -> dict[int, list[Row]]:
    """Return the log calls of a run by rank, in order.

    Raises:
        DamagedSeries: a committed series file holds something else; the message names it.
    """
    segments = [
        (place, entry)
        for entry in objects.read_tree(tree)
        if (place := parse_segment_name(entry.name.decode("utf-8", "replace")))
    ]
    rows: dict[int, list[Row]] = {}
    for (rank, _), entry in sorted(segments):
        try:
            rows.setdefault(rank, []).extend(rows_of(objects.read_blob(entry.oid)))
        except DamagedSeries as error:
            raise DamagedSeries(f"{entry.name.decode()}: {error.message}") from error
    return rows


def annotation_document(annotation: Annotation) -> dict[str, Any]:
    """Return an annotation as plain data."""
    document: dict[str, Any] = to_document(annotation)
    return document
