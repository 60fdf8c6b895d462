"""Getting what was written onto the disk: many files at once, and a long one while it grows.

Python has no name for either system call. Where they are missing, whoever asks falls back to one
``fsync`` for each file.
"""

from __future__ import annotations

import errno
import os
import sys
from functools import cache
from typing import Any

_SYNC_FILE_RANGE_WRITE = 2
"""See sync_file_range(2): begin to write, and wait for nothing."""


def sync_file_system(folder: str) -> bool:
    """Wait until all that was written to the file system of a folder is on its disk.

    Returns:
        False where the operating system cannot do it; nothing is promised then.

    Raises:
        OSError: The disk is full or failed.
    """
    library = _library()
    if library is None:
        return False
    import ctypes

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if library.syncfs(descriptor) == 0:
            return True
        number = ctypes.get_errno()
    finally:
        os.close(descriptor)
    if number == errno.ENOSYS:
        return False
    raise OSError(number, os.strerror(number), folder)


def start_writing(descriptor: int, offset: int, count: int) -> None:
    """Let the disk begin with a part of a file; that it is there, only ``fsync`` promises."""
    library = _library()
    if library is not None:
        library.sync_file_range(descriptor, offset, count, _SYNC_FILE_RANGE_WRITE)


@cache
def _library() -> Any:
    """Return the C library, once it is known to have both calls."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        library.syncfs.argtypes = [ctypes.c_int]
        library.sync_file_range.argtypes = [
            ctypes.c_int,
            ctypes.c_int64,
            ctypes.c_int64,
            ctypes.c_uint,
        ]
    except (ImportError, OSError, AttributeError):
        return None
    return library
