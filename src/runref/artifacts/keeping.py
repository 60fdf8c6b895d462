"""Storing a file's content in one reading of it, by the cheapest way that its disk offers."""

from __future__ import annotations

from runref.artifacts.batch import Batch
from runref.artifacts.blobs import Blobs
from runref.artifacts.copying import copy_and_digest
from runref.artifacts.linking import MayLink, keep_linked
from runref.artifacts.reading import BUFFER, OnBytes, Source, changed, opened, settled


def keep(
    blobs: Blobs,
    batch: Batch,
    source: Source,
    on_bytes: OnBytes,
    may_link: MayLink | None,
) -> str:
    """Store the content of a file, and return its digest.

    A small content waits in the batch. A large one has its name when this returns. It is cloned
    where the file system can, else linked where that may be, else copied.

    Args:
        blobs: The store's files.
        batch: Takes the small ones.
        source: The file.
        on_bytes: Told about every byte.
        may_link: Asked whether a file may become read-only and a link; none: no file may.

    Raises:
        ArtifactChanged: The file did not hold still; nothing was stored.
        ArtifactVanished: It went away.
        StoreFull: There is no room.
        StoreUnusable: The operating system refuses.
    """
    if source.status.st_size < BUFFER:
        data = source.read_all()
        if len(data) != source.status.st_size:
            raise changed(source.path)
        on_bytes(len(data))
        source.confirm()
        return batch.keep(data)
    quiet = settled(source.status)
    with blobs.new_file() as new:
        if not new.clone(source):
            if may_link is not None:
                linked = keep_linked(blobs, source, on_bytes, may_link)
                if linked is not None:
                    return linked
            digest = copy_and_digest(source, new, on_bytes, flush=blobs.fsync)
            source.confirm()
        elif quiet:
            # The clone's bytes are not in memory, the original's may be; and whoever writes to it
            # from here on leaves a trace in its times.
            digest = source.digest(None, on_bytes)
            source.confirm(unwritten=True)
        else:
            with opened(new.path) as copy:
                digest = copy.digest(None, on_bytes)
            source.confirm()
        blobs.publish(new, digest, source.status.st_size)
    return digest
