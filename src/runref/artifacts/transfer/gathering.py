"""Receiving contents from several remotes, each from the first that has it whole."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.local import LocalStore
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable
from runref.artifacts.transfer.crew import Crew
from runref.artifacts.transfer.failing import REMOTE_ERRORS, Patience
from runref.artifacts.transfer.progress import FileMeter, Meter
from runref.artifacts.transfer.receive import receive
from runref.errors import RunrefError

Size = TypeVar("Size", int, int | None)


@dataclass(frozen=True, slots=True)
class Damage:
    """A content in whose place a remote has something else.

    Attributes:
        digest: The content.
        remote: Name of the remote.
    """

    digest: str
    remote: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A remote that did not give what it may have.

    Attributes:
        remote: Its name.
        error: What it said, at first.
    """

    remote: str
    error: RunrefError


class _Source:
    """A remote, and whether there is sense in asking it for more."""

    def __init__(self, store: RemoteStore) -> None:
        self.store = store
        self.first_error: RunrefError | None = None
        self.given_up = False


class Gathering:
    """Receives contents, and notes which remote was the trouble.

    Attributes:
        received: Digests of what was received, with sizes in bytes.
        damaged: What remotes had in place of contents, in the order in which it was met.
    """

    def __init__(
        self, local: LocalStore, stores: Iterable[RemoteStore], meter: Meter, concurrency: int
    ) -> None:
        self._local = local
        self._sources = [_Source(store) for store in stores]
        self._meter = meter
        self._concurrency = concurrency
        self.received: dict[str, int] = {}
        self.damaged: list[Damage] = []

    @property
    def outages(self) -> tuple[Outage, ...]:
        """The remotes that failed, each once."""
        return tuple(
            Outage(source.store.name, source.first_error)
            for source in self._sources
            if source.first_error is not None
        )

    def gather(self, wanted: Mapping[str, int | None]) -> None:
        """Receive contents.

        All remotes are asked before the first byte moves, each for what those before it lack.

        Args:
            wanted: Digests, with sizes in bytes where they are known; what has another is damaged.

        Raises:
            StoreFull: There is no room here.
            StoreUnusable: The operating system does not let the local store be written.
        """
        if not wanted:
            return
        batches = self._locate(wanted)
        self._meter.expect(sum(sum(batch.values()) for batch in batches), sum(map(len, batches)))
        failed: dict[str, int] = {}
        for source, batch in zip(self._sources, batches, strict=True):
            second = self._ask(source, {digest: wanted[digest] for digest in failed})
            # Of a manifest nobody knew the size, and the remote before may have had half of it.
            self._meter.expect(sum(second[digest] - failed[digest] for digest in second), 0)
            batch.update(second)
            self._receive_all(source, batch)
            failed = _without({**failed, **batch}, self.received)

    def _locate(self, wanted: Mapping[str, int | None]) -> list[dict[str, int]]:
        """Return what to receive from which remote, with sizes in bytes."""
        batches: list[dict[str, int]] = []
        left = dict(wanted)
        for source in self._sources:
            batches.append(self._ask(source, left))
            left = _without(left, batches[-1])
        return batches

    def _ask(self, source: _Source, wanted: Mapping[str, int | None]) -> dict[str, int]:
        """Return what a remote has with the right size."""
        if not wanted or source.given_up:
            return {}
        try:
            present = source.store.present(wanted.keys())
        except REMOTE_ERRORS as error:
            self._give_up(source, error)
            return {}
        found = {digest: size for digest, size in present.items() if wanted[digest] in (None, size)}
        for digest in present.keys() - found.keys():
            self._blame(source, digest)
        return found

    def _receive_all(self, source: _Source, batch: Mapping[str, int]) -> None:
        """Receive what one remote gives."""
        patience = Patience()

        def work(digest: str, stop: threading.Event) -> None:
            meter = FileMeter(self._meter, batch[digest], stop)
            try:
                receive(self._local, source.store, digest, batch[digest], meter)
            except ArtifactMissing:  # it was removed meanwhile, which is no fault of the remote
                meter.begin(0)
            except ArtifactDamaged:
                meter.begin(0)
                self._blame(source, digest)
            except RemoteUnreachable as error:
                meter.begin(0)
                self._note(source, error)
                patience.lose(error)
            else:
                self.received[digest] = batch[digest]
                meter.complete()
                patience.renew()

        if source.given_up:
            return
        largest_first = sorted(batch, key=batch.__getitem__, reverse=True)
        try:
            Crew(work, largest_first, threads=self._concurrency).run()
        except REMOTE_ERRORS as error:
            self._give_up(source, error)

    def _blame(self, source: _Source, digest: str) -> None:
        self.damaged.append(Damage(digest, source.store.name))
        self._meter.notice(f"{source.store.name} has other content in place of {digest}")

    def _give_up(self, source: _Source, error: RunrefError) -> None:
        source.given_up = True
        self._note(source, error)

    def _note(self, source: _Source, error: RunrefError) -> None:
        if source.first_error is None:
            source.first_error = error
            self._meter.notice(f"{source.store.name}: {error.message}")


def _without(wanted: Mapping[str, Size], found: Mapping[str, int]) -> dict[str, Size]:
    return {digest: size for digest, size in wanted.items() if digest not in found}
