"""Adding tags and notes to runs that are recorded already."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence

from runref.model.annotations import Annotation
from runref.model.codec import dump_yaml
from runref.model.schema import validate
from runref.model.times import now, parse_time
from runref.project.project import Project
from runref.store.recorded import annotation_document
from runref.store.runs_ref import annotation_addition

_LOCK_SECONDS = 30.0


def annotate(
    project: Project,
    run_ids: Sequence[str],
    *,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    note: str = "",
) -> str:
    """Add one annotation to each of several runs, and return the new tip of the ref.

    A run that is named twice is annotated once.

    Raises:
        InvalidDocument: a tag is empty.
        LockBusy: another process holds the ref for long.
    """
    author, time = project.repository.identity(), now()
    additions = []
    for run_id in dict.fromkeys(run_ids):
        annotation = Annotation(run_id, time, author, tuple(add_tags), tuple(remove_tags), note)
        document = annotation_document(annotation)
        validate("annotation", document)
        name = f"{time.replace(':', '').replace('.', '')}-{_writer_name()}.yaml"
        blob = project.repository.objects.write_blob(dump_yaml(document))
        message = f"{_change_of(annotation)} · {run_id}\n\nRun: {run_id}\n"
        when = int(parse_time(time).timestamp())
        additions.append(annotation_addition(run_id, name, blob, message, when))
    with project.runs.lock(_LOCK_SECONDS):
        return project.runs.append(additions, reason=f"runref: annotate {len(additions)} runs")


def _writer_name() -> str:
    host = "".join(char for char in socket.gethostname() if char.isalnum() or char == "-")
    return f"{host[:32]}-{secrets.token_hex(4)}"


def _change_of(annotation: Annotation) -> str:
    changes = [f"+{tag}" for tag in annotation.add_tags]
    changes += [f"-{tag}" for tag in annotation.remove_tags]
    if changes:
        return "tag " + " ".join(changes)
    return "note: " + " ".join(annotation.note.split())[:60]
