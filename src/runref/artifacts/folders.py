"""Folders of the store: whoever may write to the one above may write to a new one."""

# ruff: noqa: PTH101, PTH102, PTH112, PTH116, PTH120
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import os
import stat
from contextlib import suppress


def make_folder(path: str) -> None:
    """Create a folder and its missing parents; existing ones stay as they are.

    One that is made in a folder with the setgid bit, which a group shares, is shared likewise.

    Raises:
        OSError: it cannot be made.
    """
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    make_folder(above)
    with suppress(FileExistsError):
        os.mkdir(path)
        mode = os.stat(above).st_mode
        if mode & stat.S_ISGID:
            os.chmod(path, stat.S_IMODE(mode))
