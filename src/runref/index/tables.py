"""The tables of the index, and the values that stand in them.

A number that SQLite has no room for (an integer beyond 64 bits) is its decimal text, and NaN is
null. Text that is no Unicode is written as in the records.
"""

from __future__ import annotations

import math
from typing import Any

from runref.model.codec import escape_text, unescape_text
from runref.query.fields import FIELDS, FieldRow
from runref.query.offered import BOOLEAN, LIST, MAPPING, NUMBER, TEXT, kind_of

VERSION = 5
"""To be counted up with every change of the tables, or of what stands in them."""

METRIC_PARTS = (
    "last", "first", "min", "max", "mean", "count", "last_step", "step_of_min", "step_of_max",
)  # fmt: skip
"""Columns of ``metrics`` besides name and run."""

OF_RUNS = ("documents", "params", "summary", "metrics", "tags", "files")
"""Tables whose rows belong to a run."""

LISTED = "problem = '' and removed = 0"
"""SQL for the runs of lists: those that can be read and were not removed."""

_ELSEWHERE = {"id": "id", "record": "tree"}
_AFFINITY = {"number": "", "seconds": "", "bytes": ""}
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def column_of(field: FieldRow) -> str:
    """Return the column of ``runs`` that holds a field."""
    return _ELSEWHERE.get(field.name) or field.name.replace(".", "_")


FIELD_COLUMNS = tuple(each for each in FIELDS if each.name not in _ELSEWHERE)
"""Fields that have a column of their own name, in the order of those columns."""

_COLUMNS = "".join(
    f", {column_of(each)} {_AFFINITY.get(each.type, 'text')}" for each in FIELD_COLUMNS
)
TABLES = f"""
create table meta (name text primary key, value text not null);
create table runs (n integer primary key, id text not null unique, tree text not null,
    problem text not null default '', removed integer not null default 0,
    environment_n integer{_COLUMNS});
create table documents (run integer primary key, record blob not null, additions blob not null);
create table names (n integer primary key, kind text not null, name text not null,
    unique (kind, name));
create table types (name integer not null, type text not null, primary key (name, type))
    without rowid;
create table params (name integer not null, run integer not null, type text not null, value,
    primary key (name, run)) without rowid;
create table summary (name integer not null, run integer not null, type text not null, value,
    primary key (name, run)) without rowid;
create table metrics (name integer not null, run integer not null, {", ".join(METRIC_PARTS)},
    primary key (name, run)) without rowid;
create table tags (tag text not null, run integer not null, primary key (tag, run)) without rowid;
create table files (run integer not null, role text not null, path text not null,
    digest text not null, kind text not null, size integer not null, stored integer not null,
    primary key (run, role, path)) without rowid;
create table environments (n integer primary key, digest text not null unique);
create table packages (name text not null, environment integer not null, version text not null,
    key text not null, primary key (name, environment)) without rowid;
create table environment_values (path text not null, environment integer not null,
    type text not null, value, key text, primary key (path, environment)) without rowid;
"""

INDEXES = f"""
create index runs_by_time on runs (started, id);
create index runs_by_tree on runs (tree);
create index runs_unreadable on runs (id) where problem <> '';
create index runs_removed on runs (started, id) where removed;
create index runs_listed on runs (n) where {LISTED};
create index metrics_by_last on metrics (name, last);
create index metrics_by_max on metrics (name, max);
create index tags_by_run on tags (run);
create index files_by_digest on files (digest);
create index files_by_path on files (path);
"""
"""To be made last where many runs are taken in."""


def typed(value: Any) -> tuple[str, Any]:
    """Return the type of a plain value and what stands for it; nothing for a list or mapping."""
    kind = kind_of(value)
    if kind == NUMBER:
        return kind, number(value)
    if kind == TEXT:
        return kind, escape_text(value)
    return kind, int(value) if kind == BOOLEAN else None


def number(value: int | float) -> int | float | str | None:
    """Return what stands for a number."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value if _SMALLEST <= value <= _LARGEST else str(value)


def held_number(stored: Any) -> int | float:
    """Undo `number`."""
    if stored is None:
        return math.nan
    held: int | float = int(stored) if isinstance(stored, str) else stored
    return held


def held(kind: str, stored: Any) -> Any:
    """Undo `typed`; a list or mapping is ``…``, as what it holds is in the record alone."""
    if kind == NUMBER:
        return held_number(stored)
    if kind == BOOLEAN:
        return bool(stored)
    if kind in (LIST, MAPPING):
        return "…"
    return unescape_text(stored) if kind == TEXT else None


def stored_field(value: object) -> Any:
    """Return what stands for the value of a field."""
    if isinstance(value, str):
        return escape_text(value)
    return number(value) if isinstance(value, (int, float)) else None
