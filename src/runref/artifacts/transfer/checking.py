"""Finding out which contents are not here, or are here and damaged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.local import LocalStore
from runref.artifacts.reading import ArtifactUnreadable
from runref.artifacts.transfer.crew import Crew
from runref.artifacts.transfer.failing import Failure
from runref.artifacts.transfer.progress import FileMeter, Meter


@dataclass(slots=True)
class Checked:
    """What is to be brought here.

    Attributes:
        lacking: Digests of contents that are not here, with the sizes in bytes they should have.
        set_aside: Those of them that were here and damaged.
        failed: Contents that are here and cannot be read.
    """

    lacking: dict[str, int | None] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def check(
    local: LocalStore,
    files: Mapping[str, int | None],
    *,
    verify: bool,
    meter: Meter,
    concurrency: int,
) -> Checked:
    """Return which contents are to be brought here; what is damaged is set aside.

    Args:
        local: Where they should be.
        files: Digests, with sizes in bytes where they are known.
        verify: Whether to read what is here. Without, only what has another size is read: the size
            may be the record's mistake, so that it says nothing about the content.
        meter: Told what is read.
        concurrency: How many contents are read at once.

    Raises:
        StoreUnusable: The operating system does not let the local store be read or changed.
    """
    checked = Checked()
    suspects: dict[str, int] = {}
    for digest, size in files.items():
        held = local.size_of(digest)
        if held is None:
            checked.lacking[digest] = size
        elif verify or size not in (held, None):
            suspects[digest] = held

    def work(digest: str, stop: threading.Event) -> None:
        bytes_read = FileMeter(meter, suspects[digest], stop)
        try:
            local.verify(digest, on_progress=bytes_read)
        except (ArtifactDamaged, ArtifactMissing):
            local.set_aside(digest)
            checked.lacking[digest] = files[digest]
            checked.set_aside.append(digest)
        except ArtifactUnreadable as error:
            checked.failed.append(Failure(digest, error))
        bytes_read.complete()

    if suspects:
        meter.expect(sum(suspects.values()), len(suspects))
        Crew(work, suspects, threads=concurrency).run()
    return checked
