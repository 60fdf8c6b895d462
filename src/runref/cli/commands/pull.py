"""``runref pull``."""

from __future__ import annotations

from typing import Any

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json
from runref.cli.records import default_remote, pull_records
from runref.cli.transfer import adjusted, transfer_options


@click.command()
@click.argument("target", metavar="[GIT-REMOTE]", nargs=-1)
@click.option("--artifacts", is_flag=True, help="Only artifacts, of all runs or of those named.")
@transfer_options
@json_option
@store_option
def command(
    target: tuple[str, ...],
    remotes: tuple[str, ...],
    jobs: int | None,
    limit_rate: int | None,
    store: str,
    *,
    artifacts: bool,
    as_json: bool,
) -> int:
    """Bring records from a git remote (origin) and merge them, which cannot conflict.

    What comes is looked at before anything of it counts: what runref would not have written is
    refused. Artifacts come when they are needed, by `runref get` and `reproduce`.

    With --artifacts, those of all runs, or of runs that the arguments name, come now, each from the
    nearest remote that has it, and verified on arrival. The working tree is not touched. Exit
    status 1 where something is neither here nor at a remote, and where the git remote has lost runs
    that it had.

    \b
    Examples:
      runref pull                                 # records from origin
      runref pull https://forge.example/team.git  # or from anywhere that git reaches
      runref pull --artifacts 4f1c                # before the train leaves
    """
    project = here(store)
    if artifacts:
        from runref.cli.pulling_artifacts import pull_artifacts

        near = project.remotes.chosen(remotes) or project.remotes.by_distance()
        chosen = adjusted(near, jobs, limit_rate)
        document, status = pull_artifacts(project, chosen, target, quiet=as_json)
        records: dict[str, Any] | None = None
    else:
        if len(target) > 1:
            raise click.UsageError("One git remote at a time; runs are named with --artifacts.")
        if remotes or jobs or limit_rate:
            raise click.UsageError("--remote, --jobs and --limit-rate go with --artifacts.")
        git_remote = target[0] if target else default_remote(project)
        records, status = pull_records(project, git_remote, quiet=as_json)
        document = {}
    if as_json:
        print_json({"records": records, "artifacts": document or None})
    return status
