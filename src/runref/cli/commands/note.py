"""``runref note``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, run_argument, several, store_option
from runref.cli.output import print_json, say
from runref.project.annotating import annotate


@click.command()
@click.option("-m", "--message", metavar="TEXT", help="The note; an editor opens without it.")
@run_argument("runs", nargs=-1)
@json_option
@store_option
def command(runs: tuple[str, ...], message: str | None, store: str, *, as_json: bool) -> None:
    """Add a note to runs; earlier notes stay.

    \b
    Examples:
      runref note -m "diverges after epoch 30" 4f1c
      runref note @                           # opens your editor
    """
    project = here(store)
    ids = [run.id for run in several(project, runs)]
    text = (click.edit("") or "" if message is None else message).strip()
    if not text:
        raise click.UsageError("The note is empty; nothing was added.")
    commit = annotate(project, ids, note=text)
    if as_json:
        print_json({"commit": commit, "runs": ids})
    else:
        say(f"noted on {' '.join(ids)}")
