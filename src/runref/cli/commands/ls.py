"""``runref ls``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import (
    format_duration,
    format_moment,
    format_value,
    print_json,
    print_table,
    run_document,
    say,
)
from runref.cli.progress import bar
from runref.index.run_index import Unreadable
from runref.model.difference import flatten, same_value
from runref.project.project import Project
from runref.store.recorded import RecordedRun
from runref.tracking.collect import recover
from runref.tracking.message import main_metrics

_VARYING_SHOWN = 6
_DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs to show, newest first, and those that could not be read."""

    runs: Sequence[RecordedRun]
    unreadable: Sequence[Unreadable]
    total: int


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=_DEFAULT_LIMIT, show_default=True)
@click.option("--all", "show_all", is_flag=True, help="Every run.")
@click.option("--columns", metavar="NAMES", help="Comma-separated: id, lr, val/acc, val/acc.max …")
@click.option("--sort", metavar="NAME", help="Sort by a column; -NAME: largest first.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
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
) -> int | None:
    """List runs, newest first: live ones, then recorded ones.

    Columns show the parameters that vary among the listed runs, and the main metrics.

    \b
    Examples:
      runref ls
      runref ls --all --sort -val/acc --columns id,lr,val/acc.max,duration
      runref ls --json | jq '.runs[].metrics["val/acc"].max'
    """
    listing = list_runs(here(store), None if show_all or sort else limit)
    runs = list(listing.runs)
    if sort:
        runs = sort_runs(runs, sort)[: None if show_all else limit]
    if as_json:
        print_json(
            {
                "runs": [run_document(run) for run in runs],
                "total": listing.total,
                "unreadable": [{"id": u.id, "problem": u.problem} for u in listing.unreadable],
            }
        )
    elif as_csv:
        names = columns.split(",") if columns else _columns(runs)
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows([_exact(cell(run, name)) for name in names] for run in runs)
    else:
        _print(runs, listing, columns.split(",") if columns else None)
    _name_unreadable(listing.unreadable)
    return None


def list_runs(project: Project, limit: int | None) -> Listing:
    """Return the newest runs, after recording those that were killed or wait."""
    recover(project.spool, project.runs)
    with bar("index") as progress:
        index = project.index(progress.update)
        live = project.live()
        recorded = index.newest(limit)
    return Listing([*live, *recorded][:limit], index.unreadable(), index.count() + len(live))


def sort_runs(runs: Sequence[RecordedRun], by: str) -> list[RecordedRun]:
    """Return runs in the order of a column; those that lack it come last."""
    name, descending = by.lstrip("-"), by.startswith("-")
    have = [run for run in runs if cell(run, name) not in (None, "")]
    lack = [run for run in runs if cell(run, name) in (None, "")]

    def key(run: RecordedRun) -> tuple[int, object]:
        value = cell(run, name)
        numeric = isinstance(value, (int, float))
        return (0, value) if numeric and value == value else (1, str(value))  # noqa: PLR0124 - NaN

    return sorted(have, key=key, reverse=descending) + lack


def cell(run: RecordedRun, name: str) -> object:
    """Return what a run has in a column: a field, a parameter, a metric, or ``metric.max``."""
    record = run.record
    if name in _FIELDS:
        return _FIELDS[name](run)
    params = flatten({key: each.value for key, each in record.params.items()})
    if name in params:
        return params[name]
    if name in record.metrics:
        return record.metrics[name].last
    metric, _, part = name.rpartition(".")
    if metric in record.metrics and part in _METRIC_PARTS:
        return getattr(record.metrics[metric], part)
    return record.summary.get(name)


_METRIC_PARTS = frozenset(
    {"last", "min", "max", "mean", "first", "count", "last_step", "step_of_min", "step_of_max"}
)
_FIELDS: dict[str, Callable[[RecordedRun], object]] = {
    "id": lambda run: run.id,
    "started": lambda run: run.record.started,
    "status": lambda run: run.record.status,
    "experiment": lambda run: run.record.experiment,
    "name": lambda run: run.record.name,
    "tags": lambda run: " ".join(run.additions.tags),
    "duration": lambda run: run.record.duration,
    "host": lambda run: run.record.host,
    "author": lambda run: run.record.author,
    "record": lambda run: run.tree,
    "verdict": lambda run: run.record.reproduction.verdict if run.record.reproduction else "",
}


def _columns(runs: Sequence[RecordedRun]) -> list[str]:
    """Return the columns worth showing: those with something to tell these runs apart."""
    names = ["id", "started", "experiment"]
    names += [name for name in ("name", "tags") if any(cell(run, name) for run in runs)]
    names += ["status", "duration"]
    names += _varying(runs)
    metrics: dict[str, None] = {}
    for run in runs:
        metrics.update(dict.fromkeys(name for name, _ in main_metrics(run.record.metrics)))
    names += list(metrics)[:_VARYING_SHOWN]
    if any(run.record.reproduction for run in runs):
        names.append("verdict")
    return list(dict.fromkeys(names))


def _varying(runs: Sequence[RecordedRun]) -> list[str]:
    values: dict[str, list[object]] = {}
    for run in runs:
        for name, value in flatten({k: v.value for k, v in run.record.params.items()}).items():
            values.setdefault(name, []).append(value)
    return [
        name
        for name, held in values.items()
        if len(held) < len(runs) or not all(same_value(held[0], each) for each in held)
    ][:_VARYING_SHOWN]


def _print(runs: Sequence[RecordedRun], listing: Listing, columns: list[str] | None) -> None:
    if not runs:
        say("no runs yet; `runref run -- COMMAND` records one", err=True)
        return
    names = columns or _columns(runs)
    rows = [[_shown(name, cell(run, name)) for name in names] for run in runs]
    right = {
        place
        for place, name in enumerate(names)
        if any(isinstance(cell(run, name), (int, float)) for run in runs)
    }
    print_table(names, rows, right)
    if listing.total > len(runs):
        say(f"… {listing.total - len(runs)} more: `runref ls --all`", err=True)


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "started":
        return format_moment(str(value))
    if name == "duration" and isinstance(value, float):
        return format_duration(value)
    if name == "record":
        return str(value)[:7]
    return format_value(value)


def _exact(value: object) -> object:
    return "" if value is None else value


def _name_unreadable(unreadable: Sequence[Unreadable]) -> None:
    for each in unreadable:
        say(f"unreadable: {each.problem}", err=True)
    if unreadable:
        say(f"{len(unreadable)} runs could not be read; the others are unaffected", err=True)
