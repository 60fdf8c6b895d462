"""The fields that every run has, in one table: names, types, meaning, and how a record is read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from runref.model.record import FAILED, FINISHED, INTERRUPTED, Record
from runref.model.verdict import VERDICTS

RUNNING = "running"
"""Status of a run that has not ended."""

FieldType: TypeAlias = Literal["text", "choice", "number", "seconds", "bytes", "time", "id", "hex"]
"""``choice`` is a text of a closed set; ``id`` a run id; ``hex`` a digest or object id."""


class Subject(Protocol):
    """A run that a condition is held against."""

    @property
    def record(self) -> Record:
        """What is recorded of it; of a live run what is known so far, with status ``running``."""

    @property
    def record_hash(self) -> str:
        """Object id of its folder; empty for a run that is not recorded yet."""

    @property
    def name(self) -> str:
        """Its short name, later corrections included; empty where it has none."""

    @property
    def status(self) -> str:
        """How it ended, later corrections included; ``running`` where it has not."""

    @property
    def tags(self) -> Collection[str]:
        """Its tags, later ones included."""

    def package(self, name: str) -> str | None:
        """Return the version of a package by its normalised name; none where it has none."""

    def environment(self, path: str) -> object:
        """Return a value of its environment by the path of `offered`; none where it has none."""

    def code_file(self, path: str) -> str | None:
        """Return the object id of a file of its snapshot; none where there is no such file."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field.

    Attributes:
        name: Its name in conditions.
        type: What it holds.
        meaning: A line for the documents.
        read: Returns its value of a run; none where it is missing.
        short: A second, shorter name; empty where there is none.
        choices: Every value of a ``choice``.
        digest: Whether ``sha256:`` stands before the digits.
    """

    name: str
    type: FieldType
    meaning: str
    read: Callable[[Subject], object]
    short: str = ""
    choices: tuple[str, ...] = ()
    digest: bool = False


def _code(name: str) -> Callable[[Subject], object]:
    return lambda run: getattr(run.record.code, name, None)


def _present(held: object) -> object:
    return held or None


_STATUSES = (FINISHED, FAILED, INTERRUPTED, RUNNING)

FIELDS: tuple[FieldRow, ...] = (
    FieldRow("id", "id", "Run id; its beginning, or that of its random part, is enough.",
             lambda run: run.record.id),
    FieldRow("record", "hex", "Record hash.", lambda run: _present(run.record_hash)),
    FieldRow("status", "choice", "How the run ended, or that it has not.",
             lambda run: run.status, choices=_STATUSES),
    FieldRow("started", "time", "When it started.", lambda run: _present(run.record.started)),
    FieldRow("finished", "time", "When it ended.",
             lambda run: None if run.record.status == RUNNING else _present(run.record.finished)),
    FieldRow("duration", "seconds", "How long it took.", lambda run: run.record.duration),
    FieldRow("experiment", "text", "What it belongs to.",
             lambda run: _present(run.record.experiment)),
    FieldRow("name", "text", "Its short name.", lambda run: _present(run.name)),
    FieldRow("note", "text", "The note given while it ran.",
             lambda run: _present(run.record.note)),
    FieldRow("command", "text", "What was run, as it would be typed.",
             lambda run: _present(shlex.join(run.record.command.argv))),
    FieldRow("author", "text", "Name <mail>.", lambda run: _present(run.record.author)),
    FieldRow("host", "text", "Name of the machine.", lambda run: _present(run.record.host)),
    FieldRow("parent", "id", "Run within which it was opened.",
             lambda run: _present(run.record.parent)),
    FieldRow("ranks", "number", "Processes that wrote series.", lambda run: run.record.ranks),
    FieldRow("exit_status", "number", "Exit status of the command, where one was waited for.",
             lambda run: run.record.exit_status),
    FieldRow("signal", "text", "Name of the signal that ended it.",
             lambda run: _present(run.record.signal)),
    FieldRow("failure", "text", "Class of the exception that ended it.",
             lambda run: getattr(run.record.failure, "type", None)),
    FieldRow("reproduction.verdict", "choice", "How a reproduction came out.",
             lambda run: getattr(run.record.reproduction, "verdict", None),
             short="verdict", choices=VERDICTS),
    FieldRow("reproduction.run", "id", "The run that it re-executed.",
             lambda run: getattr(run.record.reproduction, "run", None)),
    FieldRow("code.commit", "hex", "The commit that was checked out.",
             lambda run: _present(_code("commit")(run)), short="commit"),
    FieldRow("code.branch", "text", "The branch that was checked out.",
             lambda run: _present(_code("branch")(run)), short="branch"),
    FieldRow("code.tree", "hex", "Object id of the snapshot.", _code("tree")),
    FieldRow("code.manifest", "hex", "Digest of the snapshot's manifest.",
             _code("manifest"), digest=True),
    FieldRow("code.files", "number", "Files of the snapshot.", _code("files")),
    FieldRow("code.edited", "number", "Tracked files that differed from the commit.",
             _code("edited")),
    FieldRow("code.untracked", "number", "Files of the snapshot that git does not track.",
             _code("untracked")),
    FieldRow("code.deleted", "number", "Tracked files that were gone.", _code("deleted")),
    FieldRow("environment", "hex", "Digest of the environment.",
             lambda run: _present(run.record.environment), digest=True),
    FieldRow("resources.cpu_seconds", "seconds", "CPU time of its processes.",
             lambda run: getattr(run.record.resources, "cpu_seconds", None) or None,
             short="cpu_seconds"),
    FieldRow("resources.peak_memory", "bytes", "Most memory that it held.",
             lambda run: getattr(run.record.resources, "peak_memory", None) or None,
             short="peak_memory"),
)  # fmt: skip

COLLECTIONS = {
    "tags": "Its labels, later ones included.",
    "inputs": "What it read, by path or by digest.",
    "outputs": "What it wrote, by path or by digest.",
    "code": "The paths of its snapshot.",
}
"""What a run has several of, with a line for the documents."""

BY_NAME = {name: row for row in FIELDS for name in (row.name, row.short) if name}
"""The rows by either name."""
