"""Groups of runs in place of runs: ``runref ls --group-by``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from runref.cli.listing import group_columns, print_csv, print_markdown
from runref.cli.output import print_json, printable, say, tell, to_json
from runref.cli.table import print_table
from runref.cli.text import count_of
from runref.model.grouping import AGGREGATES, Group, Grouped, group, order_of
from runref.model.headline import main_metrics
from runref.project.columns import Cells, NamedColumn, named_columns
from runref.project.searching import CannotSort, Search
from runref.query.fields import BY_NAME
from runref.query.offered import LIST, MAPPING
from runref.query.reference import Collection, Field, Metric, Parameter, Reference, SummaryValue

if TYPE_CHECKING:
    from runref.query.condition import Condition
    from runref.query.names import Target

_NUMERIC = frozenset({"number", "seconds", "bytes"})


def list_groups(  # noqa: PLR0917 - the parts of one request
    search: Search,
    query: str,
    group_by: str,
    columns: str,
    aggregates: Sequence[str],
    sort: Sequence[str],
    limit: int | None,
    form: str,
) -> None:
    """Print what the runs of each group come to.

    Args:
        search: Where the runs are.
        query: Which runs.
        group_by: Names of what the runs of a group have in common, with commas between.
        columns: Names of what is to be reduced; the main metrics where it is empty.
        aggregates: Names of what numbers are to come to.
        sort: Names of columns; with ``-`` before them, largest first.
        limit: At most so many groups.
        form: ``table``, ``json``, ``csv`` or ``markdown``.

    Raises:
        click.UsageError: there is no such aggregate.
        QueryInvalid: a name is unknown, or the query is wrong.
        CannotSort: groups are to be sorted by something that is not shown.
    """
    for name in aggregates:
        if name not in AGGREGATES:
            raise click.UsageError(f"--agg: {name!r} is none of {', '.join(AGGREGATES)}.")
    if search.is_empty:  # no name is known yet
        _print((), (), (), (), form, total=0)
        return
    condition = search.condition(query)
    by = _single(named_columns(search, group_by), "group by")
    reduced = _numeric(search, columns) if columns else _main(search, query)
    found = group(_rows(search, by, reduced, condition), len(by), aggregates)
    groups = _sorted(found.groups, by, reduced, sort)[:limit]
    _print(by, reduced, aggregates, groups, form, total=len(found.groups))
    _name_left_out(found, reduced)


def _rows(
    search: Search,
    by: Sequence[NamedColumn],
    reduced: Sequence[NamedColumn],
    condition: Condition | None,
) -> Sequence[tuple[Any, ...]]:
    columns = [*by, *reduced]
    if any(_can_have_parts(search, each.target) for each in by):  # these are in the records alone
        runs, cells = search.find(condition).runs, Cells(search)
        return list(zip(*(cells.column(each, runs) for each in columns), strict=True))
    return [row[1:] for row in search.values(list(map(_reference, columns)), condition)]


def _can_have_parts(search: Search, target: Target) -> bool:
    types: frozenset[str] = frozenset()
    if isinstance(target, Parameter):
        types = search.catalogue.parameters()[target.path]
    if isinstance(target, SummaryValue):
        types = search.catalogue.summary()[target.path]
    return bool(types & {LIST, MAPPING})


def _print(
    by: Sequence[NamedColumn],
    reduced: Sequence[NamedColumn],
    aggregates: Sequence[str],
    groups: Sequence[Group],
    form: str,
    *,
    total: int,
) -> None:  # fmt: skip
    if form == "json":
        print_json({"groups": [_document(each, by, reduced) for each in groups], "total": total})
        return
    if form == "csv":
        names = [f"{each.name} {name}" for each in reduced for name in aggregates]
        print_csv(
            [*(each.name for each in by), "runs", *names],
            [_row(each, aggregates) for each in groups],
        )
        return
    if not groups:
        say("no run meets it", err=True)
        return
    shown = group_columns(by, reduced, aggregates, groups)
    (print_markdown if form == "markdown" else print_table)(shown)
    if total > len(groups):
        say(f"… {count_of(total - len(groups), 'more group')}: `--all`", err=True)


def _document(
    each: Group, by: Sequence[NamedColumn], reduced: Sequence[NamedColumn]
) -> dict[str, Any]:
    return {
        "by": {column.name: to_json(value) for column, value in zip(by, each.key, strict=True)},
        "runs": each.runs,
        "values": {
            column.name: to_json(values)
            for column, values in zip(reduced, each.values, strict=True)
        },
    }


def _row(each: Group, aggregates: Sequence[str]) -> list[Any]:
    values = [held.get(name) for held in each.values for name in aggregates]
    return [*each.key, each.runs, *values]


def _sorted(
    groups: Sequence[Group],
    by: Sequence[NamedColumn],
    reduced: Sequence[NamedColumn],
    sort: Sequence[str],
) -> list[Group]:
    ordered = list(groups)
    for text in reversed(sort):
        name, descending = text.removeprefix("-"), text.startswith("-")
        value = _value_of(name, by, reduced)
        held = [(value(each), each) for each in ordered]
        nothing = [each for each_value, each in held if _is_nothing(each_value)]
        present = [pair for pair in held if not _is_nothing(pair[0])]
        present.sort(key=lambda pair: order_of(pair[0]), reverse=descending)
        ordered = [each for _, each in present] + nothing
    return ordered


def _is_nothing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN


def _value_of(
    name: str, by: Sequence[NamedColumn], reduced: Sequence[NamedColumn]
) -> Callable[[Group], Any]:
    names = [each.name for each in by]
    if name in names:
        place = names.index(name)
        return lambda each: each.key[place]
    if name == "runs":
        return lambda each: each.runs
    names = [each.name for each in reduced]
    base, _, aggregate = name.rpartition(" ")
    if name in names:
        base, aggregate = name, ""
    if base not in names:
        raise CannotSort(
            f"groups cannot be sorted by {printable(name)!r}: it is not shown",
            hint="Sort by a column of the table: a name of --group-by or --columns, or `runs`.",
        )
    place = names.index(base)
    return lambda each: each.values[place].get(aggregate or next(iter(each.values[place]), ""))


def _numeric(search: Search, columns: str) -> list[NamedColumn]:
    """Return the columns that can be reduced; the others are named and left out."""
    chosen = []
    for each in named_columns(search, columns):
        if isinstance(each.target, Collection) or not _can_be_number(search, each.target):
            tell(f"{printable(each.name)} has no numbers: it is left out of groups")
        else:
            chosen.append(each)
    return chosen


def _can_be_number(search: Search, target: Reference) -> bool:
    if isinstance(target, Field):
        return BY_NAME[target.name].type in _NUMERIC
    if isinstance(target, Parameter):
        return "number" in search.catalogue.parameters()[target.path]
    if isinstance(target, SummaryValue):
        return "number" in search.catalogue.summary()[target.path]
    return isinstance(target, Metric)


def _main(search: Search, query: str) -> list[NamedColumn]:
    newest = search.find(search.condition(query), limit=1).runs
    names = [name for run in newest for name, _ in main_metrics(run.record.metrics)]
    return [
        *(NamedColumn(name, Metric(name)) for name in names),
        NamedColumn("duration", Field("duration")),
    ]


def _single(columns: Sequence[NamedColumn], doing: str) -> Sequence[NamedColumn]:
    for each in columns:
        if isinstance(each.target, Collection):
            raise CannotSort(
                f"a run has several {each.target.name}: nothing to {doing}",
                hint="Group by a field, a parameter or a summary value.",
            )
    return columns


def _reference(column: NamedColumn) -> Reference:
    target = column.target
    if isinstance(target, Collection):
        raise TypeError(f"{target.name} is a collection")
    return target


def _name_left_out(found: Grouped, reduced: Sequence[NamedColumn]) -> None:
    for column, count in zip(reduced, found.left_out, strict=False):
        if count:
            tell(f"{printable(column.name)}: {count_of(count, 'value')} NaN or no number, left out")
