"""``runref push``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from runref.artifacts.transfer.push import Pushed, push_needed
from runref.artifacts.transfer.wanted import Wanted, expand
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, say, tell
from runref.cli.progress import transfer_bar
from runref.cli.text import count_of
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
from runref.errors import ExitStatus, RunrefError
from runref.project.claiming import claim_at
from runref.project.holdings import holdings
from runref.project.project import Project
from runref.project.remotes import Remote


@click.command()
@run_argument("runs", nargs=-1, required=False)
@transfer_options
@click.option(
    "--verify", is_flag=True, help="Also read what is there, and send anew what is damaged."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
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
    verify: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Send to remotes what they lack of the artifacts of RUNs, or of all recorded runs.

    Without --remote, to every remote whose settings do not say `push: false`. What was interrupted
    goes on where it was. What is there with the right size is believed; with --verify, all of it is
    read back, and what is damaged there is replaced by what is here. Exit status 1 where something
    that is here could not be sent, where something is damaged there and not here, and where RUNs
    are named of which something is neither here nor at the remote.

    \b
    Examples:
      runref push --artifacts                     # only what is missing there
      runref push --artifacts --remote lab 4f1c
      runref push --artifacts --dry-run --json
      runref push --artifacts --verify            # mends what went bad there
    """
    require_artifacts(artifacts=artifacts, verb="push")
    project = here(store)
    chosen = adjusted(project.remotes.to_push(remotes), jobs, limit_rate)
    wanted = holdings(project, runs)
    pushed: dict[str, Pushed] = {}
    for remote in chosen:
        done = push_to(project, remote, wanted, verify=verify, dry_run=dry_run)
        if done.ended_by and not done.sent and len(chosen) == 1:
            raise done.ended_by
        pushed[remote.name] = done
        if not as_json:
            say(f"{remote.name}: {_summary(done, dry_run=dry_run)}")
        _tell_problems(remote.name, done)
    if as_json:
        documents = [_document(name, done) for name, done in pushed.items()]
        print_json({"dry_run": dry_run, "remotes": documents})
    return _status(pushed.values(), named=bool(runs))


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
