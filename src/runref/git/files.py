# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH102, PTH112, PTH120, PTH121, PTH123
"""Files inside a git directory: permissions shared as git shares them, errors with a name."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count

from runref.errors import RunrefError

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run the command again",
    errno.EDQUOT: "your disk quota is used up: free some space and run the command again",
    errno.EROFS: "the file system is read-only; --store names another repository to record into",
    errno.EACCES: "check the owner and permissions of the folder; "
    "--store names another repository to record into",
}


class CannotWrite(RunrefError):
    """The operating system refused to write a file of the repository."""

    code = "cannot-write"


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Turn an ``OSError`` of the block into `CannotWrite`, naming ``path``."""
    try:
        yield
    except OSError as problem:
        number = problem.errno or 0
        raise CannotWrite(
            f"cannot write {path}: {problem.strerror or problem}",
            hint=_HINTS.get(errno.EACCES if number == errno.EPERM else number, ""),
        ) from problem


@dataclass(frozen=True, slots=True)
class Sharing:
    """What ``core.sharedRepository`` adds to the permissions of new files.

    Attributes:
        tweak: Permission bits, 0 where the umask alone decides.
        replace: The bits are the whole mode (an octal setting), not an addition.
    """

    tweak: int = 0
    replace: bool = False

    @classmethod
    def parse(cls, setting: str | None) -> Sharing:
        """Read a value of ``core.sharedRepository`` as git does."""
        match (setting or "").lower():
            case "true" | "yes" | "on" | "1" | "group":
                return cls(0o660)
            case "all" | "world" | "everybody" | "2":
                return cls(0o664)
            case value if value.startswith("0") and len(value) > 1:
                with suppress(ValueError):
                    return cls(int(value, 8) & 0o666, replace=True)
        return cls()

    def adjust(self, path: str) -> None:
        """Give a new file or folder the permissions that the repository asks for."""
        if not self.tweak:
            return
        from dulwich.file import SharedPerm, adjust_shared_perm

        adjust_shared_perm(path, SharedPerm(self.tweak, self.replace))


def make_folders(path: str, sharing: Sharing) -> None:
    """Create a folder and its missing parents with shared permissions; existing ones stay."""
    if os.path.isdir(path):
        return
    make_folders(os.path.dirname(path), sharing)
    with suppress(FileExistsError):
        os.mkdir(path)
        sharing.adjust(path)


def write_fully(descriptor: int, data: bytes) -> None:
    """Write all of ``data``; the system may take it in pieces."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(path: str) -> None:
    """Make names created or replaced in a folder survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        # Some network file systems have no fsync of a folder, and commit names by themselves.
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def ask_again(path: str) -> None:
    """Let an NFS client ask its server for a file, and for the file's folder, that it did not find.

    It remembers for up to a minute that a name did not exist, while another machine may have made
    it since. It asks anew whenever a folder is opened (``nfs(5)``, close-to-open consistency).
    """
    parent = os.path.dirname(path)
    for folder in (os.path.dirname(parent), parent):
        with suppress(OSError):
            os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def ask_again_below(git_dir: str) -> None:
    """Do as `ask_again` for everything that git reads in a git directory.

    A git program takes a repository for damaged while this machine does not see an object that
    another one has just written.
    """
    for part in ("objects", "refs"):
        for _ in os.walk(f"{git_dir}/{part}"):
            pass


def read_if_there(path: str) -> bytes | None:
    """Return what a file holds, none where there is no such file, on any machine.

    Raises:
        OSError: The system refused to read it.
    """
    for is_first in (True, False):
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            if is_first:
                ask_again(path)
    return None


def link_aside(path: str, folder: str, name: str) -> None:
    """Give a file a further name in a folder that exists: `name`, or one like it if that is taken.

    Raises:
        OSError: The system refused it.
    """
    for number in count(1):
        kept = f"{folder}/{name}" if number == 1 else f"{folder}/{name}.{number}"
        try:
            os.link(path, kept)
        except FileExistsError:
            if not os.path.samefile(path, kept):
                continue
        return
