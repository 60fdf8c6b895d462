"""The index: what the runs ref says, ready to be listed. It may be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from runref.git.objects import ObjectMissing
from runref.index.rows import recorded, rows_of
from runref.model.codec import UnreadableDocument
from runref.model.documents import MalformedDocument
from runref.store.recorded import RecordedRun
from runref.store.runs_ref import Changes, RunsRef

if TYPE_CHECKING:
    from runref.artifacts.artifact import Kind

T = TypeVar("T")

_VERSION = 2
_BUSY_SECONDS = 10.0
_SCHEMA = """
create table if not exists meta (name text primary key, value text not null);
create table if not exists runs (
    id text primary key,
    tree text not null,
    started text not null,
    record blob,
    additions blob,
    problem text not null default ''
);
create index if not exists runs_by_time on runs (started, id);
create index if not exists runs_by_tree on runs (tree);
create table if not exists held (
    run text not null,
    digest text not null,
    kind text not null,
    size integer not null,
    primary key (run, digest, kind)
) without rowid;
"""


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


class RunIndex:
    """The index over one repository's runs.

    Args:
        runs: The ref that it is derived from.
        folder: Where its file goes; one for each repository.
        on_progress: Told (done, total) runs while it is brought up to date.
    """

    def __init__(
        self,
        runs: RunsRef,
        folder: Path,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._runs = runs
        self._on_progress = on_progress
        name = hashlib.sha256(bytes(runs.lock_path.resolve())).hexdigest()[:24]
        self.path = folder / f"{name}.sqlite3"
        self._database = _open(self.path)

    def newest(self, limit: int | None = None, offset: int = 0) -> list[RecordedRun]:
        """Return the runs that can be read, the newest first."""
        query = (
            "select tree, record, additions from runs where problem = ''"
            " order by started desc, id desc limit ? offset ?"
        )
        return self._ask(query, (-1 if limit is None else limit, offset), recorded)

    def ids(self) -> list[str]:
        """Return the ids of all runs, unreadable ones included."""
        return self._ask("select id from runs", (), str)

    def by_record_hash(self, prefix: str) -> list[str]:
        """Return the ids of the runs whose record hash begins with `prefix`."""
        query = "select id from runs where tree >= ? and tree < ?"
        return self._ask(query, (prefix, f"{prefix}g"), str)  # g follows the hex digits

    def held(self, run_ids: Sequence[str] | None = None) -> list[Held]:
        """Return the artifacts whose content runs stored, each once, in the order of digests.

        Args:
            run_ids: The runs to look at; all of them where it is none.
        """
        query = (
            "select distinct digest, kind, size from held"
            " where ? is null or run in (select value from json_each(?)) order by digest, kind"
        )
        chosen = None if run_ids is None else json.dumps(list(run_ids))
        return self._ask(query, (chosen, chosen), Held)

    def unreadable(self) -> list[Unreadable]:
        """Return the runs that could not be read."""
        query = "select id, problem from runs where problem != '' order by id"
        return self._ask(query, (), Unreadable)

    def count(self) -> int:
        """Return how many runs there are, unreadable ones included."""
        (count,) = self._ask("select count(*) from runs", (), int)
        return count

    def close(self) -> None:
        """Close the index's file."""
        self._database.close()

    def _ask(self, query: str, values: tuple[object, ...], read: Callable[..., T]) -> list[T]:
        """Return what `read` makes of each row, after the index has caught up with the ref.

        An index that cannot be used (damaged, read-only, no room, held by another process for long)
        is replaced: by a new file, or for as long as this object lives by one in memory.
        """
        try:
            self._catch_up()
            return [read(*row) for row in self._database.execute(query, values)]
        except (sqlite3.DatabaseError, UnreadableDocument, MalformedDocument) as error:
            self._database.close()
            self._database = _in_place_of(self.path, error)
            self._catch_up()
            return [read(*row) for row in self._database.execute(query, values)]

    def _catch_up(self) -> None:
        """Take in what the ref gained or lost since the index last saw it."""
        root = self._runs.root()
        if root == self._seen():
            return
        with self._transaction():
            # Another process may have caught up while this one waited for the transaction.
            seen = self._seen()
            try:
                changes = self._runs.changes(seen, root)
            except ObjectMissing:  # the ref was rewritten and the old tree is gone
                seen, changes = "", self._runs.changes("", root)
            if not seen:
                self._database.execute("delete from runs")
                self._database.execute("delete from held")
            self._take(changes, root, everything=not seen)
            self._database.execute("insert or replace into meta values ('root', ?)", (root,))

    def _take(self, changes: Changes, root: str, *, everything: bool) -> None:
        trees = {run_id: tree for run_id, tree in changes.runs.items() if tree}
        for run_id in changes.runs.keys() - trees.keys():
            self._database.execute("delete from runs where id = ?", (run_id,))
            self._database.execute("delete from held where run = ?", (run_id,))
        for run_id in changes.annotations.keys() - changes.runs.keys():
            row = self._database.execute("select tree from runs where id = ?", (run_id,)).fetchone()
            if row:
                trees[run_id] = row[0]
        for done, (run_id, tree) in enumerate(trees.items(), 1):
            # Of the first look at a ref it is known which runs have annotations: most have none.
            bare = everything and run_id not in changes.annotations
            files = {} if bare else self._runs.annotation_files(run_id, root)
            self._take_run(run_id, tree, files)
            if self._on_progress:
                self._on_progress(done, len(trees))

    def _take_run(self, run_id: str, tree: str, files: Mapping[str, bytes]) -> None:
        rows = rows_of(self._runs.objects, run_id, tree, files)
        self._database.execute("insert or replace into runs values (?, ?, ?, ?, ?, ?)", rows.run)
        self._database.execute("delete from held where run = ?", (run_id,))
        self._database.executemany("insert or ignore into held values (?, ?, ?, ?)", rows.held)

    def _seen(self) -> str:
        row = self._database.execute("select value from meta where name = 'root'").fetchone()
        return str(row[0]) if row else ""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _connect(path)
    except OSError:  # no place for a cache
        return _connect(None)
    except sqlite3.DatabaseError as error:
        return _in_place_of(path, error)


def _in_place_of(path: Path, error: Exception) -> sqlite3.Connection:
    """Return an empty index instead of the one in `path`, which goes if it is damaged."""
    if not isinstance(error, sqlite3.OperationalError):  # that is about the file, not its content
        try:
            path.unlink(missing_ok=True)
            return _connect(path)
        except (OSError, sqlite3.Error):
            pass
    return _connect(None)


def _connect(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", timeout=_BUSY_SECONDS, isolation_level=None)
    (version,) = database.execute("pragma user_version").fetchone()
    if version != _VERSION:
        if version:
            database.close()
            raise sqlite3.DatabaseError(f"version {version} of the index is unknown")
        database.executescript(f"begin immediate;{_SCHEMA}pragma user_version = {_VERSION};commit;")
    database.execute("pragma synchronous = off")  # it can be built again
    return database
