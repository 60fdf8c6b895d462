"""``runref rm``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runref.cli.options import here, json_option, run_argument, several, store_option
from runref.cli.output import print_json, say, tell
from runref.project.annotating import annotate

_NAMED = 3
"""Runs that the way back names; of more it says where their names are."""


@click.command()
@click.option("-m", "--message", metavar="REASON", default="", help="Why; kept as a note.")
@run_argument("runs", nargs=-1)
@json_option
@store_option
def command(runs: tuple[str, ...], message: str, store: str, *, as_json: bool) -> None:
    """Remove runs from lists; nothing is deleted, and `runref restore` brings them back.

    They leave ls, queries, plots, SQL and @. Their ids and hashes still name them: show, diff,
    reproduce and get work as before. Records and artifacts stay; `runref forget` deletes them.

    \b
    Examples:
      runref rm 4f1c 8a03 -m "wrong split of the data"
      runref ls --removed
      runref restore 4f1c
    """
    project = here(store)
    found = several(project, runs)
    ids = [run.id for run in found if not run.removed]
    unchanged = [run.id for run in found if run.removed]
    commit = annotate(project, ids, removed=True, note=message.strip())
    if as_json:
        print_json({"commit": commit, "removed": ids, "unchanged": unchanged})
        return
    for run_id in unchanged:
        tell(f"run {run_id} is removed already")
    for run_id in ids:
        say(f"removed {run_id}")
    if ids:
        tell(_way_back(ids))
        tell("nothing is freed: `runref forget` deletes records and what only they held")


def _way_back(ids: Sequence[str]) -> str:
    if len(ids) > _NAMED:
        return "`runref ls --removed` shows them, `runref restore` brings them back"
    return f"`runref restore {' '.join(ids)}` brings {'it' if len(ids) == 1 else 'them'} back"
