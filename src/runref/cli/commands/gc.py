"""``runref gc``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from runref.artifacts.artifact import DigestInvalid, digest_hex
from runref.cli.collecting import collect_artifacts
from runref.cli.options import here, json_option, store_option
from runref.cli.retaining import retain
from runref.errors import ExitStatus
from runref.model.times import parse_duration
from runref.project.retention_settings import RetentionSettings

F = TypeVar("F", bound=Callable[..., Any])


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _age(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value:
        _seconds(context, parameter, value)
    return value


def _digests(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    try:
        for value in values:
            digest_hex(value)
    except DigestInvalid as error:
        raise click.BadParameter(error.message) from error
    return values


def _age_option(name: str, meaning: str) -> Callable[[F], F]:
    return click.option(name, default="", callback=_age, metavar="AGE", help=f"Runs: {meaning}")


@click.command()
@_age_option("--older-than", "those that started longer ago go: 90d.")
@_age_option("--failed", "failed ones of this age go.")
@_age_option("--interrupted", "interrupted ones of this age go.")
@_age_option("--removed", "those go that were removed from lists so long ago.")
@click.option(
    "--query", default="", help="Runs: only those that meet it go; without an age, all of them."
)
@click.option(
    "--keep-best",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Runs: the best N of each experiment stay.",
)
@click.option("--by", default="", metavar="METRIC", help="Runs: what the best are the best by.")
@click.option("--min", "smallest", is_flag=True, help="Runs: the smallest are the best.")
@click.option("--keep-tagged", is_flag=True, help="Runs: those with tags stay.")
@click.option("--local", is_flag=True, help="Runs: leave all remotes as they are.")
@click.option("-y", "--yes", is_flag=True, help="Runs: do not ask.")
@click.option("--artifacts", is_flag=True, help="Remove contents of files, and no runs.")
@click.option("--remote", "names", multiple=True, metavar="NAME", help="Artifacts: there instead.")
@click.option("--all-remotes", is_flag=True, help="Artifacts: at every remote, and here.")
@click.option(
    "--min-age",
    callback=_seconds,
    default="14d",
    show_default=True,
    metavar="AGE",
    help="Artifacts: keep what was stored or used in this time: 12h, 14d.",
)
@click.option(
    "--also",
    type=click.Path(exists=True, file_okay=False),
    multiple=True,
    metavar="REPOSITORY",
    help="Artifacts: keep what the records of this repository hold, too.",
)
@click.option(
    "--lost",
    callback=_digests,
    multiple=True,
    metavar="DIGEST",
    help="Artifacts: a directory's manifest that is gone for good.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only tell what would go; of artifacts without --remote, everywhere.",
)
@json_option
@store_option
def command(
    older_than: str,
    failed: str,
    interrupted: str,
    removed: str,
    query: str,
    keep_best: int,
    by: str,
    names: tuple[str, ...],
    min_age: float,
    also: tuple[str, ...],
    lost: tuple[str, ...],
    store: str,
    *,
    smallest: bool,
    keep_tagged: bool,
    local: bool,
    yes: bool,
    artifacts: bool,
    all_remotes: bool,
    dry_run: bool,
    as_json: bool,
) -> ExitStatus:
    """Forget runs by a policy, or with --artifacts remove the contents that no record holds.

    Runs go where an age or the query lets them go, and neither --keep-best nor --keep-tagged keeps
    them. Without options, the policy is that of `retention:` in .runref.yaml. They are forgotten as
    by `runref forget`: here, at the remotes of artifacts, and in the history of git remotes. A dry
    run names them, with the reason of each and the bytes; without it, it is asked before.

    Of artifacts, held is what runs name as input or output: runs of the runs ref, live ones, and
    those of any other ref, so that a git tag on an older state of the history keeps what it needs.
    What was stored or used lately stays, and so does what another clone said it needs when it
    pushed. Without --remote, only the local store is cleared; a dry run looks at every remote, too.

    \b
    Examples:
      runref gc --failed 30d --keep-best 5 --by val/acc --keep-tagged --dry-run
      runref gc --query 'experiment == "scratch"' --older-than 7d
      runref gc --artifacts --dry-run
      runref gc --artifacts --remote lab --min-age 30d
    """
    settings = RetentionSettings(
        older_than, failed, interrupted, removed, query, keep_best, by, smallest, keep_tagged
    )
    if artifacts:
        if settings != RetentionSettings() or local or yes:
            raise click.UsageError("Give --artifacts, or what is to become of runs, not both.")
        return collect_artifacts(
            here(store),
            names,
            min_age=min_age,
            also=also,
            lost=lost,
            all_remotes=all_remotes,
            dry_run=dry_run,
            as_json=as_json,
        )
    if names or all_remotes or also or lost:
        raise click.UsageError("--remote, --all-remotes, --also and --lost go with --artifacts.")
    return retain(here(store), settings, local=local, yes=yes, dry_run=dry_run, as_json=as_json)
