"""Sending artifacts: what ``runref push`` does besides records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runref.artifacts.transfer.push import Pushed, push_needed
from runref.artifacts.transfer.wanted import Wanted, expand
from runref.cli.output import say, tell
from runref.cli.progress import transfer_bar
from runref.cli.text import count_of
from runref.cli.transfer import (
    error_document,
    failure_documents,
    moved,
    tell_error,
    tell_failed,
    tell_some,
)
from runref.errors import ExitStatus, RunrefError
from runref.project.claiming import claim_at
from runref.project.holdings import holdings
from runref.project.project import Project
from runref.project.remotes import Remote


@dataclass(frozen=True, slots=True)
class ArtifactsPush:
    """What is to be sent, and how.

    Attributes:
        runs: Addresses of runs; all runs where none is given.
        verify: Read what is there, and send anew what is damaged.
        dry_run: Only say what would be sent.
    """

    runs: Sequence[str] = ()
    verify: bool = False
    dry_run: bool = False


def push_artifacts(
    project: Project, remotes: Sequence[Remote], asked: ArtifactsPush, *, quiet: bool
) -> tuple[list[dict[str, object]], ExitStatus]:
    """Send artifacts to remotes and say what was done.

    Args:
        project: The repository.
        remotes: Where they go.
        asked: What is to be sent.
        quiet: Whether stdout is kept for a document.

    Returns:
        What was done at each remote, as JSON shows it, and the exit status.
    """
    wanted = holdings(project, asked.runs)
    pushed: dict[str, Pushed] = {}
    for remote in remotes:
        done = push_to(project, remote, wanted, verify=asked.verify, dry_run=asked.dry_run)
        if done.ended_by and not done.sent and len(remotes) == 1:
            raise done.ended_by
        pushed[remote.name] = done
        if not quiet:
            say(f"{remote.name}: {_summary(done, dry_run=asked.dry_run)}")
        _tell_problems(remote.name, done)
    documents = [_document(name, done) for name, done in pushed.items()]
    return documents, _status(pushed.values(), named=bool(asked.runs))


def push_to(
    project: Project,
    remote: Remote,
    wanted: Sequence[Wanted],
    *,
    verify: bool = False,
    dry_run: bool = False,
) -> Pushed:
    """Send to one remote what it lacks; what ended the push is in what it returns."""
    with transfer_bar(f"to {remote.name}") as progress:
        try:
            needed = expand(project.artifacts, wanted)
            store = remote.connect(on_retry=progress.retry)
            if not dry_run:
                claim_at(project, remote, store, needed.digests)
            return push_needed(
                project.artifacts,
                store,
                needed,
                concurrency=remote.concurrency,
                verify=verify,
                dry_run=dry_run,
                progress=progress,
            )
        except RunrefError as error:  # the other remotes may be well
            return Pushed(ended_by=error)


def _summary(done: Pushed, *, dry_run: bool) -> str:
    verb = "to send" if dry_run else "sent"
    there = f"{done.already:,} there already"
    what = moved(done.sent, done.sent_bytes) if done.sent else "nothing"
    return f"{what} {verb}, {there}"


def _tell_problems(name: str, done: Pushed) -> None:
    if done.replaced:
        tell(f"{name}: {count_of(len(done.replaced), 'file')} had another size or content there")
    tell_some(name, done.damaged, "damaged there, and not here")
    tell_some(name, done.missing, "neither here nor there")
    tell_some(name, done.withheld, "no use without the files that they name, and not sent")
    tell_failed(name, done.failed)
    if done.ended_by:
        tell_error(name, done.ended_by)


def _document(name: str, done: Pushed) -> dict[str, object]:
    return {
        "remote": name,
        "sent": done.sent,
        "sent_bytes": done.sent_bytes,
        "already": done.already,
        "replaced": done.replaced,
        "damaged": done.damaged,
        "missing": done.missing,
        "withheld": done.withheld,
        "failed": failure_documents(done.failed),
        "ended_by": error_document(done.ended_by),
    }


def _status(pushed: Iterable[Pushed], *, named: bool) -> ExitStatus:
    """Return the exit status.

    What a clone does not have it cannot send. Where all of the history is pushed, as after each
    day's work, that is usual: others recorded it and have not pushed yet. Where runs are named, it
    is asked whether these are safe at the remote, and the answer is no.
    """
    for done in pushed:
        if done.failed or done.ended_by or done.damaged or (named and not done.is_complete):
            return ExitStatus.NO
    return ExitStatus.DONE
