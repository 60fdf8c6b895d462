"""What ``runref sql`` may ask: views with public names over the tables of the index, read only."""

# ruff: noqa: S608
# What is put together here are names of columns, all of them the index's own.

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from runref.errors import ExitStatus, RunrefError
from runref.index.database import BUSY_SECONDS
from runref.index.run_index import RunIndex
from runref.index.tables import LISTED, METRIC_PARTS, column_of
from runref.query.fields import FIELDS

_RUN = "r.id as run, r.experiment, r.started, r.status"
_PARTS = ", ".join(f"v.{part}" for part in METRIC_PARTS)
_FROM = f"join main.runs r on r.n = v.run where {LISTED}"
_FIELDS = ", ".join(f"{column_of(each)} as {each.name.replace('.', '_')}" for each in FIELDS)

VIEWS: Mapping[str, str] = {
    "runs": f"select {_FIELDS} from main.runs where {LISTED}",
    "removed_runs": f"select {_FIELDS} from main.runs where removed",
    "params": f"select {_RUN}, k.name, v.type, v.value from main.params v"
    f" join main.names k on k.n = v.name {_FROM}",
    "summary": f"select {_RUN}, k.name, v.type, v.value from main.summary v"
    f" join main.names k on k.n = v.name {_FROM}",
    "metrics": f"select {_RUN}, k.name, v.last as value, {_PARTS}"
    f" from main.metrics v join main.names k on k.n = v.name {_FROM}",
    "tags": f"select {_RUN}, v.tag from main.tags v {_FROM}",
    "inputs": f"select {_RUN}, v.path, v.digest, v.kind, v.size, v.stored from main.files v"
    f" {_FROM} and v.role = 'input'",
    "outputs": f"select {_RUN}, v.path, v.digest, v.kind, v.size, v.stored from main.files v"
    f" {_FROM} and v.role = 'output'",
    "packages": f"select {_RUN}, v.name, v.version from main.packages v"
    f" join main.runs r on r.environment_n = v.environment where {LISTED}",
}
"""The views, by name: each with the statement that it stands for."""

_ALLOWED = frozenset({
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
})  # fmt: skip
_STEPS = 100_000


class SqlInvalid(RunrefError):
    """An SQL statement cannot be run on the index."""

    code = "sql-invalid"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """What a statement found.

    Attributes:
        columns: Names of the columns.
        rows: Numbers, text, bytes and none.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask_sql(index: RunIndex, statement: str) -> SqlAnswer:
    """Run one select statement over the views; the index is only read.

    Raises:
        SqlInvalid: it is no statement of SQLite, or would do more than read.
    """
    try:
        return _answer(index, statement)
    except sqlite3.DatabaseError as error:
        index.renewed(error)  # it was damaged
        return _answer(index, statement)


def _answer(index: RunIndex, statement: str) -> SqlAnswer:
    with _reader(index) as database:
        try:
            cursor = database.execute(statement)
            columns = tuple(each[0] for each in cursor.description or ())
            return SqlAnswer(columns, cursor.fetchall())
        except (sqlite3.Error, sqlite3.Warning) as error:
            if type(error) is sqlite3.DatabaseError and "malformed" in str(error):
                raise  # about the file, not about the statement
            raise SqlInvalid(_told(error), hint=_hint()) from error


@contextmanager
def _reader(index: RunIndex) -> Iterator[sqlite3.Connection]:
    """Yield a connection of its own with the views, on which nothing can be written."""
    database = index.connection()
    path = index.file
    if path is not None:
        address = f"{path.as_uri()}?mode=ro"
        database = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)
    else:  # in memory: a copy
        copy = sqlite3.connect(":memory:")
        database.backup(copy)
        database = copy
    with closing(database):
        for name, select in VIEWS.items():
            database.execute(f"create temp view {name} as {select}")
        database.set_authorizer(_authorize)
        # Python looks for Ctrl-C when its own code runs, so that it must, now and then.
        database.set_progress_handler(lambda: 0, _STEPS)
        yield database


def _authorize(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _told(error: Exception) -> str:
    if "not authorized" in str(error) or "prohibited" in str(error):
        return "only select statements are run: the index is derived from the runs ref"
    return f"SQLite: {error}"


def _hint() -> str:
    return f"There are: {', '.join(VIEWS)}. `runref sql --help` tells their columns."
