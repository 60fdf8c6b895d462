"""Removing content from the local store while other processes add to it.

`Blobs.holds` renews the time of content that is stored already, and finds out when it is gone. So
whoever removes takes the content's name away first and looks at its time after that: either the
time was renewed before, and the content gets its name back, or the other process finds nothing and
stores it again.
"""

# ruff: noqa: PTH104, PTH108, PTH116
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from runref.artifacts.blobs import FRESH, Blobs
from runref.artifacts.leftovers import extent
from runref.artifacts.leftovers import remove as remove_leftover
from runref.artifacts.new_file import unusable


def make_old(blobs: Blobs, digests: Iterable[str]) -> float:
    """Let contents look unused for so long that whoever uses one from now on renews its time.

    One that is not there, or belongs to somebody else, stays as it is.

    Returns:
        A moment, in seconds since the epoch: what is younger was used since.
    """
    now = time_of_store(blobs)
    for digest in digests:
        path = blobs.path_of(digest)
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            old = min(os.stat(path).st_mtime, now - 2 * FRESH)
            os.utime(path, (old, old))
    return now - FRESH


def time_of_store(blobs: Blobs) -> float:
    """Return what time it is by the file system's own clock, in seconds since the epoch."""
    with blobs.new_file() as new:
        return os.fstat(new.descriptor).st_mtime


def remove_unused(blobs: Blobs, digest: str, before: float) -> int | None:
    """Remove a content that was not stored or used since a moment.

    Args:
        blobs: The store's files.
        digest: The content.
        before: That moment, in seconds since the epoch by the file system's clock.

    Returns:
        The bytes that are free now; none where the content was used since, or is gone.

    Raises:
        StoreUnusable: The operating system refuses.
    """
    path, aside = blobs.path_of(digest), blobs.temporary(f"unused-{os.urandom(8).hex()}")
    try:
        os.rename(path, aside)
        status = os.stat(aside)
        if status.st_mtime >= before:
            _give_back(aside, path)
            return None
        os.unlink(aside)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error) from error
    return status.st_size if status.st_nlink == 1 else 0


def partials(blobs: Blobs, before: float, *, remove: bool) -> tuple[int, int]:
    """Return number and bytes of temporary files and folders that nobody wrote to since a moment.

    Args:
        blobs: The store's files.
        before: That moment, in seconds since the epoch by the file system's clock.
        remove: Remove them, too.
    """
    sizes = []
    for entry in _temporaries(blobs):
        with suppress(FileNotFoundError):  # another process sweeps, too
            modified, size = extent(entry.path)
            if modified < before:
                sizes.append(size)
                if remove:
                    remove_leftover(entry.path)
    return len(sizes), sum(sizes)


def _temporaries(blobs: Blobs) -> Iterator[os.DirEntry[str]]:
    folder = os.path.dirname(blobs.temporary("x"))  # noqa: PTH120
    with os.scandir(folder) as entries:
        yield from entries


def _give_back(aside: str, path: str) -> None:
    with suppress(FileExistsError):  # stored again meanwhile: the same bytes
        os.link(aside, path)
    os.unlink(aside)
