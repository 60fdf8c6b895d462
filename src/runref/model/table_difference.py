"""The rows, columns and cells in which two tables of comma-separated values differ."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO

from runref.model.difference import ADDED, CHANGED, REMOVED, Change
from runref.model.line_difference import differing_blocks


class NotATable(ValueError):
    """A content cannot be read as comma-separated values; the message says why."""


@dataclass(slots=True)
class TableChanges:
    """What differs between two tables: see `runref.model.content_difference.Inside`."""

    named: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    cells: int = 0
    columns: tuple[Change, ...] = ()
    found: list[Change] = field(default_factory=list)
    total: int = 0

    @property
    def first(self) -> tuple[Change, ...]:
        """The first differences."""
        return tuple(self.found)

    @property
    def more(self) -> int:
        """How many differences are not among the first."""
        return self.total - len(self.found)

    def note(self, change: Change) -> None:
        """Count a difference, and keep it where it is one of the first."""
        self.total += 1
        if len(self.found) < self.named:
            self.found.append(change)


Row = tuple[str, ...]


def table_changes(left: bytes, right: bytes, delimiter: str, *, named: int) -> TableChanges:
    """Compare two tables whose first row names the columns.

    Columns are matched by name, in any order. Rows that are equal in the columns of both sides are
    matched first; rows between them that gave way to others count as changed, cell by cell. A row
    may be shorter or longer than the first one.

    Raises:
        NotATable: a content is no text, or its quotes have no end.
    """
    a, b = _rows(left, delimiter), _rows(right, delimiter)
    heads = [_names(rows) for rows in (a, b)]
    found = TableChanges(named)
    places = _shared(*heads)
    found.columns = (
        *(Change(name, REMOVED) for name in heads[0] if name not in heads[1]),
        *(Change(name, ADDED) for name in heads[1] if name not in heads[0]),
    )
    names = [*(heads[0][at] for at, _ in places)]
    one, other = (
        [_projected(row, [pair[side] for pair in places], len(heads[side])) for row in rows[1:]]
        for side, rows in ((0, a), (1, b))
    )
    for block in differing_blocks(one, other):
        both = min(block.left_end - block.left_start, block.right_end - block.right_start)
        for at in range(both):
            row = block.left_start + at
            found.changed += 1
            _compare_rows(found, names, row + 1, one[row], other[block.right_start + at])
        for at in range(block.left_start + both, block.left_end):
            found.removed += 1
            found.note(Change(f"row {at + 1}", REMOVED, left=", ".join(one[at])))
        for at in range(block.right_start + both, block.right_end):
            found.added += 1
            found.note(Change(f"row {at + 1}", ADDED, right=", ".join(other[at])))
    return found


def _rows(data: bytes, delimiter: str) -> list[Row]:
    if b"\0" in data:
        raise NotATable("no text on both sides")
    text = data.decode("utf-8-sig", "surrogateescape")
    try:
        reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return [tuple(row) for row in reader if row]
    except csv.Error as error:
        raise NotATable(f"no table on both sides: {error}") from error


def _names(rows: Sequence[Row]) -> list[str]:
    """Return the names of the columns, made different where the first row names one twice."""
    names: list[str] = []
    taken: set[str] = set()
    for at, name in enumerate(rows[0] if rows else (), start=1):
        unique = name if name and name not in taken else f"column {at}"
        names.append(unique)
        taken.add(unique)
    return names


def _shared(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of the columns that both sides have."""
    places = {name: at for at, name in enumerate(right)}
    return [(at, places[name]) for at, name in enumerate(left) if name in places]


def _projected(row: Row, places: Sequence[int], width: int) -> Row:
    """Return the cells of the shared columns; cells beyond the first row's come behind them."""
    if len(row) == width and list(places) == list(range(width)):
        return row
    # A cell that is missing is another thing than an empty one.
    return tuple(row[at] if at < len(row) else _MISSING for at in places) + row[width:]


_MISSING = "(no cell)"


def _compare_rows(
    found: TableChanges, names: Sequence[str], number: int, left: Row, right: Row
) -> None:
    for at in range(max(len(left), len(right))):
        was = left[at] if at < len(left) else _MISSING
        now = right[at] if at < len(right) else _MISSING
        if was != now:
            name = names[at] if at < len(names) else f"column {at + 1}"
            found.cells += 1
            found.note(Change(f"row {number}, {name}", CHANGED, was, now))
