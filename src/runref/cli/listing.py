"""Lists of runs and of groups of runs, as tables, CSV and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runref.cli.numbers import format_given, format_measured
from runref.cli.output import printable, say
from runref.cli.table import Column
from runref.cli.text import format_duration, format_moment, format_size, format_value
from runref.project.columns import NamedColumn
from runref.query.reference import Collection, Metric

if TYPE_CHECKING:
    from runref.model.grouping import Group
    from runref.store.recorded import RecordedRun

_HASH_SHOWN = 7


def table_column(column: NamedColumn, values: Sequence[Any]) -> Column:
    """Return a column as people read it."""
    numbers = any(isinstance(value, (int, float)) for value in values)
    return Column(column.name, _shown(column, values), right=numbers)


def removal_columns(runs: Sequence[RecordedRun]) -> list[Column]:
    """Return when removed runs were removed, and why where somebody said so."""
    removals = [run.removed for run in runs if run.removed]
    shown = [Column("removed", [format_moment(each.time) for each in removals])]
    if any(each.text for each in removals):
        reasons = [printable(" ".join(each.text.split())) for each in removals]
        shown.append(Column("reason", reasons))
    return shown


def _key_column(column: NamedColumn, keys: Sequence[Any]) -> Column:
    from runref.model.grouping import ABSENT

    shown = table_column(column, keys)
    cells = [ABSENT if key is None else cell for key, cell in zip(keys, shown.cells, strict=True)]
    return Column(shown.name, cells, right=shown.right)


def group_columns(
    by: Sequence[NamedColumn],
    columns: Sequence[NamedColumn],
    aggregates: Sequence[str],
    groups: Sequence[Group],
) -> list[Column]:
    """Return the columns of a table of groups.

    Mean and standard deviation stand together, and a count is shown where it is not that of the
    runs.
    """
    shown = [
        _key_column(column, [group.key[place] for group in groups])
        for place, column in enumerate(by)
    ]
    shown.append(Column("runs", [str(group.runs) for group in groups], right=True))
    for place, column in enumerate(columns):
        values = [group.values[place] for group in groups]
        counts = [held.get("count", group.runs) for held, group in zip(values, groups, strict=True)]
        told = [
            name
            for name in aggregates
            if name != "count" or counts != [group.runs for group in groups]
        ]
        shown += _aggregate_columns(column, told, values)
    return shown


def print_csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print CSV (RFC 4180, but lines end as the system's do); nothing for what is missing."""
    import csv
    import io

    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if value is None else csv_cell(value) for value in row] for row in rows)
    say(lines.getvalue().removesuffix("\n"))


def csv_cell(value: Any) -> object:
    """Return a value with all its digits, collections with spaces between."""
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, (str, int, float)) else format_value(value)


def print_markdown(columns: Sequence[Column]) -> None:
    """Print a table as Markdown has it on every forge."""
    say(_markdown_row([column.name for column in columns]))
    say(_markdown_row(["---:" if column.right else "---" for column in columns], escape=False))
    for row in zip(*(column.cells for column in columns), strict=True):
        say(_markdown_row(row))


def _markdown_row(cells: Sequence[str], *, escape: bool = True) -> str:
    shown = [_escaped(cell) if escape else cell for cell in cells]
    return f"| {' | '.join(shown)} |"


def _escaped(text: str) -> str:
    for character in "\\`*_[]<>|~":
        if character in text:
            text = text.replace(character, f"\\{character}")
    return text


def _aggregate_columns(
    column: NamedColumn, aggregates: Sequence[str], values: Sequence[Mapping[str, Any]]
) -> list[Column]:
    together = "mean" in aggregates and "std" in aggregates
    shown = []
    for name in aggregates:
        if name == "std" and together:
            continue
        texts = _reduced(column, name, values)
        title = f"{column.name} {name}"
        if name == "mean" and together:
            title = f"{column.name} mean ± std"
            spreads = _reduced(column, "std", values)
            texts = [
                f"{text} ± {spread}" if spread else text
                for text, spread in zip(texts, spreads, strict=True)
            ]
        shown.append(Column(title, texts, right=True))
    return shown


def _reduced(column: NamedColumn, aggregate: str, values: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [each.get(aggregate) for each in values]
    if aggregate != "count" and column.type in _FORMATS:
        return _shown(column, cells)
    return format_measured(cells)


def _shown(column: NamedColumn, values: Sequence[Any]) -> list[str]:
    kind = column.type
    if kind in _FORMATS:
        return ["" if value is None else _FORMATS[kind](value) for value in values]
    if isinstance(column.target, Collection):
        return [printable(" ".join(value)) for value in values]
    if isinstance(column.target, Metric):
        return format_measured(values)
    return format_given(values)


_FORMATS: Mapping[str, Any] = {
    "time": format_moment,
    "seconds": format_duration,
    "bytes": lambda size: format_size(round(size)),
    "hex": lambda digits: digits.removeprefix("sha256:")[:_HASH_SHOWN],
}
