"""Finding out which contents are damaged at a remote."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable
from runref.artifacts.remote.verified import Verified
from runref.artifacts.transfer.crew import Crew
from runref.artifacts.transfer.failing import Failure, Patience
from runref.artifacts.transfer.progress import FileMeter, Meter


@dataclass(slots=True)
class Reread:
    """What a remote has in place of contents that it says it has.

    Attributes:
        damaged: Digests of those whose bytes are others.
        gone: Digests of those that were removed since.
        failed: Contents that the remote did not give, so that nobody knows.
    """

    damaged: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    failed: list[Failure] = field(default_factory=list)


def reread(
    store: RemoteStore, sizes: Mapping[str, int], *, meter: Meter, concurrency: int
) -> Reread:
    """Read contents of a remote whole, and compare them with their digests.

    Args:
        store: The remote.
        sizes: What to read, with sizes in bytes.
        meter: Told what is read.
        concurrency: How many contents are read at once.

    Raises:
        RemoteUnreachable: It did not answer for several contents in a row; see `RemoteStore` for
            what else a remote may raise.
    """
    found = Reread()
    patience = Patience()
    verified = Verified(store)

    def work(digest: str, stop: threading.Event) -> None:
        bytes_read = FileMeter(meter, sizes[digest], stop)
        try:
            verified.read(digest, lambda chunk: bytes_read(len(chunk)), size=sizes[digest])
        except ArtifactDamaged:
            found.damaged.add(digest)
        except ArtifactMissing:
            found.gone.add(digest)
        except RemoteUnreachable as error:
            found.failed.append(Failure(digest, error))
            patience.lose(error)
        else:
            patience.renew()
        bytes_read.complete()

    if sizes:
        meter.expect(sum(sizes.values()), len(sizes))
        Crew(work, sizes, threads=concurrency).run()
    return found
