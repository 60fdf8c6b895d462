"""Between the runs of the ref and the rows of the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runref.errors import RunrefError
from runref.git.objects import ObjectStore
from runref.model.annotations import Additions
from runref.model.codec import dump_json_line, load_json
from runref.model.documents import from_document, to_document
from runref.model.record import Record
from runref.store.recorded import RecordedRun, read_additions, read_record


@dataclass(frozen=True, slots=True)
class Rows:
    """What the index remembers of one run.

    Attributes:
        run: Id, tree, start, record, additions and problem.
        held: Run, digest, kind and size in bytes of every artifact whose content it stored.
    """

    run: tuple[object, ...]
    held: tuple[tuple[str, str, str, int], ...]


def rows_of(
    objects: ObjectStore, run_id: str, tree: str, annotation_files: Mapping[str, bytes]
) -> Rows:
    """Return the rows of a run; one that cannot be read holds nothing and says why."""
    try:
        record = read_record(objects, run_id, tree)
    except RunrefError as error:
        day = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
        return Rows((run_id, tree, day, None, None, error.message), ())
    additions, _ = read_additions(record.tags, annotation_files)
    document = dump_json_line(to_document(record))
    return Rows(
        (run_id, tree, record.started, document, dump_json_line(to_document(additions)), ""),
        tuple(
            (run_id, file.digest, file.kind, file.size)
            for file in (*record.inputs, *record.outputs)
            if file.digest and file.stored
        ),
    )


def recorded(tree: str, record: bytes, additions: bytes) -> RecordedRun:
    """Return the run that a row holds."""
    return RecordedRun(
        tree,
        from_document(Record, load_json(record)),
        from_document(Additions, load_json(additions)),
    )
