"""Asking the index for the runs that meet a condition, whole or by what they hold under names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runref.errors import RunrefError
from runref.index.catalogue import IndexCatalogue
from runref.index.rows import recorded
from runref.index.run_index import RunIndex
from runref.index.statement import Statement
from runref.index.subject import code_file
from runref.index.tables import held, held_number
from runref.model.codec import escape_text, unescape_text
from runref.query.reference import Reference
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    from runref.query.condition import Condition

NEWEST_FIRST = ("r.started desc", "r.id desc")
_CODE_FILES = 4_096


@dataclass(frozen=True, slots=True)
class SortKey:
    """What runs are sorted by; those that have nothing there, or NaN, come last.

    Attributes:
        reference: The name.
        descending: Largest first.
    """

    reference: Reference
    descending: bool = False


class Selection:
    """Questions to an index; make a new one for every command, as it looks at the ref once.

    Attributes:
        unread_snapshots: Trees of snapshots that a condition asked about and that are damaged.
    """

    def __init__(self, index: RunIndex) -> None:
        self._objects = index.runs.objects
        self.unread_snapshots: set[str] = set()
        self._database = index.connection()
        self._names: dict[tuple[str, str], int] = {}
        self._define_functions()
        query = "select 1 from meta where name = 'wide-numbers'"
        self._wide_numbers = self._database.execute(query).fetchone() is not None

    @property
    def catalogue(self) -> IndexCatalogue:
        """The names that runs have."""
        return IndexCatalogue(self._database)

    def runs(
        self,
        condition: Condition | None = None,
        *,
        sort: Sequence[SortKey] = (),
        limit: int | None = None,
    ) -> list[RecordedRun]:
        """Return the runs that meet a condition, the newest first unless sorted otherwise."""
        statement = self._statement(condition)
        order = [statement.order(each.reference, descending=each.descending) for each in sort]
        text, values = statement.select(("r.n",), order=(*order, *NEWEST_FIRST), limit=limit)
        numbers = [row[0] for row in self._database.execute(text, values)]
        find = "select tree, record, additions from documents join runs on run = n where n = ?"
        return [recorded(*self._database.execute(find, (number,)).fetchone()) for number in numbers]

    def count(self, condition: Condition | None = None) -> int:
        """Return how many runs meet a condition."""
        text, values = self._statement(condition).select(("count(*)",))
        (count,) = self._database.execute(text, values).fetchone()
        return int(count)

    def among(self, run_ids: Sequence[str]) -> list[str]:
        """Return those of some run ids that are recorded."""
        find = "select 1 from runs where id = ?"
        return [each for each in run_ids if self._database.execute(find, (each,)).fetchone()]

    def values(
        self,
        references: Sequence[Reference],
        condition: Condition | None = None,
        *,
        sort: Sequence[SortKey] = (),
        limit: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return id and values of the runs that meet a condition; none for what is missing.

        Lists and mappings are ``…``: what they hold is in the record alone.
        """
        statement = self._statement(condition)
        columns = [statement.column(each) for each in references]
        order = [statement.order(each.reference, descending=each.descending) for each in sort]
        text, values = statement.select(
            ("r.id", *(part for each in columns for part in (each.kind, each.value))),
            order=(*order, *NEWEST_FIRST),
            limit=limit,
        )
        return [
            (run_id, *map(held, cells[::2], cells[1::2]))
            for run_id, *cells in self._database.execute(text, values)
        ]

    def _statement(self, condition: Condition | None) -> Statement:
        statement = Statement(self._name_number, wide_numbers=self._wide_numbers)
        if condition is None:
            return statement
        from runref.index.conditions import restrict

        restrict(statement, condition, wide_numbers=self._wide_numbers)
        return statement

    def _name_number(self, kind: str, name: str) -> int:
        if (kind, name) not in self._names:
            query = "select n from names where kind = ? and name = ?"
            row = self._database.execute(query, (kind, name)).fetchone()
            self._names[kind, name] = row[0] if row else -1
        return self._names[kind, name]

    def _define_functions(self) -> None:
        define = self._database.create_function
        define("matches", 2, _matches, deterministic=True)
        define("compare_numbers", 2, _compare_numbers, deterministic=True)
        define("version_key", 1, _version_key, deterministic=True)
        define("code_file", 2, lru_cache(_CODE_FILES)(self._code_file), deterministic=True)

    def _code_file(self, tree: str | None, path: str) -> str | None:
        if not tree:
            return None
        try:
            return code_file(self._objects, tree, unescape_text(path))
        except RunrefError:
            self.unread_snapshots.add(tree)
            return None


# SQLite may ask for what the type of a value rules out, before it looks at the type.


def _matches(pattern: str, text: Any) -> bool | None:
    from runref.query.pattern import matcher

    return matcher(pattern)(unescape_text(text)) if isinstance(text, str) else None


def _compare_numbers(left: Any, right: Any) -> int | None:
    """Return the sign of the difference of two stored numbers, exactly; none where one is NaN."""
    try:
        one, other = held_number(left), held_number(right)
    except ValueError:
        return None  # text
    return None if math.isnan(one) or math.isnan(other) else (one > other) - (one < other)


def _version_key(text: Any) -> str | None:
    from runref.query.version import sort_key

    return escape_text(sort_key(unescape_text(text))) if isinstance(text, str) else None
