"""Bringing what remotes have here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runref.artifacts.artifact import ArtifactDamaged
from runref.artifacts.local import LocalStore
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.transfer.checking import check
from runref.artifacts.transfer.failing import Failure
from runref.artifacts.transfer.gathering import Damage, Gathering, Outage
from runref.artifacts.transfer.progress import Meter, Silent, TransferProgress
from runref.artifacts.transfer.wanted import Needed, Wanted, expand
from runref.errors import RunrefError


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch did.

    Attributes:
        received: How many contents were received.
        received_bytes: Their bytes.
        already: How many were here before.
        missing: Contents that are not here and that no remote gave.
        damaged: What remotes have in place of contents; those that are not missing came from
            another remote.
        set_aside: Contents that were here and damaged; those that are not missing were received.
        failed: Manifests that cannot be followed, so that nobody asked for the files they name, and
            contents that are here and cannot be read.
        outages: Remotes that did not give what they may have.
        ended_by: The error that ended the fetch before everything was tried; not that of a remote,
            as the next one is asked then.
    """

    received: int = 0
    received_bytes: int = 0
    already: int = 0
    missing: tuple[str, ...] = ()
    damaged: tuple[Damage, ...] = ()
    set_aside: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    outages: tuple[Outage, ...] = ()
    ended_by: RunrefError | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything that was wanted is here now."""
        return not (self.missing or self.failed or self.ended_by)


def fetch(
    local: LocalStore,
    stores: Sequence[RemoteStore],
    wanted: Iterable[Wanted],
    *,
    concurrency: int = 16,
    verify_local: bool = False,
    progress: TransferProgress | None = None,
) -> Fetched:
    """Receive what is not here of artifacts, each content from the first remote that has it whole.

    Every byte is verified before a content gets its name here. Whatever ends a fetch, also a kill,
    the next one goes on from there, within large contents too.

    Args:
        local: Where the contents go.
        stores: Where they may be, in the order in which they are asked.
        wanted: What is to be here afterwards.
        concurrency: How many contents are received at once.
        verify_local: Read what is here too, and replace what is damaged.
        progress: Told what happens.

    Returns:
        What was done. What went wrong is in there, with what was done nevertheless.

    Raises:
        DigestInvalid: What should be a digest is none.
        StoreUnusable: The operating system does not let the local store be read.
    """
    fetching = _Fetching(local, stores, Meter(progress or Silent()), concurrency)
    needed = expand(local, wanted)
    ended_by = None
    try:
        fetching.fetch_manifests(needed)
        fetching.fetch_files(needed, verify=verify_local)
        local.sync()
    except RunrefError as error:
        ended_by = error
    return fetching.result(needed, ended_by)


class _Fetching:
    """One fetch."""

    def __init__(
        self, local: LocalStore, stores: Sequence[RemoteStore], meter: Meter, concurrency: int
    ) -> None:
        self._local = local
        self._meter = meter
        self._concurrency = concurrency
        self._gathering = Gathering(local, stores, meter, concurrency)
        self._lacking: set[str] = set()
        self._set_aside: list[str] = []
        self._failed: list[Failure] = []

    def fetch_manifests(self, needed: Needed) -> None:
        """Receive the manifests that are not here whole, and need what they name."""
        for failure in needed.failed:
            if isinstance(failure.error, ArtifactDamaged):
                self._local.set_aside(failure.digest)
                self._set_aside.append(failure.digest)
                needed.absent.add(failure.digest)
            else:
                self._failed.append(failure)
        needed.failed.clear()
        self._lacking |= needed.absent
        self._gathering.gather(dict.fromkeys(needed.absent))
        for digest in needed.absent & self._gathering.received.keys():
            needed.absent.discard(digest)
            needed.add_directory(self._local, digest)
        self._failed += needed.failed

    def fetch_files(self, needed: Needed, *, verify: bool) -> None:
        """Receive the files that are not here whole."""
        # The manifests that are lacking were asked for, some of them in vain.
        files = {each: size for each, size in needed.files.items() if each not in self._lacking}
        checked = check(
            self._local, files, verify=verify, meter=self._meter, concurrency=self._concurrency
        )
        self._lacking |= checked.lacking.keys()
        self._set_aside += checked.set_aside
        self._failed += checked.failed
        self._gathering.gather(checked.lacking)

    def result(self, needed: Needed, ended_by: RunrefError | None) -> Fetched:
        """Return what came of it."""
        received = self._gathering.received.copy()
        return Fetched(
            received=len(received),
            received_bytes=sum(received.values()),
            already=len(needed.digests - self._lacking),
            missing=tuple(sorted(self._lacking - received.keys())),
            damaged=tuple(self._gathering.damaged),
            set_aside=tuple(self._set_aside),
            failed=tuple(self._failed),
            outages=self._gathering.outages,
            ended_by=ended_by,
        )
