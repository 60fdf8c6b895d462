"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from runref.cli.output import printable, tell
from runref.errors import RunrefError
from runref.project.project import Project, open_project

if TYPE_CHECKING:
    from runref.index.run_index import RunIndex
    from runref.store.recorded import RecordedRun

F = TypeVar("F", bound=Callable[..., Any])

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""Returns what may stand in the place of an incomplete argument."""

_COMPLETIONS = 50

store_option = click.option(
    "--store",
    envvar="RUNREF_STORE",
    metavar="REPOSITORY",
    default="",
    help="Use this git repository; the code is then the current folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def here(store: str = "") -> Project:
    """Return the project of the current folder."""
    return open_project(Path.cwd(), os.environ, store=store, tell=tell)


def several(project: Project, addresses: Sequence[str]) -> list[RecordedRun]:
    """Return the recorded runs that are named, each once; raises what `Project.resolve` raises."""
    index = project.index()
    found = [project.resolve(each, index) for each in addresses]
    return list({run.id: run for run in found}.values())


def complete_run(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the newest runs, by the random part of their ids."""
    return _offered(lambda index: index.newest(), incomplete)


def complete_removed(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the runs that were removed from lists, by the random part of their ids."""
    return _offered(lambda index: index.removed(), incomplete)


def _offered(
    among: Callable[[RunIndex], Sequence[RecordedRun]], incomplete: str
) -> list[CompletionItem]:
    try:
        runs = among(here(os.environ.get("RUNREF_STORE", "")).index())
    except (RunrefError, OSError):
        return []  # completion has no place to tell an error
    place = 0 if "-" in incomplete else 9  # the whole id, or its random part
    matching = (run for run in runs if run.id[place:].startswith(incomplete))
    return [
        CompletionItem(run.id[place:], help=_completion_help(run))
        for run in islice(matching, _COMPLETIONS)
    ]


def _completion_help(run: RecordedRun) -> str:
    """Return one line beside a run's id; shells take no newlines and no tabs in it."""
    record = run.record
    words = (record.experiment, run.name, run.status, shlex.join(record.command.argv))
    return printable(" ".join(filter(None, words)))[:60]


def run_argument(
    name: str = "run",
    *,
    nargs: int = 1,
    required: bool = True,
    complete: Complete = complete_run,
) -> Callable[[F], F]:
    """Declare an argument that names a run."""
    return click.argument(
        name,
        nargs=nargs,
        required=required,
        metavar="RUN" if nargs == 1 else "RUN...",
        shell_complete=complete,
    )
