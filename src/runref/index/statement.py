"""Selects over the runs of the index, by what they hold under names.

A named value is a row of its own table, joined by name and run. Nothing that a user typed becomes
SQL text.
"""

# ruff: noqa: S608
# What is put together here are names of tables and columns, all of them this module's.

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runref.index.tables import LISTED, column_of
from runref.model.codec import escape_text
from runref.query.fields import BY_NAME
from runref.query.offered import NUMBER, TEXT
from runref.query.reference import (
    CodeFile,
    EnvironmentValue,
    Field,
    Metric,
    Package,
    Parameter,
    Reference,
    SummaryValue,
)

NameNumber = Callable[[str, str], int]
"""Returns the number of a name of a kind (``param``, ``summary``, ``metric``), or -1."""

_NUMERIC = frozenset({"number", "seconds", "bytes"})


@dataclass(frozen=True, slots=True)
class Column:
    """SQL for what a run holds under a reference.

    Attributes:
        present: True where it holds something; never null.
        kind: The type, in the words of the query language; null where it is missing.
        value: The value; null where it is missing, NaN, none, a list or a mapping.
        key: What versions are compared by; empty where there are none.
    """

    present: str
    kind: str
    value: str
    key: str = ""


@dataclass(slots=True)
class _Join:
    on: str
    value: object
    required: bool = False


class Statement:
    """A select over the runs that can be read, under construction.

    Args:
        name_number: Finds the number of a name.
        wide_numbers: Whether some number has no room in SQLite; such are sorted as floats.
        removed: Whether it is over the runs that were removed from lists, in place of the others.
    """

    def __init__(
        self, name_number: NameNumber, *, wide_numbers: bool = False, removed: bool = False
    ) -> None:
        self._among = "removed" if removed else LISTED
        self._name_number = name_number
        self._wide_numbers = wide_numbers
        self._joins: dict[Reference, _Join] = {}
        self._columns: dict[Reference, Column] = {}
        self._where = "1"
        self._values: list[Any] = []

    def restrict(self, where: str, values: Sequence[Any], required: Iterable[Reference]) -> None:
        """Take only some of the runs.

        Args:
            where: SQL that tells which.
            values: Its parameters.
            required: What each of these runs holds, which lets SQLite begin with it.
        """
        self._where, self._values = where, [*values]
        for reference in required:
            if (join := self._joins.get(reference)) is not None:
                join.required = True

    def select(
        self, columns: Iterable[str], *, order: Sequence[str] = (), limit: int | None = None
    ) -> tuple[str, list[Any]]:
        """Return the statement and its parameters.

        Args:
            columns: SQL of what to select.
            order: SQL of what to sort by.
            limit: At most so many rows.
        """
        joins = sorted(self._joins.values(), key=lambda each: not each.required)
        text = f"select {', '.join(columns)} from runs r"
        for join in joins:
            text += f" {'join' if join.required else 'left join'} {join.on}"
        text += f" where {self._among} and {self._where}"
        values = [*(join.value for join in joins), *self._values]
        if order:
            text += f" order by {', '.join(order)}"
        if limit is not None:
            text += " limit ?"
            values.append(limit)
        return text, values

    def order(self, reference: Reference, *, descending: bool) -> str:
        """Return SQL that sorts by what a reference names: numbers, then text, then nothing."""
        column = self.column(reference)
        value = column.key or column.value
        if self._wide_numbers:
            wide = f"{column.kind} = '{NUMBER}' and typeof({value}) = 'text'"
            value = f"iif({wide}, cast({value} as real), {value})"
        return f"{value} {'desc' if descending else 'asc'} nulls last"

    def column(self, reference: Reference) -> Column:
        """Return SQL for what a run holds under a reference."""
        if reference not in self._columns:
            self._columns[reference] = self._column(reference)
        return self._columns[reference]

    def _column(self, reference: Reference) -> Column:
        if isinstance(reference, Field):
            row = BY_NAME[reference.name]
            return _constant(f"r.{column_of(row)}", NUMBER if row.type in _NUMERIC else TEXT)
        if isinstance(reference, CodeFile):
            return _constant(code_file(reference.path), TEXT)
        if isinstance(reference, Parameter):
            return _typed(self._named(reference, "params", "param", reference.path))
        if isinstance(reference, SummaryValue):
            return _typed(self._named(reference, "summary", "summary", reference.path))
        if isinstance(reference, Metric):
            alias = self._named(reference, "metrics", "metric", reference.name)
            return _of_kind(f"{alias}.{reference.part}", f"{alias}.run", NUMBER)
        if isinstance(reference, Package):
            alias = self._of_environment(reference, "packages", "name", reference.name)
            return _of_kind(f"{alias}.version", f"{alias}.name", TEXT, f"{alias}.key")
        alias = self._of_environment(reference, "environment_values", "path", reference.path)
        return _typed(alias, present="path", key=f"{alias}.key" if reference.version else "")

    def _named(self, reference: Reference, table: str, kind: str, name: str) -> str:
        alias = f"j{len(self._joins)}"
        on = f"{table} {alias} on {alias}.name = ? and {alias}.run = r.n"
        self._joins[reference] = _Join(on, self._name_number(kind, escape_text(name)))
        return alias

    def _of_environment(
        self, reference: Package | EnvironmentValue, table: str, by: str, name: str
    ) -> str:
        alias = f"j{len(self._joins)}"
        on = f"{table} {alias} on {alias}.{by} = ? and {alias}.environment = r.environment_n"
        self._joins[reference] = _Join(on, escape_text(name))
        return alias


def code_file(path: str) -> str:
    """Return SQL for the object id of a file of the snapshot; null where there is none."""
    # As hexadecimal digits, the path stands wherever the column does.
    return f"code_file(r.code_tree, cast(x'{escape_text(path).encode().hex()}' as text))"


def _constant(value: str, kind: str) -> Column:
    return _of_kind(value, value, kind)


def _of_kind(value: str, present: str, kind: str, key: str = "") -> Column:
    return Column(f"{present} is not null", f"iif({present} is null, null, '{kind}')", value, key)


def _typed(alias: str, *, present: str = "run", key: str = "") -> Column:
    return Column(f"{alias}.{present} is not null", f"{alias}.type", f"{alias}.value", key)
