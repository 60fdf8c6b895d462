"""``runref restore``."""

from __future__ import annotations

import click

from runref.cli.options import (
    complete_removed,
    here,
    json_option,
    run_argument,
    several,
    store_option,
)
from runref.cli.output import print_json, say, tell
from runref.project.annotating import annotate


@click.command()
@run_argument("runs", nargs=-1, complete=complete_removed)
@json_option
@store_option
def command(runs: tuple[str, ...], store: str, *, as_json: bool) -> None:
    """Bring back runs that `runref rm` removed from lists.

    `runref ls --removed` shows them.

    \b
    Examples:
      runref restore 4f1c
      runref restore 4f1c 8a03
    """
    project = here(store)
    found = several(project, runs)
    ids = [run.id for run in found if run.removed]
    unchanged = [run.id for run in found if not run.removed]
    commit = annotate(project, ids, removed=False)
    if as_json:
        print_json({"commit": commit, "restored": ids, "unchanged": unchanged})
        return
    for run_id in unchanged:
        tell(f"run {run_id} is not removed")
    for run_id in ids:
        say(f"restored {run_id}")
