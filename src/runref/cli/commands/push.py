"""``runref push``."""

from __future__ import annotations

from typing import Any

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, tell
from runref.cli.records import default_remote, push_records
from runref.cli.text import count_of
from runref.cli.transfer import adjusted, transfer_options
from runref.errors import ExitStatus
from runref.project.project import Project


@click.command()
@click.argument("target", metavar="[GIT-REMOTE]", nargs=-1)
@click.option(
    "--artifacts/--no-artifacts",
    "artifacts",
    default=None,
    help="Only artifacts, of all runs or of those named; or only records.",
)
@transfer_options
@click.option(
    "--verify", is_flag=True, help="Artifacts: read what is there, and mend what is damaged."
)
@click.option("--dry-run", is_flag=True, help="Artifacts: only say what would be sent.")
@json_option
@store_option
def command(
    target: tuple[str, ...],
    remotes: tuple[str, ...],
    jobs: int | None,
    limit_rate: int | None,
    store: str,
    *,
    artifacts: bool | None,
    verify: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Send artifacts to their remotes, then records to a git remote (origin).

    Records go through git, with the transports and credentials that git has. What others have
    pushed meanwhile is merged first, which cannot conflict; nothing that is there is overwritten.
    With --artifacts, only artifacts are sent, and the arguments name runs: `--artifacts 4f1c`.

    Artifacts go to every remote whose settings do not say `push: false`, or to those that --remote
    names. What was interrupted goes on where it was. What is there with the right size is believed;
    with --verify, it is read back, and replaced where it is damaged. Exit status 1 where something
    that is here could not be sent, where something is damaged there and not here, where RUNs are
    named of which something is nowhere, and where the server refuses.

    \b
    Examples:
      runref push                                 # artifacts, then records to origin
      runref push --no-artifacts backup           # records alone, to the git remote backup
      runref push --artifacts --remote lab 4f1c   # what one run holds
      runref push --artifacts --verify            # mends what went bad there
    """
    if artifacts is None or not artifacts:
        _require_one(target)
        if dry_run or verify:
            raise click.UsageError("--dry-run and --verify go with --artifacts.")
    project = here(store)
    documents: list[dict[str, object]] = []
    status = ExitStatus.DONE
    if artifacts or (artifacts is None and _has_remotes(project, remotes)):
        from runref.cli.pushing_artifacts import ArtifactsPush, push_artifacts

        asked = ArtifactsPush(target if artifacts else (), verify, dry_run)
        chosen = adjusted(project.remotes.to_push(remotes), jobs, limit_rate)
        documents, status = push_artifacts(project, chosen, asked, quiet=as_json)
    records: dict[str, Any] | None = None
    if not artifacts:
        git_remote = target[0] if target else default_remote(project)
        records, told = push_records(project, git_remote, quiet=as_json)
        status = max(status, told)
    if as_json:
        print_json({"dry_run": dry_run, "remotes": documents, "records": records})
    return status


def _require_one(target: tuple[str, ...]) -> None:
    if len(target) > 1:
        raise click.UsageError("One git remote at a time; runs are named with --artifacts.")


def _has_remotes(project: Project, names: tuple[str, ...]) -> bool:
    """Tell whether artifacts have a place to go; say so where there are some and no place."""
    if names or any(remote.push for remote in project.remotes.all):
        return True
    from runref.project.holdings import holdings

    if not project.remotes.all and (held := holdings(project)):
        tell(
            f"{count_of(len(held), 'artifact')} stay here alone: there is no remote for them "
            "(`runref remote add NAME URL`)"
        )
    return False
