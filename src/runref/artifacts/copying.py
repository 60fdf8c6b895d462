"""Copying a large file and hashing it, in one pass over its bytes.

The kernel copies in one thread, without the bytes ever coming to this process. Another thread
hashes what it finds in the copy, close behind, while it is still in memory. So the digest is that
of the stored bytes, whatever happens to the original meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from runref.artifacts.flushing import start_writing
from runref.artifacts.new_file import NewFile, unusable
from runref.artifacts.reading import BUFFER, OnBytes, Source, changed, unreadable

_STEP = 8 << 20
"""Bytes copied at once: an error elsewhere ends the copying after so many."""
_AHEAD = 16
"""Steps between copying and hashing: few enough to stay in memory."""


def copy_and_digest(source: Source, new: NewFile, on_bytes: OnBytes, *, flush: bool) -> str:
    """Copy a file into a new, empty one of the store, and return the digest of the copy.

    Args:
        source: What is copied.
        new: Where to.
        on_bytes: Told about every byte that was hashed.
        flush: Let the disk write while the rest is copied.

    Raises:
        ArtifactChanged: The file did not keep its size.
        ArtifactUnreadable: It cannot be read.
        StoreFull: There is no room.
        StoreUnusable: The operating system refuses.
    """
    if source.status.st_size <= _STEP:
        return source.digest(new.write, on_bytes)
    sha256 = hashlib.sha256()
    buffer = memoryview(bytearray(BUFFER))
    total = 0
    with _copying(source, new, flush=flush) as ends:
        for end in ends:
            while total < end:
                count = _read(new, buffer[: end - total], total)
                sha256.update(buffer[:count])
                total += count
                on_bytes(count)
    if total != source.status.st_size:
        raise changed(source.path)
    return f"sha256:{sha256.hexdigest()}"


class _Copying:
    """A thread that copies, some steps ahead of whoever asks how far it is."""

    def __init__(self, source: Source, new: NewFile, *, flush: bool) -> None:
        self._source = source
        self._new = new
        self._flush = flush
        self._said: SimpleQueue[int | BaseException | None] = SimpleQueue()
        self._room = threading.Semaphore(_AHEAD)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="runref-copy", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ends(self) -> Iterator[int]:
        """Yield where the copy ends by now, until it is whole; raise what made it fail."""
        while (said := self._said.get()) is not None:
            if isinstance(said, BaseException):
                raise said
            yield said
            self._room.release()

    def stop(self) -> None:
        self._stopped = True
        self._room.release()
        self._thread.join()

    def _run(self) -> None:
        end = 0
        try:
            while not self._stopped and (count := self._step(end)):
                if self._flush:
                    start_writing(self._new.descriptor, end, count)
                end += count
                self._said.put(end)
                self._room.acquire()
            self._said.put(None)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that hashes
            self._said.put(error)

    def _step(self, offset: int) -> int:
        count = min(_STEP, self._source.status.st_size - offset)
        try:
            return os.sendfile(self._new.descriptor, self._source.descriptor, offset, count)
        except OSError:
            # Not every file system can, and the error does not say which file it is about.
            return self._step_by_hand(offset, min(BUFFER, count))

    def _step_by_hand(self, offset: int, count: int) -> int:
        try:
            data = os.pread(self._source.descriptor, count, offset)
        except OSError as error:
            raise unreadable(self._source.path, error) from error
        self._new.write(memoryview(data))
        return len(data)


@contextmanager
def _copying(source: Source, new: NewFile, *, flush: bool) -> Iterator[Iterator[int]]:
    copying = _Copying(source, new, flush=flush)
    copying.start()
    try:
        yield copying.ends()
    finally:
        copying.stop()


def _read(new: NewFile, buffer: memoryview, offset: int) -> int:
    try:
        count = os.preadv(new.descriptor, [buffer], offset)
    except OSError as error:
        raise unusable(new.path, error) from error
    if not count:
        raise unusable(new.path, OSError(errno.EIO, "it was cut short by another program"))
    return count
