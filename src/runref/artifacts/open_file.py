"""What Linux says of, and does with, a file that is open: leases and further names."""

from __future__ import annotations

import fcntl
import os
import signal
import sys


def is_open_for_writing(descriptor: int) -> bool:
    """Tell whether any program may write to an open file; also where that cannot be known."""
    if sys.platform != "linux":
        return True
    try:
        # A program that opens it for writing meanwhile must not end this one by SIGIO.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return True
    return False


def link_open_file(descriptor: int, target: str) -> bool:
    """Give an open file a further name; false where something has that name.

    By its descriptor, not by its path, which may lead elsewhere by now.

    Raises:
        OSError: The operating system refuses.
    """
    # Without a folder for the first path, Python would link the symbolic link itself.
    source = f"/proc/self/fd/{descriptor}"
    try:
        os.link(source, target, src_dir_fd=descriptor, follow_symlinks=True)
    except FileExistsError:
        return False
    return True
