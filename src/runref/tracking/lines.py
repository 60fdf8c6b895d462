"""Appending whole lines to a file that survives whatever happens to the process."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from runref.tracking.permissions import share


class LineFile:
    """A file that one process appends lines to, one ``write`` for each.

    The file is opened on the first line. A line that a full disk cut short is cut off again, so
    that no torn line can come to stand in the middle. Threads may append at the same time, and so
    may a signal handler in the midst of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._fd = -1

    def open(self) -> int:
        """Return the file's descriptor, opened for appending.

        Raises:
            OSError: it could not be opened.
        """
        with self._lock:
            if self._fd < 0:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                fd = os.open(self.path, flags, 0o666)
                try:
                    share(self.path)
                except OSError:
                    os.close(fd)
                    raise
                self._fd = fd
            return self._fd

    def append(self, line: bytes) -> None:
        """Append `line`, which ends with a newline; it is acknowledged when this returns.

        Raises:
            OSError: it could not be written; the file is as it was.
        """
        with self._lock:
            fd = self._fd if self._fd >= 0 else self.open()
            written = os.write(fd, line)
            if written != len(line):
                self._mend(fd, line, written)

    def _mend(self, fd: int, line: bytes, written: int) -> None:
        """Complete a line of which only `written` bytes were taken, or cut it off again."""
        begin = os.fstat(fd).st_size - written
        try:
            while written < len(line):
                written += os.write(fd, line[written:])
        except OSError:
            os.ftruncate(fd, begin)
            raise

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
