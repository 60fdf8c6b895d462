"""Removing artifacts that no record holds, as ``runref gc --artifacts`` does."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from runref.artifacts.collection import Collected, collect_local, collect_remote
from runref.artifacts.remote.store import RemoteStore
from runref.cli.output import print_json, printable, say
from runref.cli.progress import Bar, bar
from runref.cli.text import count_of, format_size
from runref.cli.transfer import error_document, tell_error
from runref.errors import ExitStatus, RunrefError
from runref.project.project import Project, open_project
from runref.project.reach import Reach, reach
from runref.project.remotes import Remote

LOCAL = "local store"


def collect_artifacts(
    project: Project,
    names: Sequence[str],
    *,
    min_age: float,
    also: Sequence[str],
    lost: Sequence[str],
    all_remotes: bool,
    dry_run: bool,
    as_json: bool,
) -> ExitStatus:
    """Remove what no record holds, here or at remotes, and say what was done.

    Args:
        project: The repository.
        names: Remotes that are cleared instead of the local store.
        min_age: Seconds since its last use for which a content stays.
        also: Repositories whose records count, too.
        lost: Manifests that are gone for good.
        all_remotes: Every remote is cleared, and the local store.
        dry_run: Only tell.
        as_json: Tell in JSON.
    """
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
