"""``runref forget``."""

from __future__ import annotations

import click

from runref.cli.forgetting import (
    forgotten_document,
    known_remotes,
    plan_document,
    status_of,
    tell_forgotten,
    tell_plan,
)
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json
from runref.errors import ExitStatus


@click.command()
@run_argument("runs", nargs=-1)
@click.option("--reason", default="", metavar="TEXT", help="Why; it stays in the history.")
@click.option(
    "--remote",
    "remotes",
    multiple=True,
    metavar="GIT-REMOTE",
    help="Replace the history there, too; by default, at the remotes it was pushed to or pulled "
    "from.",
)
@click.option("--local", is_flag=True, help="Leave all remotes as they are.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@store_option
def command(
    runs: tuple[str, ...],
    reason: str,
    remotes: tuple[str, ...],
    store: str,
    *,
    local: bool,
    dry_run: bool,
    as_json: bool,
) -> ExitStatus:
    """Forget RUNs: take them out of the history for good, and free what only they held.

    The history begins anew without them and their annotations. A tombstone stays: the id, who
    forgot it, when and why; so they do not come back from clones that still have them. Their
    snapshots, series and artifacts are removed here, at the remotes of artifacts, and from the
    history of git remotes. `runref rm` only hides a run.

    A run that was forgotten before is not forgotten again; what could not be freed then is freed
    now. Exit status 1 where something of it is still there.

    \b
    Examples:
      runref forget --dry-run 4f1c
      runref forget 4f1c 8a03 --reason "personal data"
      runref forget 4f1c --reason "wrong repository" --local
    """
    from runref.upkeep.forgetting import forget, named
    from runref.upkeep.plan import plan_forgetting

    if local and remotes:
        raise click.UsageError("Give --local or --remote, not both.")
    project = here(store)
    project.recover()
    found = named(project, runs)
    if dry_run:
        plan = plan_forgetting(project, found.recorded)
        print_json(plan_document(plan)) if as_json else tell_plan(plan)
        return ExitStatus.DONE
    chosen = () if local else remotes or known_remotes(project)
    done = forget(project, found, reason, remotes=chosen, local=local)
    print_json(forgotten_document(done)) if as_json else tell_forgotten(done)
    return status_of(done)
