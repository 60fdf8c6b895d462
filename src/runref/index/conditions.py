"""From resolved conditions to SQL with parameters.

SQL's third truth value stands for "false" here: a comparison with something that is missing, or
with NaN, is null, and every negation first makes it false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runref.index.statement import Column, Statement, code_file
from runref.index.tables import number
from runref.model.codec import escape_text
from runref.query.condition import (
    Always,
    And,
    BooleanValue,
    Compare,
    Condition,
    HasDigest,
    HasPrefix,
    IsEmpty,
    IsMissing,
    IsNan,
    IsNone,
    Matches,
    Membership,
    Not,
    NumberValue,
    OneOf,
    Or,
    TextValue,
    TimeValue,
    Value,
    VersionValue,
)
from runref.query.offered import BOOLEAN, NONE, NUMBER, TEXT
from runref.query.reference import Reference

_SQL = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ROLE = {"inputs": "input", "outputs": "output"}
_AFTER_HEX = "g"


def restrict(statement: Statement, condition: Condition, *, wide_numbers: bool) -> None:
    """Take only the runs that meet a condition.

    Args:
        statement: The statement.
        condition: Which runs.
        wide_numbers: Whether some number has no room in SQLite; comparisons then ask Python.
    """
    compiled = _Compiled(statement, wide_numbers=wide_numbers)
    where = compiled.sql(condition)
    statement.restrict(where, compiled.values, _required(condition))


class _Compiled:
    """The SQL of one condition; parameters are appended in the order of their marks."""

    def __init__(self, statement: Statement, *, wide_numbers: bool) -> None:
        self.values: list[Any] = []
        self._column = statement.column
        self._wide_numbers = wide_numbers
        self._compilers: Mapping[type, Callable[[Any], str]] = {
            Always: lambda each: "1" if each.value else "0",
            And: lambda each: _joined("and", [*map(self.sql, each.operands)]),
            Or: lambda each: _joined("or", [*map(self.sql, each.operands)]),
            Not: lambda each: f"not ifnull({self.sql(each.operand)}, 0)",
            Compare: self._compare,
            OneOf: self._one_of,
            HasPrefix: self._has_prefix,
            Matches: self._matches,
            IsMissing: lambda each: f"not ({self._column(each.reference).present})",
            IsNone: self._is_none,
            IsNan: self._is_nan,
            Membership: self._membership,
            HasDigest: self._has_digest,
            IsEmpty: self._is_empty,
        }

    def sql(self, condition: Condition) -> str:
        return self._compilers[type(condition)](condition)

    def _compare(self, condition: Compare) -> str:
        left, right = self._column(condition.left), condition.right
        operator = _SQL[condition.op]
        if isinstance(right, NumberValue):
            return f"({left.kind} = '{NUMBER}' and {self._number(left, operator, right.value)})"
        if isinstance(right, VersionValue):
            self.values.append(escape_text(right.key))
            return f"{left.key} {operator} ?"
        if isinstance(right, TimeValue):
            self.values.append(right.value)
            return f"{left.value} {operator} ?"
        if isinstance(right, (TextValue, BooleanValue)):
            self.values.append(_stored(right))
            return f"({left.kind} = '{_kind_of(right)}' and {left.value} {operator} ?)"
        return self._compare_columns(left, operator, self._column(right))

    def _number(self, column: Column, operator: str, value: float) -> str:
        stored = number(value)
        self.values.append(stored)
        if self._wide_numbers or isinstance(stored, str):
            return f"compare_numbers({column.value}, ?) {operator} 0"
        return f"{column.value} {operator} ?"

    def _compare_columns(self, left: Column, operator: str, right: Column) -> str:
        if left.key or right.key:
            keys = [each.key or f"version_key({each.value})" for each in (left, right)]
            return f"{keys[0]} {operator} {keys[1]}"
        others = f"{left.value} {operator} {right.value}"
        if self._wide_numbers:
            numbers = f"compare_numbers({left.value}, {right.value}) {operator} 0"
            others = f"iif({left.kind} = '{NUMBER}', {numbers}, {others})"
        return f"({left.kind} = {right.kind} and {others})"

    def _one_of(self, condition: OneOf) -> str:
        column = self._column(condition.reference)
        kind = _kind_of(condition.values[0])
        tests = []
        for each in condition.values:
            if isinstance(each, NumberValue):
                tests.append(self._number(column, "=", each.value))
            else:
                self.values.append(_stored(each))
                tests.append(f"{column.value} = ?")
        return f"({column.kind} = '{kind}' and {_no(condition)}{_joined('or', tests)})"

    def _has_prefix(self, condition: HasPrefix) -> str:
        self.values += [condition.start + 1, len(condition.prefix), condition.prefix]
        operator = "<>" if condition.negated else "="
        return f"substr({self._column(condition.reference).value}, ?, ?) {operator} ?"

    def _matches(self, condition: Matches) -> str:
        column = self._column(condition.reference)
        self.values.append(condition.pattern)
        return f"({column.kind} = '{TEXT}' and {_no(condition)}matches(?, {column.value}))"

    def _is_none(self, condition: IsNone) -> str:
        operator = "<>" if condition.negated else "="
        return f"{self._column(condition.reference).kind} {operator} '{NONE}'"

    def _is_nan(self, condition: IsNan) -> str:
        column = self._column(condition.reference)
        null = "is not null" if condition.negated else "is null"
        return f"({column.kind} = '{NUMBER}' and {column.value} {null})"

    def _membership(self, condition: Membership) -> str:
        name = condition.collection.name
        if name == "code":
            return f"{code_file(condition.text)} is not null"
        text = escape_text(condition.text)
        if name == "tags":
            self.values.append(text)
            return _exists("tags", "t.tag = ?")
        self.values += [_ROLE[name], text]
        return _exists("files", "t.role = ? and t.path = ?")

    def _has_digest(self, condition: HasDigest) -> str:
        prefix = condition.prefix
        self.values += [_ROLE[condition.collection.name], prefix, prefix + _AFTER_HEX]
        return _exists("files", "t.role = ? and t.digest >= ? and t.digest < ?")

    def _is_empty(self, condition: IsEmpty) -> str:
        name = condition.collection.name
        if name == "code":
            return "r.code_tree is null"
        if name == "tags":
            return f"not {_exists('tags', '1')}"
        self.values.append(_ROLE[name])
        return f"not {_exists('files', 't.role = ?')}"


def _joined(word: str, parts: list[str]) -> str:
    """Return conditions with a word between them, as a balanced tree: SQLite bounds its depth."""
    if len(parts) == 1:
        return f"({parts[0]})"
    middle = len(parts) // 2
    return f"({_joined(word, parts[:middle])} {word} {_joined(word, parts[middle:])})"


def _required(condition: Condition) -> Iterator[Reference]:
    """Yield what a run must hold to meet a condition."""
    if isinstance(condition, And):
        for operand in condition.operands:
            yield from _required(operand)
    elif isinstance(condition, Compare):
        yield condition.left
        if not isinstance(condition.right, Value):
            yield condition.right
    elif isinstance(condition, (OneOf, HasPrefix, Matches, IsNan, IsNone)):
        yield condition.reference


def _kind_of(value: NumberValue | TextValue | BooleanValue) -> str:
    if isinstance(value, NumberValue):
        return NUMBER
    return TEXT if isinstance(value, TextValue) else BOOLEAN


def _stored(value: TextValue | BooleanValue) -> object:
    return escape_text(value.value) if isinstance(value, TextValue) else int(value.value)


def _no(condition: OneOf | Matches) -> str:
    return "not " if condition.negated else ""


def _exists(table: str, condition: str) -> str:
    return f"exists (select 1 from {table} t where t.run = r.n and {condition})"  # noqa: S608
