"""Appending whole lines to a file that survives whatever happens to the process."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class LineFile:
    """A file that one process appends lines to, one ``write`` for each.

    The file is opened on the first line. A line that a full disk cut short is cut off again, so
    that no torn line can come to stand in the middle.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self.fd = -1

    def open(self) -> int:
        """Return the file's descriptor; a line is acknowledged when ``os.write`` took all of it."""
        with self._lock:
            if self.fd < 0:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                self.fd = os.open(self.path, flags, 0o644)
        return self.fd

    def append(self, line: bytes) -> None:
        """Append `line`, which ends with a newline.

        Raises:
            OSError: it could not be written; the file is as it was.
        """
        fd = self.fd if self.fd >= 0 else self.open()
        written = os.write(fd, line)
        if written != len(line):
            self.mend(line, written)

    def mend(self, line: bytes, written: int) -> None:
        """Complete a line of which only `written` bytes were taken, or cut it off again.

        Raises:
            OSError: it could not be completed.
        """
        with self._lock:
            end = os.fstat(self.fd).st_size - written
            try:
                while written < len(line):
                    written += os.write(self.fd, line[written:])
            except OSError:
                os.ftruncate(self.fd, end)
                raise

    def close(self) -> None:
        """Close the file; later lines open it again."""
        with self._lock:
            if self.fd >= 0:
                os.close(self.fd)
                self.fd = -1
