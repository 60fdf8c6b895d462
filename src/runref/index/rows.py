"""Between the runs of the ref and the rows of the index."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from runref.errors import RunrefError
from runref.git.objects import ObjectStore
from runref.index.tables import FIELD_COLUMNS, METRIC_PARTS, number, stored_field, typed
from runref.model.annotations import Additions
from runref.model.codec import dump_json_line, escape_text, load_json
from runref.model.documents import from_document, to_document
from runref.model.record import Record
from runref.query.offered import NUMBER, parameters_of, summary_of
from runref.store.recorded import RecordedRun, read_additions, read_record_and_document

_LEVEL = 1


class Rows(NamedTuple):
    """What the index remembers of one run, in values that can be handed to another process.

    Attributes:
        run: Id, tree, problem and whether it was removed from lists.
        fields: A value for each of `FIELD_COLUMNS`; nothing where the run cannot be read.
        documents: Record and additions, compressed.
        params: Name, type and value of every parameter.
        summary: The same of every summary value.
        metrics: Name and `METRIC_PARTS` of every metric.
        tags: The tags, later ones included.
        files: Role, path, digest, kind, size in bytes and whether it is stored, of every input and
            output.
        wide_numbers: Whether one of the numbers has no room in SQLite.
    """

    run: tuple[str, str, str, bool]
    fields: tuple[Any, ...] = ()
    documents: tuple[bytes, ...] = ()
    params: tuple[tuple[str, str, Any], ...] = ()
    summary: tuple[tuple[str, str, Any], ...] = ()
    metrics: tuple[tuple[Any, ...], ...] = ()
    tags: tuple[str, ...] = ()
    files: tuple[tuple[str, str, str, str, Any, bool], ...] = ()
    wide_numbers: bool = False


def rows_of(
    objects: ObjectStore, run_id: str, tree: str, annotation_files: Mapping[str, bytes]
) -> Rows:
    """Return the rows of a run; one that cannot be read has none but its problem."""
    try:
        record, document = read_record_and_document(objects, run_id, tree)
    except RunrefError as error:
        return Rows((run_id, tree, error.message, False))
    additions, _ = read_additions(record.tags, annotation_files)
    run = RecordedRun(tree, record, additions)
    subject = _Fields(record, tree, run.name, run.status, additions.tags)
    documents = (document, to_document(additions))
    params, summary = _flat(parameters_of(record)), _flat(summary_of(record))
    metrics = tuple(
        (escape_text(name), *(number(getattr(each, part)) for part in METRIC_PARTS))
        for name, each in record.metrics.items()
    )
    return Rows(
        run=(run_id, tree, "", run.removed is not None),
        fields=tuple(stored_field(field.read(subject)) for field in FIELD_COLUMNS),
        documents=tuple(zlib.compress(dump_json_line(each), _LEVEL) for each in documents),
        params=params,
        summary=summary,
        metrics=metrics,
        tags=tuple(map(escape_text, additions.tags)),
        files=tuple(
            (role, escape_text(file.path), file.digest, file.kind, number(file.size), file.stored)
            for role, files in (("input", record.inputs), ("output", record.outputs))
            for file in files
        ),
        wide_numbers=any(isinstance(value, str) for each in metrics for value in each[1:])
        or any(kind == NUMBER and isinstance(value, str) for _, kind, value in (*params, *summary)),
    )


def recorded(tree: str, record: bytes, additions: bytes) -> RecordedRun:
    """Return the run that a row holds."""
    return RecordedRun(
        tree,
        from_document(Record, load_json(zlib.decompress(record))),
        from_document(Additions, load_json(zlib.decompress(additions))),
    )


def _flat(values: Mapping[str, Any]) -> tuple[tuple[str, str, Any], ...]:
    return tuple((escape_text(name), *typed(value)) for name, value in values.items())


@dataclass(frozen=True, slots=True)
class _Fields:
    """A record as the table of fields asks for it, which needs no more than this."""

    record: Record
    record_hash: str
    name: str
    status: str
    tags: tuple[str, ...]

    def package(self, name: str) -> None:
        raise NotImplementedError(name)

    def environment(self, path: str) -> None:
        raise NotImplementedError(path)

    def code_file(self, path: str) -> None:
        raise NotImplementedError(path)
