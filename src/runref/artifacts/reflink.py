"""Copies that share their blocks with the original, where the file system can (btrfs, XFS, …)."""

from __future__ import annotations

import errno
import fcntl
import sys

_FICLONE = 0x40049409
"""The Linux ioctl; see ioctl_ficlone(2)."""

_CANNOT = frozenset(
    {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM}
)


def clone(source: int, target: int) -> bool:
    """Let an open, empty file share all blocks of another; say whether it does now.

    Raises:
        OSError: The file system clones, but could not now (disk full, I/O error).
    """
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True
