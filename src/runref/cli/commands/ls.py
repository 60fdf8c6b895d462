"""``runref ls``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import click

from runref.cli.columns import FIELDS, all_columns, cell, sort_runs, telling_columns
from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, run_document, say, tell
from runref.cli.progress import bar
from runref.cli.table import Column, print_table
from runref.cli.text import count_of, format_duration, format_moment, format_value
from runref.errors import RunrefError
from runref.index.run_index import Unreadable
from runref.project.project import Project
from runref.store.recorded import RecordedRun

_DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs to show, newest first, how many there are, and those that could not be read."""

    runs: Sequence[RecordedRun]
    unreadable: Sequence[Unreadable]
    total: int


@click.command()
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=_DEFAULT_LIMIT,
    show_default=True,
    help="Show so many.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every run.")
@click.option("--columns", metavar="NAMES", help="Comma-separated: id, lr, val/acc, val/acc.max …")
@click.option("--sort", metavar="NAME", help="Sort by a column; -NAME: largest first.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: every parameter and metric.")
@json_option
@store_option
def command(
    limit: int,
    columns: str | None,
    sort: str | None,
    store: str,
    *,
    show_all: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List runs, newest first: live ones, then recorded ones.

    Columns show the parameters that vary among the listed runs, and the main metrics. A column is
    a field (id, started, experiment, name, tags, status, duration, verdict, record, command, host,
    author), a parameter, a metric (its last value), or METRIC.max, .min, .mean, .first, .count,
    .step_of_max, .step_of_min.

    \b
    Examples:
      runref ls
      runref ls --all --sort -val/acc --columns id,lr,val/acc.max,duration
      runref ls --json | jq '.runs[].metrics["val/acc"].max'
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    listing = list_runs(here(store), None if show_all or sort else limit)
    runs = list(listing.runs)
    names = [name for name in columns.split(",") if name] if columns else []
    if sort:
        runs = sort_runs(runs, sort)[: None if show_all else limit]
    if as_json:
        unreadable = [{"id": each.id, "problem": each.problem} for each in listing.unreadable]
        documents = [run_document(run) for run in runs]
        print_json({"runs": documents, "total": listing.total, "unreadable": unreadable})
    elif as_csv:
        _print_csv(runs, names or all_columns(runs))
    else:
        _print(runs, listing, names or telling_columns(runs))
    _name_unknown(runs, [*names, *([sort.removeprefix("-")] if sort else [])])
    _name_unreadable(listing.unreadable)


def list_runs(project: Project, limit: int | None) -> Listing:
    """Return the newest runs, after recording those that were killed or wait."""
    _recover(project)
    with bar("index") as progress:
        index = project.index(progress.update)
        live = project.live()
        recorded = index.newest(limit)
    unreadable = index.unreadable()
    total = index.count() - len(unreadable) + len(live)
    return Listing([*live, *recorded][:limit], unreadable, total)


def _recover(project: Project) -> None:
    if not project.live():
        return
    from runref.tracking.collect import recover

    try:
        recover(project.spool, project.runs, wait=0)  # whoever records runs now needs no help
    except (RunrefError, OSError) as error:  # a repository that may only be read can be listed
        tell(f"runs wait for their record: {error}")


def _print(runs: Sequence[RecordedRun], listing: Listing, names: Sequence[str]) -> None:
    if not runs:
        say("no runs yet; `runref run -- COMMAND` records one", err=True)
        return
    columns = []
    for name in names:
        values = [cell(run, name) for run in runs]
        right = any(isinstance(value, (int, float)) for value in values)
        columns.append(Column(name, [_shown(name, value) for value in values], right=right))
    print_table(columns)
    if listing.total > len(runs):
        say(f"… {listing.total - len(runs)} more: `runref ls --all`", err=True)


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    formatter = _FORMATS.get(name)
    return formatter(value) if formatter else format_value(value)


_FORMATS: Mapping[str, Callable[..., str]] = {
    "started": format_moment,
    "duration": format_duration,
    "record": lambda oid: oid[:7],
}


def _print_csv(runs: Sequence[RecordedRun], names: Sequence[str]) -> None:
    import csv
    import io

    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(
        ["" if value is None else value for value in row] for row in _rows(runs, names)
    )
    say(lines.getvalue().removesuffix("\n"))


def _rows(runs: Sequence[RecordedRun], names: Sequence[str]) -> list[list[object]]:
    return [[cell(run, name) for name in names] for run in runs]


def _name_unknown(runs: Sequence[RecordedRun], names: Sequence[str]) -> None:
    for name in dict.fromkeys(names):
        if runs and name not in FIELDS and all(cell(run, name) is None for run in runs):
            tell(f"no run listed here has {printable(name)!r}")


def _name_unreadable(unreadable: Sequence[Unreadable]) -> None:
    for each in unreadable:
        say(f"unreadable: {printable(each.problem)}", err=True)
    if unreadable:
        say(
            f"{count_of(len(unreadable), 'run')} could not be read; the others are unaffected",
            err=True,
        )
