"""How a transfer tells what it is at."""

from __future__ import annotations

import threading
from typing import Protocol

from runref.artifacts.parallel import Interrupted


class TransferProgress(Protocol):
    """Told how a transfer goes, by several threads, but by one at a time."""

    def total(self, size: int, files: int, /) -> None:
        """Take notice of how much there is to do, in bytes and files, with what is done already.

        Told before the first byte moves, and again when manifests have shown what they name.
        """

    def advance(self, size: int, /) -> None:
        """Take notice of bytes that were moved; a negative number must be moved again."""

    def file_done(self) -> None:
        """Take notice that one content is complete where it should be."""

    def notice(self, message: str, /) -> None:
        """Take notice of something that the user should know while it happens."""


class Silent:
    """Takes no notice."""

    def total(self, size: int, files: int, /) -> None:
        """Take no notice."""

    def advance(self, size: int, /) -> None:
        """Take no notice."""

    def file_done(self) -> None:
        """Take no notice."""

    def notice(self, message: str, /) -> None:
        """Take no notice."""


class Meter:
    """Adds up what threads do, so that no more is ever done than there was to do."""

    def __init__(self, progress: TransferProgress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._size = 0
        self._files = 0

    def expect(self, size: int, files: int) -> None:
        """Take notice of more to do."""
        with self._lock:
            self._size += size
            self._files += files
            self._progress.total(self._size, self._files)

    def advance(self, size: int) -> None:
        """Take notice of bytes that were moved."""
        with self._lock:
            self._progress.advance(size)

    def file_done(self) -> None:
        """Take notice that one content is complete."""
        with self._lock:
            self._progress.file_done()

    def notice(self, message: str) -> None:
        """Take notice of something that the user should know."""
        with self._lock:
            self._progress.notice(message)


class FileMeter:
    """Counts the bytes of one content, whatever is moved twice, and in whichever threads.

    Args:
        meter: Told what is new.
        size: Bytes of the content; more of them are repetitions by whoever tried again.
        stop: Once set, the next bytes end the thread that moves them.
    """

    def __init__(self, meter: Meter, size: int, stop: threading.Event) -> None:
        self._meter = meter
        self._size = size
        self._stop = stop
        self._lock = threading.Lock()
        self._done = 0

    def __call__(self, count: int) -> None:
        """Take notice of `count` more bytes.

        Raises:
            Interrupted: Nobody waits for the content any more.
        """
        if self._stop.is_set():
            raise Interrupted
        with self._lock:
            self._reach(min(self._done + count, self._size))

    def begin(self, start: int) -> None:
        """Take notice that only the bytes before `start` need not be moved again."""
        with self._lock:
            self._reach(start)

    def complete(self) -> None:
        """Take notice that the content is where it should be."""
        self.begin(self._size)
        self._meter.file_done()

    def _reach(self, done: int) -> None:
        if done != self._done:
            self._meter.advance(done - self._done)
            self._done = done
