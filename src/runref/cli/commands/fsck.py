"""``runref fsck``."""

from __future__ import annotations

from pathlib import Path

import click

from runref.cli.checking import Bars, document, show
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json
from runref.errors import ExitStatus
from runref.upkeep.fsck import SAMPLE, Request, fsck
from runref.upkeep.repair import repair


@click.command()
@run_argument("runs", nargs=-1, required=False)
@click.option(
    "--remote", "names", multiple=True, metavar="NAME", help="Look at this remote, too; repeatable."
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Read N contents of each remote, drawn anew each time.  [default: {SAMPLE}]",
)
@click.option("--full", is_flag=True, help="Read all of each remote, and every earlier state.")
@click.option("--repair", "mend", is_flag=True, help="Bring back what a remote or clone has.")
@click.option(
    "--from",
    "clones",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="PATH",
    help="Repair from this clone instead of git remotes.",
)
@json_option
@store_option
def command(
    runs: tuple[str, ...],
    names: tuple[str, ...],
    sample: int | None,
    clones: tuple[Path, ...],
    store: str,
    *,
    full: bool,
    mend: bool,
    as_json: bool,
) -> int:
    """Check everything that the history claims, or RUNs alone: exit status 1 where damage is found.

    Commits, trees, records, files, snapshots, series and annotations are read and compared with
    the record; artifacts here with their digests. With --remote, that the remote has them, and of
    some that their content is right. What was not checked is said.

    With --repair, what is missing or damaged is brought back: git objects from the git remotes,
    artifacts from the artifact remotes, and to the remotes named what they lack and this clone has.
    Nothing is deleted: damaged files are set aside.

    \b
    Examples:
      runref fsck
      runref fsck 4f1c --remote lab --full
      runref fsck --repair --from ../colleague/project
    """
    if full and sample is not None:
        raise click.UsageError("--full reads everything: it takes no --sample.")
    if clones and not mend:
        raise click.UsageError("--from says where --repair brings things from.")
    project = here(store)
    request = Request(
        runs=runs,
        remotes=project.remotes.chosen(names),
        sample=None if full else SAMPLE if sample is None else sample,
        full=full,
    )
    found = fsck(project, request, Bars())
    repaired = None
    if mend and found.damage:
        repaired, found = repair(project, request, found, clones, Bars())
    if as_json:
        print_json(document(found, repaired))
    else:
        show(found, repaired)
    return ExitStatus.NO if found.damage or any(r.error for r in found.remotes) else ExitStatus.DONE
