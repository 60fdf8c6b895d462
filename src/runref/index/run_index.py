"""The index: what the runs ref says, ready to be listed. It may be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zlib import error as DamagedBlob  # noqa: N812

from runref.git.files import CannotWrite
from runref.git.locks import LockBusy, LocksUnsupported, exclusive
from runref.git.objects import ObjectMissing
from runref.index.database import built_aside, connect, open_database, transaction
from runref.index.rows import recorded
from runref.index.tables import LISTED, VERSION
from runref.model.codec import UnreadableDocument
from runref.model.documents import MalformedDocument
from runref.store.recorded import RecordedRun
from runref.store.runs_ref import Changes, RunsRef

if TYPE_CHECKING:
    from runref.artifacts.artifact import Kind

T = TypeVar("T")

OnProgress = Callable[[int, int], None]
"""Told how many runs are done, of how many."""

_MANY = 2_000
"""Changed runs from which a new index is built aside, so that nobody waits for a large write."""
_BUILD_SECONDS = 600.0
"""How long to wait for another process that builds the same index."""
DAMAGED = (sqlite3.DatabaseError, UnreadableDocument, MalformedDocument, DamagedBlob)
"""What reading an index raises that is damaged."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A run of the ref that could not be read, and why."""

    id: str
    problem: str


@dataclass(frozen=True, slots=True)
class Held:
    """An artifact that a record holds.

    Attributes:
        digest: ``sha256:<hex>``.
        kind: ``file`` or ``directory``; the digest of a directory is that of its manifest.
        size: Bytes, of all files together.
    """

    digest: str
    kind: Kind
    size: int


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What there is to know about an index.

    Attributes:
        path: Its file; none where it is in memory.
        size: Bytes of the file.
        version: Version of its tables.
        runs: How many runs it knows.
        unreadable: How many of them could not be read.
    """

    path: Path | None
    size: int
    version: int
    runs: int
    unreadable: int


class RunIndex:
    """The index over one repository's runs.

    Args:
        runs: The ref that it is derived from.
        folder: Where its file goes; one for each repository.
        on_progress: Told (done, total) runs while it is brought up to date.

    Attributes:
        path: Its file.
    """

    def __init__(self, runs: RunsRef, folder: Path, on_progress: OnProgress | None = None) -> None:
        self.runs = runs
        self._on_progress = on_progress
        name = hashlib.sha256(bytes(runs.lock_path.resolve())).hexdigest()[:24]
        self.path = folder / f"{name}.sqlite3"
        self._database = open_database(self.path)
        self._root: str | None = None

    def newest(self, limit: int | None = None, offset: int = 0) -> list[RecordedRun]:
        """Return the runs of lists, the newest first: without removed ones."""
        return self._newest(LISTED, -1 if limit is None else limit, offset)

    def removed(self) -> list[RecordedRun]:
        """Return the runs that were removed from lists, the newest first."""
        return self._newest("removed", -1, 0)

    def oldest(self) -> str:
        """Return the id of the run that started first, removed ones included; empty without one."""
        query = "select id from runs where problem = '' order by started, id limit 1"
        return next(iter(self.ask(query, (), str)), "")

    def ids(self) -> list[str]:
        """Return the ids of all runs, unreadable and removed ones included."""
        return self.ask("select id from runs", (), str)

    def by_record_hash(self, prefix: str) -> list[str]:
        """Return the ids of the runs whose record hash begins with `prefix`."""
        query = "select id from runs where tree >= ? and tree < ?"
        return self.ask(query, (prefix, f"{prefix}g"), str)  # g follows the hex digits

    def held(self, run_ids: Sequence[str] | None = None) -> list[Held]:
        """Return the artifacts whose content runs stored, each once, in the order of digests.

        Args:
            run_ids: The runs to look at; all of them where it is none.
        """
        query = (
            "select distinct digest, kind, size from files where stored and digest != ''"
            " and (? is null or run in (select n from runs, json_each(?) where runs.id = value))"
            " order by digest, kind"
        )
        chosen = None if run_ids is None else json.dumps(list(run_ids))
        return self.ask(query, (chosen, chosen), Held)

    def mentions(self) -> list[tuple[str, str | None, str | None]]:
        """Return the runs that name others: id, the run around it, and the one it re-executed."""
        query = (
            "select id, parent, reproduction_run from runs"
            " where parent is not null or reproduction_run is not null"
        )
        return self.ask(query, (), lambda *row: row)

    def unreadable(self) -> list[Unreadable]:
        """Return the runs that could not be read."""
        query = "select id, problem from runs where problem <> '' order by id"
        return self.ask(query, (), Unreadable)

    def count(self) -> int:
        """Return how many runs there are, unreadable and removed ones included."""
        (count,) = self.ask("select count(*) from runs", (), int)
        return count

    def count_removed(self) -> int:
        """Return how many runs were removed from lists."""
        (count,) = self.ask("select count(*) from runs where removed", (), int)
        return count

    def status(self) -> IndexStatus:
        """Return where the index is and what is in it."""
        runs, unreadable = self.count(), len(self.unreadable())
        path = self.file
        size = path.stat().st_size if path else 0
        return IndexStatus(path, size, VERSION, runs, unreadable)

    def rebuild(self) -> None:
        """Throw everything away and read the ref again."""
        self._build(self.runs.root(), anew=True)

    def close(self) -> None:
        """Close the index's file."""
        self._database.close()

    def ask(self, query: str, values: Sequence[object], read: Callable[..., T]) -> list[T]:
        """Return what `read` makes of each row, after the index has caught up with the ref.

        An index that cannot be used (damaged, read-only, no room, held by another process for long)
        is replaced: by a new file, or for as long as this object lives by one in memory.

        Args:
            query: A select statement.
            values: Its parameters.
            read: Given the columns of a row.
        """
        try:
            self._catch_up()
            return [read(*row) for row in self._database.execute(query, values)]
        except DAMAGED as error:
            self._replace(error)
            return [read(*row) for row in self._database.execute(query, values)]

    def connection(self) -> sqlite3.Connection:
        """Return the database, caught up with the ref, for statements of the index's own."""
        try:
            self._catch_up()
        except DAMAGED as error:
            self._replace(error)
        return self._database

    def renewed(self, error: Exception) -> sqlite3.Connection:
        """Return a database in place of one that was found to be damaged; the old one is closed."""
        self._replace(error)
        return self._database

    def _newest(self, which: str, limit: int, offset: int) -> list[RecordedRun]:
        query = (
            "select tree, record, additions from documents join ("  # noqa: S608 - our own SQL
            f"select n, tree, started, id from runs where {which}"
            " order by started desc, id desc limit ? offset ?) on run = n"
            " order by started desc, id desc"
        )
        return self.ask(query, (limit, offset), recorded)

    def _replace(self, error: Exception) -> None:
        self._database.close()
        self._root = None
        self._database = connect(None)
        if not isinstance(error, sqlite3.OperationalError):  # about the file, not its content
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            self._database = open_database(self.path)
        self._catch_up()

    def _catch_up(self) -> None:
        """Take in what the ref gained or lost since the index last saw it."""
        root = self.runs.root()
        if root == self._root or root == self._seen():
            self._root = root
            return
        changes = self._changes(self._seen(), root)
        if changes is None or len(changes.runs) > _MANY:
            self._build(root)
        else:
            with transaction(self._database):
                # Another process may have caught up while this one waited for the transaction.
                changes = self._changes(self._seen(), root)
                if changes is not None:
                    from runref.index.filling import Filling

                    filling = Filling(self._database, self.runs)
                    filling.take(changes, root, self._on_progress, first=not self._seen())
            if changes is None:
                self._build(root)
        self._root = root

    def _changes(self, seen: str, root: str) -> Changes | None:
        """Return what changed since a root tree; none where that tree is gone."""
        try:
            return self.runs.changes(seen, root)
        except ObjectMissing:
            if not seen:
                raise
            return None

    @property
    def file(self) -> Path | None:
        """The file that is in use; none where it is memory."""
        (_, _, file), *_ = self._database.execute("pragma database_list")
        return Path(file) if file else None

    def _build(self, root: str, *, anew: bool = False) -> None:
        """Read all runs into a new index, which takes the place of the old one at once."""
        path = self.file
        if path is None:
            self._database.close()
            self._database = connect(None)
            self._fill(self._database, self.runs.changes("", root), root)
            return
        changes = self.runs.changes("", root)
        try:
            with exclusive(path.with_suffix(".lock"), wait=_BUILD_SECONDS):
                self._reopen(path)
                if anew or root != self._seen():  # another process may have built it meanwhile
                    with built_aside(path) as new:
                        self._fill(new, changes, root)
                    self._reopen(path)
        except (CannotWrite, LockBusy, LocksUnsupported, OSError):
            self._database.close()
            self._database = connect(None)  # it is only a cache
            self._fill(self._database, changes, root)

    def _reopen(self, path: Path) -> None:
        self._database.close()
        self._database = open_database(path)

    def _fill(self, database: sqlite3.Connection, changes: Changes, root: str) -> None:
        from runref.index.filling import Filling

        with transaction(database):
            filling = Filling(database, self.runs)
            filling.take(changes, root, self._on_progress, first=True)

    def _seen(self) -> str:
        row = self._database.execute("select value from meta where name = 'root'").fetchone()
        return str(row[0]) if row else ""
