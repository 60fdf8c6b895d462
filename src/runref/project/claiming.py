"""Saying at a remote what the records of this repository rely on; see ADR 0008."""

from __future__ import annotations

from collections.abc import Collection

from runref.artifacts.remote.claimed import Claimed
from runref.artifacts.remote.claims import Claimant, claim, withdraw
from runref.artifacts.remote.store import RemoteStore
from runref.project.project import Project
from runref.project.remotes import Remote
from runref.tracking.stores import artifacts_path


def claim_at(
    project: Project, remote: Remote, store: RemoteStore, digests: Collection[str]
) -> None:
    """Claim what this clone has not claimed at a remote lately.

    Args:
        project: The repository whose records name the digests.
        remote: The remote.
        store: The same remote, connected.
        digests: What is to be there, whether it is now or not.

    Raises:
        RemoteBusy: A gc is going on there.
    """
    common_dir = project.repository.common_dir
    claimed = _claimed(project, remote)
    new = claimed.without(digests)
    if not new:
        return
    folder = project.repository.root or common_dir
    name = claim(store, Claimant(_oldest_run(project), folder.name), new)
    claimed.remember(new, name)


def withdraw_at(
    project: Project, remote: Remote, store: RemoteStore, digests: Collection[str]
) -> None:
    """Take back what this clone has claimed of some contents; raises as `withdraw`.

    Args:
        project: The repository.
        remote: The remote.
        store: The same remote, connected.
        digests: What no record here holds any more.
    """
    claimed = _claimed(project, remote)
    old = claimed.names()
    claimed.withdrawn(digests, old, withdraw(store, old, digests))


def _claimed(project: Project, remote: Remote) -> Claimed:
    return Claimed(artifacts_path(project.repository.common_dir) / "claimed", remote.url)


def _oldest_run(project: Project) -> str:
    # By its start: a number at random orders the runs of one day, and one that nobody else has
    # seen must not stand for the history.
    index = project.index()
    return index.oldest() or min(index.ids())
