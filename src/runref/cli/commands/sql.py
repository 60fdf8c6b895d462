"""``runref sql``."""

from __future__ import annotations

from typing import Any

import click

from runref.cli.listing import csv_cell, print_csv, print_markdown
from runref.cli.numbers import format_given
from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, say
from runref.cli.paging import paged
from runref.cli.progress import bar
from runref.cli.table import Column, print_table
from runref.cli.unread import name_unreadable
from runref.index.views import SqlAnswer, ask_sql


@click.command()
@click.argument("statement")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table.")
@json_option
@store_option
def command(statement: str, store: str, *, as_csv: bool, as_markdown: bool, as_json: bool) -> None:
    """Ask the index in SQL (SQLite's); recorded runs only, and nothing can be changed.

    \b
    runs      id, started, finished, duration, status, experiment, name, host …
    params    run, experiment, started, status, name, type, value
    summary   the same
    metrics   run, experiment, started, status, name, value (the last), first,
              min, max, mean, count, last_step, step_of_min, step_of_max
    tags      run, experiment, started, status, tag
    inputs    run, experiment, started, status, path, digest, kind, size, stored
    outputs   the same
    packages  run, experiment, started, status, name, version

    Runs that `runref rm` removed are in none of these, but in removed_runs, which has the columns
    of runs.

    NaN is null. A number over 64 bits is text.

    \b
    Examples:
      runref sql "select experiment, max(value) from metrics where name='val/acc' group by 1"
      runref sql "select tag, count(*) from tags group by tag order by 2 desc" --json
    """
    forms = [name for name, wanted in (("json", as_json), ("csv", as_csv),
             ("markdown", as_markdown)) if wanted]  # fmt: skip
    if len(forms) > 1:
        raise click.UsageError(f"--{forms[0]} and --{forms[1]} exclude each other.")
    project = here(store)
    with bar("index") as progress:
        index = project.index(progress.update)
        answer = ask_sql(index, statement)
        unreadable = index.unreadable()
    _print(answer, as_json=as_json, as_csv=as_csv, as_markdown=as_markdown)
    name_unreadable(unreadable)


def _print(answer: SqlAnswer, *, as_json: bool, as_csv: bool, as_markdown: bool) -> None:
    if as_json:
        rows = [[_plain(value) for value in row] for row in answer.rows]
        print_json({"columns": answer.columns, "rows": rows})
    elif as_csv:
        print_csv(answer.columns, [[csv_cell(_plain(value)) if value is not None else None
                                    for value in row] for row in answer.rows])  # fmt: skip
    elif not answer.rows:
        say("no rows", err=True)
    elif as_markdown:
        print_markdown(_table(answer))
    else:
        with paged(enabled=True):
            print_table(_table(answer))


def _table(answer: SqlAnswer) -> list[Column]:
    return [
        Column(
            name,
            format_given([_plain(row[place]) for row in answer.rows]),
            right=any(isinstance(row[place], (int, float)) for row in answer.rows),
        )
        for place, name in enumerate(answer.columns)
    ]


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
