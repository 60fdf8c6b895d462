"""Tombstones: what stays of a run that was forgotten. They are only ever added: merging is union.

A run that any tombstone names is in no history again, whatever other clones still hold: the runs of
a history are those that were ever added, less those that were ever forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runref.errors import RunrefError
from runref.model.codec import dump_yaml, load_yaml
from runref.model.documents import from_document, to_document
from runref.model.ids import run_path
from runref.model.record import FORMAT
from runref.model.schema import validate
from runref.model.times import parse_time

FOLDER = "tombstones"


class UnreadableTombstone(RunrefError):
    """A file that should be a tombstone is none, or belongs to another run."""

    code = "unreadable-tombstone"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That a run was forgotten.

    Attributes:
        run: Id of the run.
        time: RFC 3339 UTC time of the forgetting.
        author: ``Name <mail>`` of who did it.
        reason: Why, for people.
        record: The record hash that the run had; empty where it is not known.
        format: Number of the format.
    """

    run: str
    time: str
    author: str
    reason: str
    record: str = ""
    format: int = FORMAT


def tombstone_path(run_id: str, name: str) -> tuple[str, ...]:
    """Return where a tombstone goes, from the root of the tree.

    Raises:
        MalformedRunId: `run_id` is no run id.
    """
    return (FOLDER, *run_path(run_id), name)


def tombstone_name(time: str, writer: str) -> str:
    """Return the name of a tombstone's file.

    Args:
        time: That of the tombstone.
        writer: What no other writer has at the same time.
    """
    return f"{time.replace(':', '').replace('.', '')}-{writer}.yaml"


def dump_tombstone(tombstone: Tombstone) -> bytes:
    """Return the file of a tombstone.

    Raises:
        InvalidDocument: a field is empty or malformed.
    """
    document: dict[str, Any] = to_document(tombstone)
    validate("tombstone", document)
    return dump_yaml(document)


def load_tombstone(run_id: str, data: bytes) -> Tombstone:
    """Return the tombstone that a file in the folder of `run_id` holds.

    Raises:
        UnreadableTombstone: it holds none, or that of another run.
    """
    try:
        document = load_yaml(data)
        validate("tombstone", document)
        tombstone = from_document(Tombstone, document)
        parse_time(tombstone.time)
    except (RunrefError, ValueError) as error:
        raise UnreadableTombstone(f"a tombstone of run {run_id} cannot be read: {error}") from error
    if tombstone.run != run_id:
        raise UnreadableTombstone(
            f"a tombstone of run {run_id} claims to be that of {tombstone.run}"
        )
    return tombstone
