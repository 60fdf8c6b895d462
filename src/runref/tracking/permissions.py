"""Who may read and write the files of a run: whoever may enter its folder.

The spool gives its folders the permissions that ``core.sharedRepository`` asks for, and a file
takes them from its folder. So every process that takes part agrees, whichever it learned the
folder from, and another user of the repository can record a run that was killed.
"""

from __future__ import annotations

import stat
from pathlib import Path


def share(path: Path) -> None:
    """Give a new file the permissions of its folder, where that is shared by a group.

    A shared folder is known by its setgid bit; elsewhere the umask alone decides.

    Raises:
        OSError: the permissions could not be changed.
    """
    folder = path.parent.stat().st_mode
    wanted = folder & 0o666
    if folder & stat.S_ISGID and stat.S_IMODE(path.stat().st_mode) != wanted:
        path.chmod(wanted)


def write_shared(path: Path, content: bytes) -> None:
    """Write a file whose permissions are those of its folder.

    Raises:
        OSError: it could not be written.
    """
    path.write_bytes(content)
    share(path)
