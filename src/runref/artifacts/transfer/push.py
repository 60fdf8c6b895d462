"""Bringing what is here to a remote."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.local import LocalStore
from runref.artifacts.new_file import StoreUnusable
from runref.artifacts.reading import ArtifactChanged, ArtifactUnreadable, ArtifactVanished
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable
from runref.artifacts.transfer.crew import Crew
from runref.artifacts.transfer.failing import Failure, Patience
from runref.artifacts.transfer.plan import PushPlan, plan_push
from runref.artifacts.transfer.progress import FileMeter, Meter, Silent, TransferProgress
from runref.artifacts.transfer.rereading import Reread, reread
from runref.artifacts.transfer.wanted import Needed, Wanted, expand
from runref.errors import RunrefError

_OF_ONE_FILE = (
    ArtifactChanged,
    ArtifactDamaged,
    ArtifactMissing,
    ArtifactUnreadable,
    ArtifactVanished,
    StoreUnusable,
)
"""Errors of a content that is here; the others may be well."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, or would do.

    Attributes:
        sent: How many contents were sent.
        sent_bytes: Their bytes.
        already: How many were at the remote before.
        replaced: Of those that were sent, or should have been: what the remote had with another
            size or, where the push verified, with other bytes.
        damaged: Contents that the remote has with other bytes, and that are not here.
        missing: Contents that are neither here nor, with the size they should have, at the remote.
        withheld: Manifests that were not sent, as files that they name were missing or failed.
        failed: Contents that are here and could not be sent, or manifests that cannot be followed.
        ended_by: The error that ended the push before everything was tried.
    """

    sent: int = 0
    sent_bytes: int = 0
    already: int = 0
    replaced: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    ended_by: RunrefError | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything that was wanted is at the remote now."""
        lacking = self.damaged or self.missing or self.withheld
        return not (lacking or self.failed or self.ended_by)


def push(
    local: LocalStore,
    store: RemoteStore,
    wanted: Iterable[Wanted],
    *,
    concurrency: int = 16,
    verify: bool = False,
    dry_run: bool = False,
    progress: TransferProgress | None = None,
) -> Pushed:
    """Send what a remote lacks of artifacts; see `push_needed`."""
    return push_needed(
        local,
        store,
        expand(local, wanted),
        concurrency=concurrency,
        verify=verify,
        dry_run=dry_run,
        progress=progress,
    )


def push_needed(
    local: LocalStore,
    store: RemoteStore,
    needed: Needed,
    *,
    concurrency: int = 16,
    verify: bool = False,
    dry_run: bool = False,
    progress: TransferProgress | None = None,
) -> Pushed:
    """Send what a remote lacks of contents that `expand` found.

    A manifest is sent after all files that it names: where the manifest is, its files are. Whatever
    ends a push, also a kill, the next one goes on from there.

    Args:
        local: Where the contents are.
        store: Where they go.
        needed: What is to be there afterwards.
        concurrency: How many contents are sent at once.
        verify: Read what is there, and send what is damaged anew. Without, only its size counts.
        dry_run: Send nothing, and return what would be sent.
        progress: Told what happens.

    Returns:
        What was done. What went wrong is in there, with what was done nevertheless: errors of the
        remote end the push and are not raised.

    Raises:
        StoreUnusable: The operating system does not let the local store be read.
    """
    meter = Meter(progress or Silent())
    try:
        present = store.present(needed.digests) if needed.digests else {}
        plan = plan_push(needed, present, local.size_of)
        there = Reread()
        if verify:
            same = {digest: present[digest] for digest in present.keys() - plan.sizes.keys()}
            there = reread(store, same, meter=meter, concurrency=concurrency)
            for digest in there.damaged | there.gone:
                del present[digest]
            plan = plan_push(needed, present, local.size_of, damaged=there.damaged)
    except RunrefError as error:
        return Pushed(failed=tuple(needed.failed), ended_by=error)
    sending = _Sending(local, store, plan, meter, concurrency)
    ended_by = None
    if dry_run:
        sending.run(sending.sent.extend)
    else:
        ended_by = sending.carry_out()
    sent = tuple(sending.sent)
    return Pushed(
        sent=len(sent),
        sent_bytes=sum(map(plan.sizes.__getitem__, sent)),
        already=plan.already - len(there.failed),
        replaced=tuple(plan.replaced),
        damaged=tuple(each for each in plan.missing if each in there.damaged),
        missing=tuple(each for each in plan.missing if each not in there.damaged),
        withheld=tuple(sending.withheld),
        failed=(*needed.failed, *there.failed, *sending.failed),
        ended_by=ended_by,
    )


class _Sending:
    """Sends what is planned, and notes what came of it."""

    def __init__(
        self, local: LocalStore, store: RemoteStore, plan: PushPlan, meter: Meter, concurrency: int
    ) -> None:
        self._local = local
        self._store = store
        self._plan = plan
        self._meter = meter
        self._concurrency = concurrency
        self._patience = Patience()
        self.sent: list[str] = []
        self.withheld: list[str] = []
        self.failed: list[Failure] = []

    def run(self, send: Callable[[Collection[str]], None]) -> None:
        """Hand files to `send`, and then the manifests that every file is there for."""
        send(self._plan.files)
        for manifests in self._plan.rounds():
            lacking = {*self._plan.missing, *self.withheld, *(each.digest for each in self.failed)}
            whole = [each for each in manifests if lacking.isdisjoint(self._plan.manifests[each])]
            self.withheld += set(manifests).difference(whole)
            send(whole)

    def carry_out(self) -> RunrefError | None:
        """Send everything; return the error that ended it, if one did."""
        self._meter.expect(sum(self._plan.sizes.values()), len(self._plan.sizes))
        try:
            self.run(lambda digests: Crew(self._send, digests, threads=self._concurrency).run())
        except RunrefError as error:
            return error
        return None

    def _send(self, digest: str, stop: threading.Event) -> None:
        meter = FileMeter(self._meter, self._plan.sizes[digest], stop)
        try:
            if digest in self._plan.damaged:
                # A store keeps what it has with the right size. It goes only where there is better.
                self._local.verify(digest)
                self._store.delete([digest])
            self._store.write(digest, self._local.path_of(digest), on_bytes=meter)
        except _OF_ONE_FILE as error:
            self.failed.append(Failure(digest, error))
            meter.begin(0)
        except RemoteUnreachable as error:
            self.failed.append(Failure(digest, error))
            meter.begin(0)
            self._patience.lose(error)
        else:
            self.sent.append(digest)
            meter.complete()
            self._patience.renew()
