"""Writing what changed in the runs ref into the tables of the index."""

# ruff: noqa: S608
# What is put together here are names of tables and columns, all of them the index's own.

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from runref.errors import RunrefError
from runref.index.rows import Rows
from runref.index.tables import FIELD_COLUMNS, OF_RUNS, column_of, typed
from runref.model.codec import escape_text, load_yaml
from runref.query.offered import environment_of, packages_of
from runref.query.version import sort_key
from runref.store.recorded import read_file
from runref.store.runs_ref import Changes, RunsRef

_AT_ONCE = 256
"""Runs whose rows are written together."""


class Filling:
    """One update of an index, inside a transaction of the caller's."""

    def __init__(self, database: sqlite3.Connection, runs: RunsRef) -> None:
        self._database = database
        self._runs = runs
        self._names: dict[tuple[str, str], int] = {}
        self._environments: dict[str, int] = {}
        self._types: set[tuple[int, str]] = set()
        self._pending: dict[str, list[tuple[Any, ...]]] = {table: [] for table in OF_RUNS}

    def take(
        self,
        changes: Changes,
        root: str,
        on_progress: Callable[[int, int], None] | None,
        *,
        first: bool,
    ) -> None:
        """Bring the tables from one state of the ref to another.

        Args:
            changes: What differs.
            root: Root tree of the new state.
            on_progress: Told how far it is.
            first: Whether the index is empty yet, so that `changes` has all annotations.
        """
        from runref.index.reading import ToRead, read_runs

        self._load_names()
        trees = {run_id: tree for run_id, tree in changes.runs.items() if tree}
        self._remove([run_id for run_id, tree in changes.runs.items() if not tree])
        touched = changes.annotations.keys() - changes.runs.keys()
        trees.update(self._trees_of(touched))
        self._remove([] if first else [each for each in trees if each not in touched])
        wanted = [
            ToRead(run_id, tree, not first or run_id in changes.annotations)
            for run_id, tree in trees.items()
        ]
        for done, rows in enumerate(read_runs(self._runs, root, wanted), 1):
            if rows.run[0] in touched:
                self._annotate(rows)
            else:
                self._insert(rows)
            if done % _AT_ONCE == 0:
                self._flush()
            if on_progress:
                on_progress(done, len(wanted))
        self._flush()
        self._database.execute("insert or replace into meta values ('root', ?)", (root,))

    def _load_names(self) -> None:
        for number, kind, name in self._database.execute("select n, kind, name from names"):
            self._names[kind, name] = number
        for number, digest in self._database.execute("select n, digest from environments"):
            self._environments[digest] = number

    def _trees_of(self, run_ids: Iterable[str]) -> dict[str, str]:
        find = "select tree from runs where id = ?"
        found = {each: self._database.execute(find, (each,)).fetchone() for each in run_ids}
        return {run_id: row[0] for run_id, row in found.items() if row}

    def _remove(self, run_ids: list[str]) -> None:
        if not run_ids:
            return
        execute = self._database.execute
        execute("create temp table if not exists gone (run integer primary key)")
        execute("delete from gone")
        self._database.executemany(
            "insert into gone select n from runs where id = ?", [(each,) for each in run_ids]
        )
        if execute("select 1 from gone").fetchone() is None:
            return  # to find nothing in the tables takes as long as to find something
        for table in OF_RUNS:
            execute(f"delete from {table} where run in (select run from gone)")
        execute("delete from runs where n in (select run from gone)")

    def _insert(self, rows: Rows) -> None:
        if not rows.fields:
            insert = "insert into runs (id, tree, problem, removed, started) values (?, ?, ?, ?, ?)"
            self._database.execute(insert, (*rows.run, _day_of(rows.run[0])))
            return
        values = (*rows.run, self._environment(rows), *rows.fields)
        number = self._database.execute(_INSERT_RUN, values).lastrowid
        name, pending = self._name, self._pending
        params = [(name("param", each[0]), number, *each[1:]) for each in rows.params]
        summary = [(name("summary", each[0]), number, *each[1:]) for each in rows.summary]
        metrics = [(name("metric", each[0]), number, *each[1:]) for each in rows.metrics]
        self._note_types(params)
        self._note_types(summary)
        pending["documents"].append((number, *rows.documents))
        pending["params"] += params
        pending["summary"] += summary
        pending["metrics"] += metrics
        pending["tags"] += [(tag, number) for tag in rows.tags]
        pending["files"] += [(number, *each) for each in rows.files]
        if rows.wide_numbers:
            self._database.execute("insert or replace into meta values ('wide-numbers', '1')")

    def _annotate(self, rows: Rows) -> None:
        """Take in the annotations of a run that is known; nothing else of it can have changed."""
        execute = self._database.execute
        number, known = execute(
            "select n, problem = '' from runs where id = ?", (rows.run[0],)
        ).fetchone()
        if known and rows.fields:
            corrected = [rows.fields[_COLUMNS.index(column)] for column in _CORRECTED]
            execute(_CORRECT_RUN, (rows.run[3], *corrected, number))
            execute("delete from tags where run = ?", (number,))
            self._pending["tags"] += [(tag, number) for tag in rows.tags]
            self._pending["documents"].append((number, *rows.documents))

    def _flush(self) -> None:
        for table, values in self._pending.items():
            if values:
                marks = ", ".join("?" * len(values[0]))
                insert = f"insert or replace into {table} values ({marks})"
                self._database.executemany(insert, values)
                values.clear()

    def _name(self, kind: str, name: str) -> int:
        number = self._names.get((kind, name))
        if number is None:
            insert = "insert into names (kind, name) values (?, ?)"
            number = self._database.execute(insert, (kind, name)).lastrowid or 0
            self._names[kind, name] = number
        return number

    def _note_types(self, values: Iterable[tuple[Any, ...]]) -> None:
        for name, _, kind, _ in values:
            if (name, kind) not in self._types:
                self._types.add((name, kind))
                insert = "insert or ignore into types values (?, ?)"
                self._database.execute(insert, (name, kind))

    def _environment(self, rows: Rows) -> int | None:
        digest = rows.fields[_ENVIRONMENT]
        if not digest:
            return None
        number = self._environments.get(digest)
        return self._add_environment(rows.run[1], digest) if number is None else number

    def _add_environment(self, tree: str, digest: str) -> int | None:
        try:
            data = read_file(self._runs.objects, tree, "environment.yaml")
            document = load_yaml(data)
        except RunrefError:
            return None  # the run can be listed all the same
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            return None  # a record can claim anything, and other runs rely on this digest
        insert = "insert into environments (digest) values (?)"
        number = self._environments[digest] = (
            self._database.execute(insert, (digest,)).lastrowid or 0
        )
        self._database.executemany(
            "insert or replace into packages values (?, ?, ?, ?)",
            [
                (escape_text(name), number, escape_text(version), sort_key(version))
                for name, version in packages_of(document).items()
            ],
        )
        self._database.executemany(
            "insert or replace into environment_values values (?, ?, ?, ?, ?)",
            [
                (escape_text(path), number, *typed(value), _key(value))
                for path, value in environment_of(document).items()
            ],
        )
        return number


_COLUMNS = tuple(map(column_of, FIELD_COLUMNS))
_ENVIRONMENT = _COLUMNS.index("environment")
_INSERT_RUN = (
    f"insert into runs (id, tree, problem, removed, environment_n, {', '.join(_COLUMNS)})"
    f" values (?, ?, ?, ?, ?{', ?' * len(_COLUMNS)})"
)
_CORRECTED = ("name", "status")
"""Columns that annotations change."""
_CORRECT_RUN = f"update runs set removed = ?, {' = ?, '.join(_CORRECTED)} = ? where n = ?"


def _key(value: object) -> str | None:
    return escape_text(sort_key(value)) if isinstance(value, str) else None


def _day_of(run_id: str) -> str:
    return f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
