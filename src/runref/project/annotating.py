"""Adding to recorded runs: tags, notes, corrections, and whether lists show them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from runref.model.annotations import Annotation
from runref.model.codec import dump_yaml
from runref.model.schema import validate
from runref.model.times import now, parse_time
from runref.project.project import Project
from runref.project.writer_name import writer_name
from runref.store.recorded import annotation_document
from runref.store.runs_ref import Addition, annotation_addition

_LOCK_SECONDS = 30.0
_SHOWN = 60
"""Characters of a note in the subject of its commit."""


def annotate(
    project: Project,
    run_ids: Sequence[str],
    *,
    add_tags: Sequence[str] = (),
    remove_tags: Collection[str] = (),
    note: str = "",
    removed: bool | None = None,
    name: str | None = None,
    status: str = "",
) -> str:
    """Add one annotation to each of several runs, and return the new tip of the ref.

    A run that is named twice is annotated once, and one to which there is nothing to say is not: a
    tag that is not seen cannot be taken away, so that somebody who adds it meanwhile keeps it.

    Args:
        project: Where the runs are.
        run_ids: The runs.
        add_tags: Tags that they have from now on.
        remove_tags: Tags that they have no longer.
        note: Text that stands beside their own notes.
        removed: Whether they leave lists, or come back; none for neither.
        name: Their name from now on; none where it stays.
        status: Their status from now on; empty where it stays.

    Raises:
        InvalidDocument: a tag is empty, or the status is none.
        UnknownRun, UnreadableRun: one of the runs is not there, or damaged.
        LockBusy: another process holds the ref for long.
    """
    author, time = project.repository.identity(), now()
    changes = []
    for run_id in dict.fromkeys(run_ids):
        seen = project.read(run_id).additions
        annotation = Annotation(
            run_id,
            time,
            author,
            add_tags=tuple(add_tags),
            remove_tags=tuple(tag for tag in remove_tags if tag in seen.tags),
            note=note,
            revision=seen.next_revision,
            removed=removed,
            name=name,
            status=status,
        )
        if change := " · ".join(_changes_of(annotation)):
            changes.append((annotation, change))
    return append_annotations(project, changes) if changes else project.runs.tip()


def append_annotations(project: Project, changes: Sequence[tuple[Annotation, str]]) -> str:
    """Add annotations, each with the words for its commit's subject; return the new tip of the ref.

    Raises:
        InvalidDocument: an annotation breaks its schema.
        LockBusy: another process holds the ref for long.
    """
    additions = [_addition(project, annotation, change) for annotation, change in changes]
    with project.runs.lock(_LOCK_SECONDS):
        return project.runs.append(additions, reason=f"runref: annotate {len(additions)} runs")


def _addition(project: Project, annotation: Annotation, change: str) -> Addition:
    run_id, time = annotation.run, annotation.time
    document = annotation_document(annotation)
    validate("annotation", document)
    name = f"{time.replace(':', '').replace('.', '')}-{writer_name()}.yaml"
    blob = project.repository.objects.write_blob(dump_yaml(document))
    message = f"{change} · {run_id}\n\nRun: {run_id}\n"
    return annotation_addition(run_id, name, blob, message, int(parse_time(time).timestamp()))


def _changes_of(annotation: Annotation) -> Iterator[str]:
    """Yield what an annotation changes, for the subject of its commit."""
    tags = [f"+{tag}" for tag in annotation.add_tags]
    tags += [f"-{tag}" for tag in annotation.remove_tags]
    if tags:
        yield "tag " + " ".join(tags)
    if annotation.removed is not None:
        yield "remove" if annotation.removed else "restore"
    if annotation.name is not None:
        yield f"name: {' '.join(annotation.name.split()) or '(none)'}"
    if annotation.status:
        yield f"status: {annotation.status}"
    if annotation.note:
        yield "note: " + " ".join(annotation.note.split())[:_SHOWN]
