"""``runref tag``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, run_argument, several, store_option
from runref.cli.output import print_json, printable, say
from runref.project.annotating import annotate


@click.command()
@click.option("-a", "--add", "add", multiple=True, metavar="TAG", help="Add a tag.")
@click.option("-d", "--remove", "remove", multiple=True, metavar="TAG", help="Remove a tag.")
@run_argument("runs", nargs=-1)
@json_option
@store_option
def command(
    runs: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    store: str,
    *,
    as_json: bool,
) -> None:
    """Add tags to runs, or remove them; the record itself never changes.

    \b
    Examples:
      runref tag -a baseline 4f1c
      runref tag -d baseline -a retired 4f1c 8a03
    """
    if not add and not remove:
        raise click.UsageError("Name a tag with --add or --remove.")
    if not all(each.strip() for each in (*add, *remove)):
        raise click.UsageError("A tag cannot be empty.")
    project = here(store)
    ids = [run.id for run in several(project, runs)]
    commit = annotate(project, ids, add_tags=add, remove_tags=remove)
    tags = {run_id: list(project.read(run_id).additions.tags) for run_id in ids}
    if as_json:
        print_json({"commit": commit, "tags": tags})
        return
    for run_id, held in tags.items():
        say(f"{run_id}  {printable(' '.join(held)) or '(no tags)'}")
