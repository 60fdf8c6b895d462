"""The index: what the runs ref says, ready to be listed. It may be deleted at any time."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runref.errors import RunrefError
from runref.git.objects import ObjectMissing
from runref.model.annotations import Additions
from runref.model.codec import dump_json_line, load_json
from runref.model.documents import from_document, to_document
from runref.model.record import Record
from runref.store.recorded import RecordedRun, read_additions, read_record
from runref.store.runs_ref import RunsRef

_VERSION = 1
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
"""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A run of the ref that could not be read, and why."""

    id: str
    problem: str


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
        self._database = self._open()

    def newest(self, limit: int | None = None, offset: int = 0) -> list[RecordedRun]:
        """Return the runs that can be read, the newest first."""
        self.refresh()
        rows = self._database.execute(
            "select tree, record, additions from runs where problem = ''"
            " order by started desc, id desc limit ? offset ?",
            (-1 if limit is None else limit, offset),
        )
        return [_recorded(*row) for row in rows]

    def ids(self) -> list[str]:
        """Return the ids of all runs, unreadable ones included."""
        self.refresh()
        return [row[0] for row in self._database.execute("select id from runs")]

    def by_record_hash(self, prefix: str) -> list[str]:
        """Return the ids of the runs whose record hash begins with `prefix`."""
        self.refresh()
        rows = self._database.execute(
            "select id from runs where tree >= ? and tree < ?", (prefix, f"{prefix}g")
        )
        return [row[0] for row in rows]

    def unreadable(self) -> list[Unreadable]:
        """Return the runs that could not be read."""
        self.refresh()
        rows = self._database.execute(
            "select id, problem from runs where problem != '' order by id"
        )
        return [Unreadable(*row) for row in rows]

    def count(self) -> int:
        """Return how many runs there are."""
        self.refresh()
        (count,) = self._database.execute("select count(*) from runs").fetchone()
        return int(count)

    def refresh(self) -> None:
        """Take in what the ref gained or lost since the index last saw it."""
        root = self._runs.root()
        seen = self._seen()
        if root == seen:
            return
        try:
            changed, annotated = self._runs.changes(seen, root)
        except ObjectMissing:  # the ref was rewritten and the old tree is gone
            with self._transaction():
                self._database.execute("delete from runs")
            changed, annotated = self._runs.changes("", root)
        with self._transaction():
            self._take(changed, annotated)
            self._database.execute("insert or replace into meta values ('root', ?)", (root,))

    def close(self) -> None:
        """Close the index's file."""
        self._database.close()

    def _take(self, changed: Iterable[tuple[str, str]], annotated: set[str]) -> None:
        gone = [run_id for run_id, tree in changed if not tree]
        self._database.executemany("delete from runs where id = ?", [(each,) for each in gone])
        trees = {run_id: tree for run_id, tree in changed if tree}
        for run_id in annotated - trees.keys():
            row = self._database.execute("select tree from runs where id = ?", (run_id,)).fetchone()
            if row:
                trees[run_id] = row[0]
        for done, (run_id, tree) in enumerate(trees.items(), 1):
            self._database.execute(
                "insert or replace into runs values (?, ?, ?, ?, ?, ?)",
                self._row(run_id, tree, annotated=run_id in annotated),
            )
            if self._on_progress:
                self._on_progress(done, len(trees))

    def _row(self, run_id: str, tree: str, *, annotated: bool) -> tuple[object, ...]:
        try:
            record = read_record(self._runs.objects, run_id, tree)
            files = self._runs.annotation_files(run_id) if annotated else {}
            additions, _ = read_additions(record.tags, files)
        except RunrefError as error:
            day = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
            return run_id, tree, day, None, None, error.message
        document = dump_json_line(to_document(record))
        return run_id, tree, record.started, document, dump_json_line(to_document(additions)), ""

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

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return _connect(self.path)
        except sqlite3.DatabaseError:
            try:  # damaged, or not ours: it is derived, so it may go
                self.path.unlink(missing_ok=True)
                return _connect(self.path)
            except (OSError, sqlite3.Error):
                return _connect(None)
        except OSError:  # no place for a cache: the index then lives as long as the command
            return _connect(None)


def _connect(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", timeout=10.0, isolation_level=None)
    (version,) = database.execute("pragma user_version").fetchone()
    if version != _VERSION:
        if version:
            database.close()
            raise sqlite3.DatabaseError(f"version {version} of the index is unknown")
        database.execute("pragma synchronous = off")
        database.executescript(f"begin immediate;{_SCHEMA}pragma user_version = {_VERSION};commit;")
    database.execute("pragma synchronous = off")  # it can be built again
    database.execute("select count(*) from meta").fetchone()
    return database


def _recorded(tree: str, record: bytes, additions: bytes) -> RecordedRun:
    return RecordedRun(
        tree,
        from_document(Record, load_json(record)),
        from_document(Additions, load_json(additions)),
    )
