"""Receiving one content, and going on where an earlier attempt ended."""

from __future__ import annotations

from runref.artifacts.artifact import ArtifactDamaged
from runref.artifacts.local import LocalStore
from runref.artifacts.receiving import Receiver
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.transfer.progress import FileMeter


def receive(
    local: LocalStore, store: RemoteStore, digest: str, size: int, meter: FileMeter
) -> None:
    """Receive one content.

    Args:
        local: Where it goes.
        store: Where it is.
        digest: Which content.
        size: Its bytes.
        meter: Told what arrives.

    Raises:
        ArtifactDamaged: The remote has other content.
        ArtifactMissing: The remote does not have it (any more).
        Interrupted: Nobody waits for it any more; what has come is kept for the next attempt.
        RemoteUnreachable: The remote does not answer, or broke off; see `RemoteStore` for others.
        StoreFull: There is no room here.
        StoreUnusable: The operating system does not let the local store be written.
    """
    with local.receive(digest, size) as receiver:
        start = receiver.start
        try:
            _pour(store, digest, size, receiver, meter)
        except ArtifactDamaged:
            if not start:
                raise
        else:
            return
    # What was kept of an earlier attempt came perhaps from another remote, and is gone now.
    with local.receive(digest, size) as receiver:
        _pour(store, digest, size, receiver, meter)


def _pour(store: RemoteStore, digest: str, size: int, receiver: Receiver, meter: FileMeter) -> None:
    def take(chunk: bytes) -> None:
        receiver.write(chunk)
        meter(len(chunk))

    meter.begin(receiver.start)
    if receiver.start < size:
        store.read(digest, take, start=receiver.start, size=size)
    receiver.finish()
