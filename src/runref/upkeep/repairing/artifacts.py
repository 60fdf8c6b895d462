"""Artifacts, brought back from remotes to here and from here to remotes."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.local import LocalStore
from runref.artifacts.receiving import PARTIAL
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.transfer.gathering import Gathering
from runref.artifacts.transfer.progress import Meter, TransferProgress
from runref.artifacts.transfer.push import Pushed, push_needed
from runref.artifacts.transfer.wanted import Needed
from runref.errors import RunrefError
from runref.upkeep.checking.artifacts import follow_manifests
from runref.upkeep.checking.contents import Contents


class LocalMender:
    """Mends the local store.

    Contents are received beside it, and take their places when they are whole: a source that has
    nothing better leaves what is here as it is.

    Attributes:
        mended: Digests of what was brought back.
        problems: What sources said instead of giving something.

    Args:
        local: The local store.
        aside: Folder in which contents are received.
        sources: Where they may be, the nearest first.
        meter: Told what arrives.
        concurrency: How many are received at once.
    """

    def __init__(
        self,
        local: LocalStore,
        aside: Path,
        sources: Sequence[RemoteStore],
        meter: Meter,
        concurrency: int,
    ) -> None:
        self._local = local
        self._aside = aside
        self._received = LocalStore(aside)
        self._sources = sources
        self._meter = meter
        self._concurrency = concurrency
        self.mended: list[str] = []
        self.problems: list[str] = []

    def bring(self, contents: Contents, wanted: Collection[str]) -> None:
        """Bring back contents, and what the manifests among them turn out to name.

        Raises:
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """
        known = contents.digests
        self._bring(wanted)
        follow_manifests(self._local, contents)
        self._bring(each for each in contents.digests - known if not self._is_whole(each))

    def close(self) -> None:
        """Remove the folder in which contents were received; those that came are in their places.

        What was received in part stays, for the next attempt to go on with.
        """
        if not any(self._aside.glob(f"tmp/*{PARTIAL}")):
            shutil.rmtree(self._aside, ignore_errors=True)

    def _bring(self, wanted: Iterable[str]) -> None:
        gathering = Gathering(self._received, self._sources, self._meter, self._concurrency)
        # A record may say any size; the digest is what counts.
        gathering.gather({digest: None for digest in wanted if not self._took(digest)})
        for digest in gathering.received:
            self._take(digest)
        self.problems += [f"{each.remote}: {each.error.message}" for each in gathering.outages]
        self.problems += [
            f"{each.remote} has something else in the place of {each.digest}"
            for each in gathering.damaged
        ]

    def _took(self, digest: str) -> bool:
        """Take what an attempt that was killed had received already."""
        try:
            self._received.verify(digest)
        except (ArtifactMissing, ArtifactDamaged):
            return False
        self._take(digest)
        return True

    def _take(self, digest: str) -> None:
        self._local.mend(digest, self._received.path_of(digest))
        self.mended.append(digest)

    def _is_whole(self, digest: str) -> bool:
        try:
            self._local.verify(digest)
        except RunrefError:
            return False
        return True


class Sender:
    """Sends to a remote what is missing or damaged there, and whole here.

    Args:
        local: The local store.
        store: The remote.
        progress: Told what moves.
        concurrency: How many contents are sent at once.
    """

    def __init__(
        self, local: LocalStore, store: RemoteStore, progress: TransferProgress, concurrency: int
    ) -> None:
        self._local = local
        self._store = store
        self._progress = progress
        self._concurrency = concurrency

    def send(self, contents: Contents, wanted: Collection[str]) -> tuple[Pushed, Pushed]:
        """Send contents, and return what was done for files, and for manifests.

        Manifests go last: where one is, its files are.
        """
        files = [each for each in wanted if each not in contents.directories]
        manifests = [each for each in wanted if each in contents.directories]
        return self._push(files), self._push(manifests)

    def _push(self, digests: Collection[str]) -> Pushed:
        return push_needed(
            self._local,
            self._store,
            Needed(files=dict.fromkeys(digests)),
            concurrency=self._concurrency,
            verify=True,
            progress=self._progress,
        )
