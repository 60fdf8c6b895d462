"""``runref pull``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click

from runref.artifacts.transfer.fetch import Fetched, fetch
from runref.artifacts.transfer.wanted import Wanted
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, say
from runref.cli.progress import transfer_bar
from runref.cli.transfer import (
    adjusted,
    error_document,
    failure_documents,
    moved,
    require_artifacts,
    tell_error,
    tell_failed,
    tell_some,
    transfer_options,
)
from runref.errors import ExitStatus
from runref.project.holdings import holdings
from runref.project.project import Project
from runref.project.remotes import Remote
from runref.project.supply import connected


@click.command()
@run_argument("runs", nargs=-1, required=False)
@transfer_options
@json_option
@store_option
def command(
    runs: tuple[str, ...],
    remotes: tuple[str, ...],
    jobs: int | None,
    limit_rate: int | None,
    store: str,
    *,
    artifacts: bool,
    as_json: bool,
) -> int:
    """Bring the artifacts of RUNs, or of all recorded runs, from remotes to the local store.

    Each comes from the nearest remote that has it, and is verified on arrival. The working tree is
    not touched: `runref get` writes there, and needs no pull before. Exit status 1 where something
    is neither here nor at a remote.

    \b
    Examples:
      runref pull --artifacts 4f1c                # before the train leaves
      runref pull --artifacts --remote lab --limit-rate 20MB
    """
    require_artifacts(artifacts=artifacts, verb="pull")
    project = here(store)
    near = project.remotes.chosen(remotes) or project.remotes.by_distance()
    chosen = adjusted(near, jobs, limit_rate)
    done = pull_from(project, chosen, holdings(project, runs))
    if done.missing and not done.received and len(done.outages) == len(chosen):
        raise done.outages[0].error
    if as_json:
        print_json(_document(done))
    else:
        what = moved(done.received, done.received_bytes) if done.received else "nothing"
        say(f"{what} received, {done.already:,} here already")
    _tell_problems(done)
    return ExitStatus.DONE if done.is_complete else ExitStatus.NO


def pull_from(project: Project, remotes: Sequence[Remote], wanted: Sequence[Wanted]) -> Fetched:
    """Bring here what is not, each from the first of `remotes` that has it."""
    with transfer_bar("artifacts") as progress:
        stores, unusable = connected(remotes, progress.retry)
        done = fetch(
            project.artifacts,
            stores,
            wanted,
            concurrency=max(remote.concurrency for remote in remotes),
            progress=progress,
        )
    return replace(done, outages=(*unusable, *done.outages))


def _tell_problems(done: Fetched) -> None:
    for each in done.outages:
        tell_error(each.remote, each.error)
    for remote in dict.fromkeys(each.remote for each in done.damaged):
        damaged = [each.digest for each in done.damaged if each.remote == remote]
        tell_some(remote, damaged, "damaged there")
    tell_some("here", done.set_aside, "damaged, and set aside")
    tell_some("artifacts", done.missing, "neither here nor at a remote")
    tell_failed("here", done.failed)
    if done.ended_by:
        tell_error("here", done.ended_by)


def _document(done: Fetched) -> dict[str, object]:
    outages = [
        {"remote": each.remote, "error": error_document(each.error)} for each in done.outages
    ]
    return {
        "received": done.received,
        "received_bytes": done.received_bytes,
        "already": done.already,
        "missing": done.missing,
        "damaged": done.damaged,
        "set_aside": done.set_aside,
        "failed": failure_documents(done.failed),
        "outages": outages,
        "ended_by": error_document(done.ended_by),
    }
