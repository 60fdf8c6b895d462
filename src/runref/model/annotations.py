"""Annotations: what people add to a run later. They are only ever added, so that merging is union.

Each says with its revision what its writer had seen: one more than the highest among the run's
annotations then. They are applied in the order of revision, then of time, then of name, so that
whoever saw another's annotation comes after it, whatever the clocks say, and the answer is the same
wherever they are read. What was written at the same revision was written without knowing of each
other: there, tags are taken away before tags are added, so that nobody's tag is lost to somebody
who never saw it added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from runref.model.documents import MalformedDocument, from_document
from runref.model.record import FAILED, FINISHED, FORMAT, INTERRUPTED

ENDINGS = (FINISHED, FAILED, INTERRUPTED)
"""What a run's status can be corrected to."""
LAST_REVISION = 2**53 - 1
"""The highest revision: any program can hold it exactly. Who saw it writes it again."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a run.

    Attributes:
        format: ``ssh`` or ``gpg``.
        statement: What was signed, as `runref.model.statement` writes it.
        text: The signature, in armour.
    """

    format: str
    statement: str
    text: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """One later addition to a run.

    Attributes:
        run: Id of the run.
        time: RFC 3339 UTC time of the addition.
        author: ``Name <mail>``.
        add_tags: Tags that the run has from now on.
        remove_tags: Tags that it has no longer.
        note: Text that stands beside the run's own note.
        revision: One more than the highest that its writer saw among the run's annotations; 0 where
            it was written before there were revisions.
        removed: Whether the run leaves lists, or comes back; none where neither.
        name: Its name from now on; none where that stays.
        status: Its status from now on, one of `ENDINGS`; empty where that stays.
        signature: By which somebody vouches for the run.
        format: Number of the format.
    """

    run: str
    time: str
    author: str
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    note: str = ""
    revision: int = 0
    removed: bool | None = None
    name: str | None = None
    status: str = ""
    signature: Signature | None = None
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Note:
    """A note with who wrote it (``Name <mail>``) and when (RFC 3339 UTC)."""

    text: str
    time: str
    author: str


@dataclass(frozen=True, slots=True)
class Additions:
    """What the annotations of one run come to.

    Attributes:
        tags: The run's own tags and those added later, without those removed later.
        notes: Notes added later, in the order in which annotations are applied.
        unreadable: Names of the annotation files that could not be read.
        removed: Why, when and by whom the run was removed from lists; none where it is listed.
        name: What its name was corrected to; none where it was not.
        status: What its status was corrected to; empty where it was not.
        revision: The highest revision among its annotations.
    """

    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    unreadable: tuple[str, ...] = ()
    removed: Note | None = None
    name: str | None = None
    status: str = ""
    revision: int = 0

    @property
    def next_revision(self) -> int:
        """The revision of an annotation that is written by somebody who sees these."""
        return min(self.revision + 1, LAST_REVISION)


def read_annotation(document: object) -> Annotation:
    """Return the annotation that a document describes.

    Raises:
        MalformedDocument: a field is missing, unknown, of the wrong kind, or means nothing.
    """
    annotation = from_document(Annotation, document)
    if not 0 <= annotation.revision <= LAST_REVISION:
        raise MalformedDocument(f"a revision is a number from 0 to {LAST_REVISION}")
    if annotation.status and annotation.status not in ENDINGS:
        raise MalformedDocument(f"no run ends as {annotation.status!r:.60}")
    return annotation


def apply_annotations(tags: Iterable[str], annotations: Mapping[str, Annotation]) -> Additions:
    """Return what a run's annotations, given by file name, come to.

    Args:
        tags: The run's own tags.
        annotations: The annotations.
    """
    ordered = [each for _, each in sorted(annotations.items(), key=_place)]
    removals = [each for each in ordered if each.removed is not None]
    names = [each.name for each in ordered if each.name is not None]
    statuses = [each.status for each in ordered if each.status]
    gone = removals[-1] if removals and removals[-1].removed else None
    return Additions(
        tags=_tags(tags, ordered),
        notes=tuple(_note(each) for each in ordered if each.note),
        removed=_note(gone) if gone else None,
        name=names[-1] if names else None,
        status=statuses[-1] if statuses else "",
        revision=ordered[-1].revision if ordered else 0,
    )


def _place(item: tuple[str, Annotation]) -> tuple[int, str, str]:
    name, annotation = item
    return annotation.revision, annotation.time, name


def _note(annotation: Annotation) -> Note:
    return Note(annotation.note, annotation.time, annotation.author)


def _tags(own: Iterable[str], ordered: Sequence[Annotation]) -> tuple[str, ...]:
    held = dict.fromkeys(own)
    for removed, added in _changes_of_tags(ordered):
        for tag in removed:
            held.pop(tag, None)
        held.update(dict.fromkeys(added))
    return tuple(held)


def _changes_of_tags(
    ordered: Sequence[Annotation],
) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield tags to take away and then tags to add, of what was written without knowing more."""
    for revision, several in groupby(ordered, key=lambda each: each.revision):
        if revision:
            together = list(several)
            yield (
                [tag for each in together for tag in each.remove_tags],
                [tag for each in together for tag in each.add_tags],
            )
            continue
        for each in several:  # these say nothing of what their writers had seen
            yield (), each.add_tags
            yield each.remove_tags, ()
