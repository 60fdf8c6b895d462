"""What killed processes left in the store's ``tmp/``: files, and folders of downloads."""

# ruff: noqa: PTH108
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress

_ABANDONED = 24 * 3600
"""Seconds after which a temporary file that nobody writes to belongs to no living process."""


def sweep(folder: str) -> None:
    """Remove what nobody has written to for a day; links are removed, never followed."""
    limit = time.time() - _ABANDONED
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in _paths(folder):
            # Another process may sweep too, or own the file; a store may be read-only.
            with suppress(OSError):
                if extent(path)[0] < limit:
                    remove(path)


def extent(path: str) -> tuple[float, int]:
    """Return when a file, or anything in a folder, was last written to, and how many bytes it has.

    A folder's own time stays as it is while a file in it grows.

    Raises:
        OSError: It went away meanwhile, or cannot be looked at.
    """
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        return status.st_mtime, status.st_size
    inside = [extent(each) for each in _paths(path)]
    newest = max([status.st_mtime, *(time for time, _ in inside)])
    return newest, sum(size for _, size in inside)


def remove(path: str) -> None:
    """Remove a file, or a folder with everything in it.

    Raises:
        OSError: It went away meanwhile, or cannot be removed.
    """
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _paths(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.path
