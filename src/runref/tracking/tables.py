"""Tables and confusion matrices as CSV, the format that every program reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runref.model.values import to_number, to_plain


def path_of(name: str) -> str:
    """Return the path under which a table of this name stands among the outputs."""
    ending = "" if name.endswith(".csv") else ".csv"
    return f"tables/{name}{ending}"


def table_text(columns: Sequence[Any], rows: Iterable[Any]) -> str:
    """Return a table as CSV: the columns' names in the first row; floats keep all their digits.

    Args:
        columns: Names of the columns.
        rows: As many cells each, or mappings from columns to cells; what a mapping lacks, and
            None, is empty.

    Raises:
        ValueError: there are no columns, or a row has another number of cells.
    """
    names = [str(name) for name in columns]
    if not names:
        raise ValueError("a table needs at least one column")
    lines = [names]
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping):
            by_name = {str(name): cell for name, cell in row.items()}
            if odd := [name for name in by_name if name not in names]:
                raise ValueError(f"row {number} has a cell for {odd[0]!r}, which is no column")
            cells = [by_name.get(name) for name in names]
        else:
            cells = list(row)
        if len(cells) != len(names):
            raise ValueError(f"row {number} has {len(cells)} cells for {len(names)} columns")
        lines.append([_cell(cell) for cell in cells])
    return _csv(lines)


def matrix_text(labels: Sequence[Any], matrix: Iterable[Any]) -> str:
    """Return a confusion matrix as CSV: classes in the first row and column, counts between.

    Args:
        labels: The classes.
        matrix: For each true class, how often each class was predicted.

    Raises:
        ValueError: it is not square, or a count is negative or no number.
    """
    names = [str(label) for label in labels]
    rows = [[to_number(count) for count in row] for row in matrix]
    if not names or len(rows) != len(names) or any(len(row) != len(names) for row in rows):
        shape = f"{len(rows)} x {max(map(len, rows), default=0)}"
        raise ValueError(f"a confusion matrix of {shape} does not fit {len(names)} classes")
    if any(not 0 <= count < float("inf") for row in rows for count in row):
        raise ValueError("a confusion matrix holds counts: finite numbers from 0 on")
    counts = [[_cell(count) for count in row] for row in rows]
    return _csv(
        [[r"true \ predicted", *names], *([n, *row] for n, row in zip(names, counts, strict=True))]
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    item = getattr(value, "item", None)  # scalars of numpy, torch and their like
    plain = to_plain(item() if callable(item) else value)
    return plain if isinstance(plain, str) else repr(plain)


def _csv(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
