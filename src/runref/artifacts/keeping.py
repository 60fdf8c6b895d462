"""Storing a file's content in one reading of it, by the cheapest way that its disk offers."""

from __future__ import annotations

from runref.artifacts.batch import Batch
from runref.artifacts.blobs import Blobs
from runref.artifacts.copying import copy_and_digest
from runref.artifacts.reading import BUFFER, OnBytes, Source, changed, opened


def keep(blobs: Blobs, batch: Batch, source: Source, on_bytes: OnBytes) -> str:
    """Store the content of a file, and return its digest.

    A small content waits in the batch. A large one is cloned where the file system can, else
    copied, and has its name when this returns.

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
    with blobs.new_file() as new:
        if not new.clone(source):
            digest = copy_and_digest(source, new, on_bytes, flush=blobs.fsync)
            source.confirm()
        elif source.settled:
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
