"""Storing a large file as a further name of itself: no copy, and no room of its own.

A link shares permissions and bytes. So the file becomes read-only, and it is linked only where it
is certain that no program has it open for writing: a lease of Linux tells. Whoever may write in
spite of the permissions, as root may, changes the store with it; reading finds that by the digest.
"""

# ruff: noqa: PTH116
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from runref.artifacts.blobs import Blobs
from runref.artifacts.open_file import is_open_for_writing
from runref.artifacts.reading import OnBytes, Source

MayLink = Callable[[str], bool]
"""Tells whether the file at a path may become read-only."""

_WRITABLE = 0o222


def keep_linked(blobs: Blobs, source: Source, on_bytes: OnBytes, may_link: MayLink) -> str | None:
    """Store a file as a link, and return its digest; none where it has to be copied.

    Raises:
        ArtifactChanged: The file did not hold still; nothing was stored, and it is writable again.
        ArtifactVanished: It went away.
        StoreFull: There is no room.
        StoreUnusable: The operating system refuses.
    """
    if (
        not _is_own(source.status)
        or not blobs.is_on_disk(source.status.st_dev)
        or not may_link(source.path)
    ):
        return None
    mode = stat.S_IMODE(source.status.st_mode)
    linked = False
    try:
        os.fchmod(source.descriptor, mode & ~_WRITABLE)
    except OSError:
        return None
    try:
        if is_open_for_writing(source.descriptor):
            return None
        source.status = os.fstat(source.descriptor)
        digest = source.digest(None, on_bytes)
        source.confirm(unwritten=True)
        linked = blobs.publish_link(source.descriptor, digest, source.status.st_size)
    finally:
        if not linked:
            os.fchmod(source.descriptor, mode)
    source.status = os.fstat(source.descriptor)
    return digest


def is_linked(blobs: Blobs, status: os.stat_result, digest: str) -> bool:
    """Tell whether a file is the stored one by another name, and read-only."""
    if status.st_nlink == 1 or status.st_mode & _WRITABLE:
        return False
    try:
        return os.path.samestat(status, os.stat(blobs.path_of(digest)))
    except OSError:
        return False


def _is_own(status: os.stat_result) -> bool:
    return (
        status.st_uid == os.geteuid()
        and status.st_nlink == 1
        and not status.st_mode & (stat.S_ISUID | stat.S_ISGID)
    )
