"""Bringing artifacts: what ``runref pull --artifacts`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runref.artifacts.transfer.fetch import Fetched, fetch
from runref.artifacts.transfer.wanted import Wanted
from runref.cli.output import say
from runref.cli.progress import transfer_bar
from runref.cli.transfer import (
    error_document,
    failure_documents,
    moved,
    tell_error,
    tell_failed,
    tell_some,
)
from runref.errors import ExitStatus
from runref.project.holdings import holdings
from runref.project.project import Project
from runref.project.remotes import Remote
from runref.project.supply import connected


def pull_artifacts(
    project: Project, remotes: Sequence[Remote], runs: Sequence[str], *, quiet: bool
) -> tuple[dict[str, object], ExitStatus]:
    """Bring artifacts of `runs`, or of all runs, from `remotes` and say what was done.

    Args:
        project: The repository.
        remotes: Where they may come from, the nearest first.
        runs: Addresses of runs; all runs where none is given.
        quiet: Whether stdout is kept for a document.

    Returns:
        What was done, as JSON shows it, and the exit status.
    """
    done = pull_from(project, remotes, holdings(project, runs))
    if done.missing and not done.received and len(done.outages) == len(remotes):
        raise done.outages[0].error
    if not quiet:
        what = moved(done.received, done.received_bytes) if done.received else "nothing"
        say(f"{what} received, {done.already:,} here already")
    _tell_problems(done)
    return _document(done), ExitStatus.DONE if done.is_complete else ExitStatus.NO


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
