"""Asking the index for the runs that meet a condition, whole or by what they hold under names."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from runref.errors import RunrefError
from runref.index.catalogue import IndexCatalogue
from runref.index.rows import recorded
from runref.index.run_index import DAMAGED, RunIndex
from runref.index.statement import Statement
from runref.index.subject import code_file
from runref.index.tables import held, held_number
from runref.model.codec import escape_text, unescape_text
from runref.query.reference import Reference
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    from runref.query.condition import Condition

T = TypeVar("T")

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

    Args:
        index: The index.
        removed: Whether they are about the runs that were removed from lists, not the others.
    """

    def __init__(self, index: RunIndex, *, removed: bool = False) -> None:
        self._removed = removed
        self._objects = index.runs.objects
        self.unread_snapshots: set[str] = set()
        self._index = index
        self._names: dict[tuple[str, str], int] = {}
        self._open(index.connection())
        query = "select 1 from meta where name = 'wide-numbers'"
        self._wide_numbers = bool(self._ask(query))

    @property
    def catalogue(self) -> IndexCatalogue:
        """The names that runs have."""
        return IndexCatalogue(self._ask)

    def runs(
        self,
        condition: Condition | None = None,
        *,
        sort: Sequence[SortKey] = (),
        limit: int | None = None,
    ) -> list[RecordedRun]:
        """Return the runs that meet a condition, the newest first unless sorted otherwise."""
        return self._undamaged(lambda: self._runs(condition, sort, limit))

    def count(self, condition: Condition | None = None) -> int:
        """Return how many runs meet a condition."""
        ((count,),) = self._undamaged(
            lambda: self._rows(self._statement(condition).select(("count(*)",)))
        )
        return int(count)

    def among(self, run_ids: Sequence[str]) -> list[str]:
        """Return those of some run ids that are recorded, removed from lists or not."""
        find = "select 1 from runs where id = ?"
        return [each for each in run_ids if self._ask(find, (each,))]

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

        def rows() -> list[tuple[Any, ...]]:
            statement = self._statement(condition)
            columns = [statement.column(each) for each in references]
            return self._rows(
                statement.select(
                    ("r.id", *(part for each in columns for part in (each.kind, each.value))),
                    order=self._order(statement, sort),
                    limit=limit,
                )
            )

        return [
            (run_id, *map(held, cells[::2], cells[1::2]))
            for run_id, *cells in self._undamaged(rows)
        ]

    def _runs(
        self, condition: Condition | None, sort: Sequence[SortKey], limit: int | None
    ) -> list[RecordedRun]:
        statement = self._statement(condition)
        order = self._order(statement, sort)
        numbers = self._rows(statement.select(("r.n",), order=order, limit=limit))
        find = "select tree, record, additions from documents join runs on run = n where n = ?"
        found = [self._database.execute(find, number).fetchone() for number in numbers]
        if not all(found):
            raise sqlite3.DatabaseError("a run has no documents")
        return [recorded(*each) for each in found]

    def _order(self, statement: Statement, sort: Sequence[SortKey]) -> tuple[str, ...]:
        order = (statement.order(each.reference, descending=each.descending) for each in sort)
        return (*order, *NEWEST_FIRST)

    def _rows(self, statement: tuple[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
        return self._database.execute(*statement).fetchall()

    def _ask(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._undamaged(lambda: self._rows((text, values)))

    def _undamaged(self, read: Callable[[], T]) -> T:
        """Return what `read` does, if need be from an index that was built again."""
        try:
            return read()
        except sqlite3.OperationalError:
            raise  # about the statement, not about the file
        except DAMAGED as error:
            self._open(self._index.renewed(error))
            return read()

    def _open(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._names.clear()
        self._define_functions()

    def _statement(self, condition: Condition | None) -> Statement:
        statement = Statement(
            self._name_number, wide_numbers=self._wide_numbers, removed=self._removed
        )
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
