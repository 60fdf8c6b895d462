"""``runref amend``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, run_argument, several, store_option
from runref.cli.output import print_json, printable, say, tell
from runref.model.annotations import ENDINGS
from runref.project.annotating import annotate
from runref.store.recorded import RecordedRun


@click.command()
@click.option("-n", "--name", metavar="NAME", help="The name from now on; '' for none.")
@click.option("--status", type=click.Choice(ENDINGS), help="The status from now on.")
@click.option("-m", "--message", metavar="NOTE", default="", help="Why; kept as a note.")
@run_argument("runs", nargs=-1)
@json_option
@store_option
def command(
    runs: tuple[str, ...],
    name: str | None,
    status: str | None,
    message: str,
    store: str,
    *,
    as_json: bool,
) -> None:
    """Correct the name or the status of runs; the record itself never changes.

    Lists, queries and documents have the corrected values from now on; show also tells what was
    recorded. Of several corrections the latest counts.

    \b
    Examples:
      runref amend 4f1c --name "wide, without dropout"
      runref amend 4f1c --status failed -m "the loss was NaN from epoch 3 on"
    """
    if name is None and status is None:
        raise click.UsageError("Say what to correct with --name or --status.")
    name = None if name is None else name.strip()
    project = here(store)
    found = several(project, runs)
    ids = [run.id for run in found if not _says(run, name, status)]
    unchanged = [run.id for run in found if _says(run, name, status)]
    commit = annotate(project, ids, name=name, status=status or "", note=message.strip())
    if as_json:
        print_json({"commit": commit, "amended": ids, "unchanged": unchanged})
        return
    for run_id in unchanged:
        tell(f"run {run_id} says so already")
    for run_id in ids:
        run = project.read(run_id)
        say(f"{run_id}  {printable(' '.join(filter(None, (run.status, run.name))))}")


def _says(run: RecordedRun, name: str | None, status: str | None) -> bool:
    return name in (None, run.name) and status in (None, run.status)
