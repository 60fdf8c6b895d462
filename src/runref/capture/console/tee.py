"""The console of a program that opens its run itself: what it prints also goes into a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO


class ConsoleTee:
    """Copies what is printed to ``sys.stdout`` and ``sys.stderr`` into a log file.

    It sees what goes through these two objects; what C code, child processes or
    ``sys.stdout.buffer`` write does not. Nothing is buffered and no lock is taken, so threads,
    signal handlers and forked processes may print as before. Whatever happens to the log, printing
    goes on: bytes that could not be written are counted in `dropped`.

    Attributes:
        dropped: Bytes of output that the log lacks.
    """

    def __init__(self, log: int) -> None:
        """Prepare to copy to `log`, a file descriptor opened with ``O_APPEND``.

        The descriptor stays the caller's, who closes it after `stop`.
        """
        self.dropped = 0
        self._log = log
        self._streams: dict[str, _CopyingStream] = {}

    def start(self) -> None:
        """Put the copying streams in the place of ``sys.stdout`` and ``sys.stderr``."""
        for name in ("stdout", "stderr"):
            original = getattr(sys, name)
            if original is None or name in self._streams:  # a program without a console has None
                continue
            self._streams[name] = stream = _CopyingStream(original, self)
            setattr(sys, name, stream)

    def stop(self) -> None:
        """Put the original streams back, and stop copying.

        Where someone has put a stream of their own on top meanwhile, that one stays; what it passes
        on to us reaches the original and is no longer copied.
        """
        for name, stream in self._streams.items():
            stream.tee = None
            if getattr(sys, name) is stream:
                setattr(sys, name, _underlying(stream))
        self._streams = {}

    def append(self, text: str) -> None:
        """Write `text` to the log; never raises."""
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # a lone surrogate that stands for no byte
            data = text.encode("utf-8", "backslashreplace")
        while data:
            try:
                written = os.write(self._log, data)
            except OSError:
                self.dropped += len(data)
                return
            data = data[written:]


class _CopyingStream:
    """A text stream that behaves as the one it wraps, and copies what is written to it."""

    def __init__(self, original: TextIO, tee: ConsoleTee) -> None:
        self.original = original
        self.tee: ConsoleTee | None = tee

    def write(self, text: str) -> int:
        try:
            return self.original.write(text)
        finally:
            if self.tee is not None and isinstance(text, str):
                self.tee.append(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __enter__(self) -> _CopyingStream:
        self.original.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.original.__exit__(*exception)


def _underlying(stream: TextIO | _CopyingStream) -> TextIO | _CopyingStream:
    """Return the first stream below that is not a copying one which has been stopped."""
    while isinstance(stream, _CopyingStream) and stream.tee is None:
        stream = stream.original
    return stream
