"""Removing what only forgotten runs held: contents, here and at remotes, and what caches know."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from runref.artifacts.clearing import Cleared, clear_local, clear_remote
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.transfer.wanted import Wanted, expand
from runref.errors import RunrefError
from runref.git.sweep_mark import renew_sweep_mark, sweeping
from runref.project.claiming import withdraw_at
from runref.project.project import Project
from runref.project.reach import Reach, reach
from runref.store.recorded import UnreadableRun, read_record
from runref.upkeep.unfinished import Unfinished

LOCAL = "local store"
CLAIMS_COUNT_SECONDS = 14 * 24 * 3600.0
_LOCK_SECONDS = 600.0


def artifacts_of(project: Project, runs: Mapping[str, str]) -> set[str]:
    """Return the digests of the contents that runs stored, as far as manifests are here.

    Of a run that cannot be read nothing is known; `runref gc --artifacts` finds what nobody holds.

    Args:
        project: The repository.
        runs: Record hash of each run by its id.
    """
    wanted: list[Wanted] = []
    for run_id, tree in runs.items():
        try:
            record = read_record(project.repository.objects, run_id, tree)
        except UnreadableRun:
            continue
        files = (*record.inputs, *record.outputs)
        wanted += [
            Wanted(each.digest, "directory" if each.kind == "directory" else "file", each.size)
            for each in files
            if each.digest and each.stored
        ]
    return expand(project.artifacts, wanted).digests


def clear_artifacts(
    project: Project,
    unfinished: Unfinished,
    cleared: dict[str, Cleared],
    problems: dict[str, RunrefError],
) -> Unfinished:
    """Remove the contents that forgotten runs held and no other one does.

    Args:
        project: The repository.
        unfinished: Which contents, and which remotes are to be cleared of them.
        cleared: Told what became of them, by place.
        problems: Told what could not be done, by place.

    Returns:
        What is left to do.
    """
    digests = unfinished.artifacts
    if not digests:
        return unfinished
    stores = _connected(project, unfinished.remotes, problems)
    if not stores and not any(map(project.artifacts.contains, digests)):
        return replace(unfinished, artifacts=digests if unfinished.remotes else ())
    try:
        with sweeping(
            project.repository.common_dir, project.repository.sharing, wait=_LOCK_SECONDS
        ):
            before = project.artifacts.make_old(digests)
            renew_sweep_mark(project.repository.common_dir, project.repository.sharing)
            reached = reach([project], list(stores.values()))
            held = reached.digests
            cleared[LOCAL] = clear_local(project.artifacts, digests, held, before)
    except RunrefError as error:
        problems[LOCAL] = error
        return unfinished
    for name, store in stores.items():
        try:
            cleared[name] = _clear_remote(project, name, store, digests, reached)
        except RunrefError as error:
            problems[name] = error
    remotes = tuple(each for each in unfinished.remotes if each in problems)
    return replace(unfinished, artifacts=digests if remotes else (), remotes=remotes)


def _clear_remote(
    project: Project, name: str, store: RemoteStore, digests: Collection[str], reached: Reach
) -> Cleared:
    unheld = set(digests) - reached.digests
    withdraw_at(project, project.remotes.named(name), store, unheld)
    return clear_remote(
        store,
        digests,
        reached.digests,
        reached.runs,
        who=f"{project.repository.identity()} on {socket.gethostname()}",
        guard=CLAIMS_COUNT_SECONDS,
    )


def _connected(
    project: Project, names: Iterable[str], problems: dict[str, RunrefError]
) -> dict[str, RemoteStore]:
    stores: dict[str, RemoteStore] = {}
    for name in names:
        try:
            stores[name] = project.remotes.named(name).connect()
        except RunrefError as error:
            problems[name] = error
    return stores


def purge_caches(project: Project, trees: Collection[str]) -> None:
    """Let the user's caches know nothing of forgotten runs any more.

    Args:
        project: The repository.
        trees: Record hashes of the runs.
    """
    project.index().count()  # it catches up, and what it drops is overwritten
    project.series.drop(trees)
