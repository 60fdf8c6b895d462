"""``runref gc``."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from runref.artifacts.artifact import DigestInvalid, digest_hex
from runref.artifacts.collection import Collected, collect_local, collect_remote
from runref.artifacts.remote.store import RemoteStore
from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, say
from runref.cli.progress import Bar, bar
from runref.cli.text import count_of, format_size
from runref.cli.transfer import error_document, tell_error
from runref.errors import ExitStatus, RunrefError
from runref.model.times import parse_duration
from runref.project.project import Project, open_project
from runref.project.reach import Reach, reach
from runref.project.remotes import Remote

LOCAL = "local store"


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _digests(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    try:
        for value in values:
            digest_hex(value)
    except DigestInvalid as error:
        raise click.BadParameter(error.message) from error
    return values


@click.command()
@click.option("--artifacts", is_flag=True, required=True, help="Remove contents of files.")
@click.option("--remote", "names", multiple=True, metavar="NAME", help="At this remote instead.")
@click.option("--all-remotes", is_flag=True, help="At every remote, and here.")
@click.option(
    "--min-age",
    callback=_seconds,
    default="14d",
    show_default=True,
    metavar="AGE",
    help="Keep what was stored or used in this time: 12h, 14d.",
)
@click.option(
    "--also",
    type=click.Path(exists=True, file_okay=False),
    multiple=True,
    metavar="REPOSITORY",
    help="Keep what the records of this repository hold, too.",
)
@click.option(
    "--lost",
    callback=_digests,
    multiple=True,
    metavar="DIGEST",
    help="A directory's manifest that is gone for good.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would go; without --remote, of all.")
@json_option
@store_option
def command(
    names: tuple[str, ...],
    min_age: float,
    also: tuple[str, ...],
    lost: tuple[str, ...],
    store: str,
    *,
    artifacts: bool,  # noqa: ARG001 - the only thing there is to remove yet
    all_remotes: bool,
    dry_run: bool,
    as_json: bool,
) -> ExitStatus:
    """Remove the artifacts that no record holds any more, here or at remotes.

    Held is what runs name as input or output: runs of the runs ref, live ones, and those of any
    other ref, so that a git tag on an older state of the history keeps what it needs. What was
    stored or used lately stays, and so does what another clone said it needs when it pushed.

    Without --remote, only the local store is cleared; a dry run looks at every remote, too.

    \b
    Examples:
      runref gc --artifacts --dry-run
      runref gc --artifacts --remote lab --min-age 30d
    """
    project = here(store)
    everywhere = all_remotes or (dry_run and not names)
    remotes = project.remotes.all if everywhere else project.remotes.chosen(names)
    projects = [project, *(open_project(Path(path), project.environ) for path in also)]
    stores, unusable = _connect(project.remotes.by_distance() if project.remotes.all else ())
    failed = {each.name: unusable[each.name] for each in remotes if each.name in unusable}
    reached = reach(projects, list(stores.values()), lost)
    found: dict[str, Collected] = {}
    if all_remotes or not names:
        with _progress(LOCAL) as shown:
            found[LOCAL] = collect_local(
                project.artifacts,
                reached.digests,
                min_age,
                dry_run=dry_run,
                on_removed=shown.advance,
            )
    for name in [each.name for each in remotes if each.name in stores]:
        try:
            with _progress(name) as shown:
                found[name] = collect_remote(
                    stores[name],
                    reached.digests,
                    reached.runs,
                    min_age,
                    who=_who(project),
                    dry_run=dry_run,
                    on_removed=shown.advance,
                )
        except RunrefError as problem:  # the others may be well
            failed[name] = problem
    if failed and not found:
        raise next(iter(failed.values()))
    if as_json:
        print_json(_document(found, failed, reached, dry_run=dry_run))
    else:
        _tell(found, reached, dry_run=dry_run)
    for name, error in failed.items():
        tell_error(name, error)
    return ExitStatus.NO if failed else ExitStatus.DONE


def _connect(
    remotes: Sequence[Remote],
) -> tuple[dict[str, RemoteStore], dict[str, RunrefError]]:
    stores: dict[str, RemoteStore] = {}
    failed: dict[str, RunrefError] = {}
    for remote in remotes:
        try:
            stores[remote.name] = remote.connect()
        except RunrefError as error:
            failed[remote.name] = error
    return stores, failed


def _who(project: Project) -> str:
    return f"{project.repository.identity()} on {socket.gethostname()}"


@contextmanager
def _progress(place: str) -> Iterator[Bar]:
    with bar(f"removing from {place}") as shown:
        yield shown


def _tell(found: dict[str, Collected], reached: Reach, *, dry_run: bool) -> None:
    for place, each in found.items():
        freed = f"{count_of(each.freed.count, 'artifact')} that no record holds, "
        freed += format_size(each.freed.size) + (" to be freed" if dry_run else " freed")
        kept = f"{each.held.count} held"
        if each.young.count:
            kept += f", {each.young.count} ({format_size(each.young.size)}) too young"
        if each.claimed.count:
            kept += f", {each.claimed.count} ({format_size(each.claimed.size)}) claimed by a push"
        say(f"{printable(place)}: {freed}; {kept}")
        if each.partial.count:
            begun = count_of(each.partial.count, "transfer") + " given up long ago"
            say(f"  {begun}, {format_size(each.partial.size)}")
    for ref, count in reached.refs.items():
        say(f"{printable(ref)} holds {count_of(count, 'run')} that the runs ref does not")


def _document(
    found: dict[str, Collected],
    failed: dict[str, RunrefError],
    reached: Reach,
    *,
    dry_run: bool,
) -> dict[str, object]:
    places = [
        {"name": name, "kind": "local" if name == LOCAL else "remote", **asdict(each)}
        for name, each in found.items()
    ]
    return {
        "dry_run": dry_run,
        "places": places,
        "failed": [
            {"remote": name, "error": error_document(error)} for name, error in failed.items()
        ],
        "refs": reached.refs,
    }
