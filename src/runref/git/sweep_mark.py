"""A mark that changes whenever objects or artifacts are freed while others may be writing.

What frees and what writes never wait for each other. Whoever frees renews the mark first, then
looks at what is referred to, and spares what was made young since. Whoever relies on what is stored
already reads the mark first, makes it young, refers to it, and reads the mark again: where it has
changed, what was relied on may be gone, and is stored once more. One always sees the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from runref.git.files import Sharing, make_folders, sync_folder, writing
from runref.git.locks import exclusive

T = TypeVar("T")

_NAME = "sweep-mark"


def sweep_mark(common_dir: Path) -> str:
    """Return the present mark of a repository; empty where nothing was freed, or none can tell."""
    try:
        return (common_dir / "runref" / _NAME).read_text("ascii")
    except OSError:
        return ""


def unswept(common_dir: Path, work: Callable[[], T]) -> T:
    """Do what relies on things stored already, and once more where the mark changed meanwhile.

    Args:
        common_dir: The git directory that worktrees share.
        work: What makes them young and refers to them; to do it twice must be harmless.
    """
    while True:
        mark = sweep_mark(common_dir)
        done = work()
        if sweep_mark(common_dir) == mark:
            return done


@contextmanager
def sweeping(common_dir: Path, sharing: Sharing, *, wait: float) -> Iterator[None]:
    """Keep others from freeing inside the block.

    For those that cannot do their work once more, as they bring objects here that no ref names for
    a while; and for those that free.

    Args:
        common_dir: The git directory that worktrees share.
        sharing: Permissions of a new lock file.
        wait: Seconds to wait for another process.

    Raises:
        LockBusy: Another process does not end.
    """
    with exclusive(common_dir / "runref" / "sweep-lock", wait=wait, sharing=sharing):
        yield


def renew_sweep_mark(common_dir: Path, sharing: Sharing) -> None:
    """Change the mark.

    Raises:
        CannotWrite: The system refused it.
    """
    folder = common_dir / "runref"
    path, temporary = folder / _NAME, folder / f".{_NAME}-{os.urandom(6).hex()}"
    with writing(str(path)):
        make_folders(str(folder), sharing)
        temporary.write_text(os.urandom(12).hex(), "ascii")
        sharing.adjust(str(temporary))
        temporary.replace(path)
        sync_folder(str(folder))
