"""Annotations: what people add to a run later. They are only ever added, so that merging is union.

A tag that one person adds and another removes at the same time ends as the later of the two says,
by the time in the annotation, then by its name: the same answer wherever they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runref.model.record import FORMAT


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
        format: Number of the format.
    """

    run: str
    time: str
    author: str
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    note: str = ""
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
        notes: Notes added later, in the order of their time.
        unreadable: Names of the annotation files that could not be read.
    """

    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    unreadable: tuple[str, ...] = ()


def apply_annotations(tags: Iterable[str], annotations: Mapping[str, Annotation]) -> Additions:
    """Return the tags and notes of a run, given its own `tags` and its annotations by file name."""
    held = dict.fromkeys(tags)
    notes = []
    for _, each in sorted(annotations.items(), key=lambda item: (item[1].time, item[0])):
        held.update(dict.fromkeys(each.add_tags))
        for tag in each.remove_tags:
            held.pop(tag, None)
        if each.note:
            notes.append(Note(each.note, each.time, each.author))
    return Additions(tuple(held), tuple(notes))
