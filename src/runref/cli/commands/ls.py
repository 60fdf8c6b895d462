"""``runref ls``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import click

from runref.cli.listing import print_csv, print_markdown, removal_columns, table_column
from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, run_document, say, tell
from runref.cli.paging import paged
from runref.cli.progress import bar
from runref.cli.table import print_table
from runref.cli.unread import name_unread
from runref.errors import RunrefError
from runref.project.columns import (
    Cells,
    NamedColumn,
    all_columns,
    named_columns,
    telling_columns,
)
from runref.project.project import Project
from runref.project.searching import Found, Search

_DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be listed, and how.

    Attributes:
        query: Which runs.
        sort: Columns to sort by; with ``-`` before them, largest first.
        limit: At most so many; none for all.
        columns: Names of columns, with commas between; the telling ones where it is empty.
        group_by: Names of columns whose values runs have in common; empty for single runs.
        aggregates: Names of what the numbers of a group are to come to.
        form: ``table``, ``json``, ``csv`` or ``markdown``.
        removed: Whether it is among removed runs, not among the others.
    """

    query: str
    sort: Sequence[str]
    limit: int | None
    columns: str
    group_by: str
    aggregates: str
    form: str
    removed: bool


@click.command()
@click.argument("query", default="")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=_DEFAULT_LIMIT,
    show_default=True,
    help="Show so many.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every run.")
@click.option("--columns", metavar="NAMES", default="", help="Comma-separated: id,lr,val/acc.max …")
@click.option(
    "--sort", metavar="NAME", multiple=True, help="Sort by NAME; -NAME: largest first. Repeatable."
)
@click.option("--group-by", metavar="NAMES", default="", help="One line for runs that share these.")
@click.option(
    "--agg",
    metavar="NAMES",
    default="mean,std,count",
    show_default=True,
    help="Of groups: mean, std, count, min, max, median, sum.",
)
@click.option("--removed", is_flag=True, help="List the runs that `runref rm` removed instead.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, numbers with all digits.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table.")
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
@json_option
@store_option
def command(
    query: str,
    limit: int,
    columns: str,
    sort: tuple[str, ...],
    group_by: str,
    agg: str,
    store: str,
    *,
    show_all: bool,
    removed: bool,
    as_csv: bool,
    as_markdown: bool,
    watch: bool,
    as_json: bool,
) -> None:
    """List runs, newest first: live ones, then recorded ones.

    QUERY says which: fields, parameters, metrics and more, compared with ==, !=, <, <=, >, >=, in,
    ~ (regular expression) and `is missing`, put together with and, or, not. All of the language is
    in docs/reference/query.md.

    Columns show the parameters that vary among the listed runs, and the main metrics. A column is
    any name of a query, or tags, inputs, outputs. METRIC is its last value; METRIC.max, .min,
    .mean, .first, .count, .step_of_max, .step_of_min are others.

    \b
    Examples:
      runref ls 'val/acc > 0.9 and lr < 1e-2 and "baseline" not in tags' --sort -val/acc
      runref ls 'status == "failed" and started > 7d ago' --all
      runref ls --columns id,lr,val/acc.max,duration --group-by optimizer --agg mean,std,count
      runref ls --json | jq '.runs[].metrics["val/acc"].max'
    """
    forms = [
        name
        for name, wanted in (("json", as_json), ("csv", as_csv), ("markdown", as_markdown))
        if wanted
    ]
    if len(forms) > 1:
        raise click.UsageError(f"--{forms[0]} and --{forms[1]} exclude each other.")
    request = Request(
        query=query,
        sort=sort,
        limit=None if show_all else limit,
        columns=columns,
        group_by=group_by,
        aggregates=agg,
        form=forms[0] if forms else "table",
        removed=removed,
    )
    project = here(store)
    if watch:
        from runref.cli.watching import watch as show_again

        show_again(lambda picture: _list(project, request, picture))
        return
    _list(project, request, lambda: paged(enabled=request.form == "table"))


def _list(
    project: Project, request: Request, shown: Callable[[], AbstractContextManager[None]]
) -> None:
    with searching(project, removed=request.removed) as search, shown():
        if request.group_by:
            from runref.cli.grouped import list_groups
            from runref.query.parse import split_names

            aggregates = split_names(request.aggregates)
            list_groups(search, request.query, request.group_by, request.columns,
                        aggregates, request.sort, request.limit, request.form)  # fmt: skip
        else:
            _list_runs(search, request)
        name_unread(search)


@contextmanager
def searching(project: Project, *, removed: bool = False) -> Iterator[Search]:
    """Yield a search, after recording runs that were killed or wait.

    Args:
        project: The repository.
        removed: Whether it is among the runs that were removed from lists.
    """
    _recover(project)
    with bar("index") as progress:
        search = Search(project, progress.update, removed=removed)
    yield search


def _list_runs(search: Search, request: Request) -> None:
    if search.is_empty:  # no name is known yet
        found, columns = Found((), 0), None
    else:
        condition = search.condition(request.query)
        sort = [search.sort_key(each) for each in request.sort]
        columns = named_columns(search, request.columns) if request.columns else None
        found = search.find(condition, sort=sort, limit=request.limit)
    unreadable = search.unreadable()
    if request.form == "json":
        print_json(
            {
                "runs": [run_document(run) for run in found.runs],
                "total": found.total,
                "unreadable": [{"id": each.id, "problem": each.problem} for each in unreadable],
            }
        )
    elif request.form == "csv":
        shown = columns or all_columns(found.runs)
        print_csv([each.name for each in shown], _rows(search, found, shown))
    else:
        _print(search, found, columns or telling_columns(found.runs), request)


def _print(search: Search, found: Found, columns: Sequence[NamedColumn], request: Request) -> None:
    if not found.runs:
        _print_none(search, request)
        return
    cells = Cells(search)
    shown = [table_column(each, cells.column(each, found.runs)) for each in columns]
    if request.removed and not request.columns:
        shown += removal_columns(found.runs)
    if request.form == "markdown":
        print_markdown(shown)
    else:
        print_table(shown)
    if found.total > len(found.runs):
        say(f"… {found.total - len(found.runs)} more: `runref ls --all`", err=True)


def _why_none(search: Search, request: Request) -> str:
    if request.query:
        return "no run meets it"
    if request.removed:
        return "no run was removed"
    if removed := search.count_removed():
        return f"no runs but {removed} that were removed: `runref ls --removed`"
    return "no runs yet; `runref run -- COMMAND` records one"


def _print_none(search: Search, request: Request) -> None:
    say(_why_none(search, request), err=True)
    if not request.query or search.is_empty:
        return
    if (condition := search.condition(request.query)) is None:
        return
    from runref.query.digests import taken_for_paths

    for each in taken_for_paths(condition):
        name = each.collection.name
        tell(
            f'"{each.text}" in {name} looks for a path; '
            f'a digest is written "sha256:{each.text}" in {name}'
        )


def _rows(search: Search, found: Found, columns: Sequence[NamedColumn]) -> list[tuple[object, ...]]:
    cells = Cells(search)
    held = [cells.column(each, found.runs) for each in columns]
    return list(zip(*held, strict=True))


def _recover(project: Project) -> None:
    if not project.live():
        return
    from runref.tracking.collect import recover

    try:
        recover(project.spool, project.runs, wait=0)  # whoever records runs now needs no help
    except (RunrefError, OSError) as error:  # a repository that may only be read can be listed
        tell(f"runs wait for their record: {error}")
