"""Tables and confusion matrices that runs logged, read back from CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from runref.errors import ExitStatus, RunrefError
from runref.plot.curves import shortened

_CELL = 40
"""Characters of a cell that are shown."""


class NotATable(RunrefError):
    """An output cannot be read as a table, or not as a confusion matrix."""

    code = "not-a-table"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Table:
    """A table: names of its columns, and rows of as many cells."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix.

    Attributes:
        corner: What rows and columns stand for, as the first cell of the file says.
        labels: The classes, in the order of rows and of columns.
        counts: For each true class, how often each class was predicted.
    """

    corner: str
    labels: Sequence[str]
    counts: Sequence[Sequence[float]]

    def shares(self) -> list[list[float]]:
        """Return each row divided by its sum; a row without any is all zero."""
        sums = [math.fsum(row) or 1.0 for row in self.counts]
        return [
            [count / total for count in row] for row, total in zip(self.counts, sums, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Page:
    """As much of a table as fits.

    Attributes:
        columns: Names of the columns that fit, shortened.
        rows: Their cells, shortened.
        widths: Characters that each column takes.
        right: Whether each column holds numbers, which stand to the right.
        left_out: A sentence on what did not fit; empty where all did.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]
    right: Sequence[bool]
    left_out: str = ""


def fitted(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, rows_shown: int, width: int
) -> Page:
    """Return the first rows and columns of a table that fit, with long cells shortened.

    Args:
        columns: Names of the columns.
        rows: As many cells each.
        rows_shown: How many rows fit.
        width: How many characters fit into a row.
    """
    kept = rows[:rows_shown]
    names = [shortened(name, _CELL) for name in columns]
    cells = [[shortened(cell, _CELL) for cell in row] for row in kept]
    widths = [max(map(len, each)) for each in zip(names, *cells, strict=True)]
    fitting, used = 0, 0
    while fitting < len(names) and (not fitting or used + widths[fitting] <= width):
        used += widths[fitting] + 3
        fitting += 1
    more = []
    if len(rows) > len(kept):
        more.append(f"{len(rows) - len(kept)} more rows")
    if fitting < len(names):
        more.append(f"{len(names) - fitting} more columns")
    right = [
        any(row[at] for row in kept) and all(_is_number(row[at]) for row in kept if row[at])
        for at in range(fitting)
    ]
    return Page(
        names[:fitting],
        [row[:fitting] for row in cells],
        widths[:fitting],
        right,
        f"and {' and '.join(more)}" if more else "",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(data: bytes, name: str) -> Table:
    """Read a CSV file whose first row names the columns; short rows are filled up.

    Args:
        data: UTF-8, with or without a byte order mark.
        name: What messages call it.

    Raises:
        NotATable: it is no text, it is empty, or a row has more cells than there are columns.
    """
    try:
        text = data.decode("utf-8-sig")
        lines = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotATable(f"{name} is no CSV file: {error}") from error
    if not lines:
        raise NotATable(f"{name} is empty")
    columns, *rows = lines
    for number, row in enumerate(rows, 2):
        if len(row) > len(columns):
            raise NotATable(
                f"{name} is no table: row {number} has {len(row)} cells, the first {len(columns)}"
            )
    return Table(columns, [[*row, *[""] * (len(columns) - len(row))] for row in rows])


def read_matrix(data: bytes, name: str) -> Matrix:
    """Read a confusion matrix: classes in the first row and the first column, counts between.

    Raises:
        NotATable: it is no such thing; the message says what is in the way.
    """
    table = read_table(data, name)
    labels = list(table.columns[1:])
    if not labels or [row[0] for row in table.rows] != labels:
        raise NotATable(
            f"{name} is no confusion matrix: its rows are not named as its columns are",
            hint="Log one with run.log_confusion_matrix; --table draws any CSV file.",
        )
    counts = [[_count(cell, name) for cell in row[1:]] for row in table.rows]
    return Matrix(table.columns[0], labels, counts)


def _count(cell: str, name: str) -> float:
    try:
        count = float(cell)
    except ValueError:
        count = math.nan
    if not 0 <= count < math.inf:
        raise NotATable(f"{name} is no confusion matrix: {cell!r} is no count")
    return count
