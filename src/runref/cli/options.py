"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from runref.errors import RunrefError
from runref.project.project import Project, open_project

F = TypeVar("F", bound=Callable[..., Any])

_COMPLETIONS = 50

store_option = click.option(
    "--store",
    envvar="RUNREF_STORE",
    metavar="REPOSITORY",
    default="",
    help="Record into this git repository; the code is then the current folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def here(store: str = "") -> Project:
    """Return the project of the current folder."""
    return open_project(Path.cwd(), os.environ, store=store)


def complete_run(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the newest runs, by the random part of their ids."""
    try:
        runs = here(os.environ.get("RUNREF_STORE", "")).index().newest(_COMPLETIONS)
    except (RunrefError, OSError):
        return []  # completion has no place to tell an error
    return [
        CompletionItem(run.id[9:17], help=f"{run.record.experiment} {run.record.status}".strip())
        for run in runs
        if run.id[9:].startswith(incomplete)
    ]


def run_argument(name: str = "run", *, nargs: int = 1, required: bool = True) -> Callable[[F], F]:
    """Declare an argument that names a run."""
    return click.argument(
        name,
        nargs=nargs,
        required=required,
        metavar="RUN" if nargs == 1 else "RUN...",
        shell_complete=complete_run,
    )
