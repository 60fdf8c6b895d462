# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH104, PTH108, PTH110, PTH116, PTH120, PTH123
"""References: reading them, and moving one by compare-and-swap under git's own lock.

dulwich has this too, but treats a ref that it cannot read as absent (so a hiccup of a network file
system would start a new history), ignores ``core.sharedRepository``, and parses every packed ref
of the repository for each update (430 ms with 100,000 tags).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import time

from runref.errors import RunrefError
from runref.git.backoff import Backoff
from runref.git.files import (
    Sharing,
    make_folders,
    read_if_there,
    sync_folder,
    write_fully,
    writing,
)
from runref.git.format import ObjectFormat

STALE_LOCK_SECONDS = 10.0
"""A lock file that is older was left by a killed process: git holds one for milliseconds."""

_SYMBOLIC = b"ref: "


class RefUnreadable(RunrefError):
    """A ref exists, but what it says cannot be read or makes no sense."""

    code = "ref-unreadable"


class RefLocked(RunrefError):
    """Another program holds the lock of a ref."""

    code = "ref-locked"


@dataclass(frozen=True, slots=True)
class Head:
    """What is checked out.

    Attributes:
        commit: Hash; empty in a repository without commits.
        branch: Short name; empty where no branch is checked out.
    """

    commit: str
    branch: str


@dataclass(frozen=True, slots=True)
class RefStorage:
    """The files that hold the refs of one repository.

    Attributes:
        common_dir: The git directory that all worktrees share.
        object_format: What a value must look like.
        sharing: Permissions of new files.
        identity: Asked for who stands in the reflog.
    """

    common_dir: str
    object_format: ObjectFormat
    sharing: Sharing
    identity: Callable[[], str]


class Ref:
    """One ref below ``refs/``."""

    def __init__(self, name: str, storage: RefStorage) -> None:
        self.name = name
        self._storage = storage
        self._path = f"{storage.common_dir}/{name}"
        self._lock = f"{self._path}.lock"

    def read(self) -> str:
        """The object it names, or an empty string where there is no such ref.

        Raises:
            RefUnreadable: It is there, but cannot be read.
        """
        value = read_loose(self._path)
        if value is None:
            value = _read_packed(self._storage.common_dir, self.name)
        if value is None:
            return ""
        text = value.decode("ascii", "replace")
        if not self._storage.object_format.is_oid(text):
            raise RefUnreadable(
                f"{self.name} holds {text!r}, which is no object of this repository",
                hint="`git fsck` tells more; `git reflog show` lists what it was before",
            )
        return text

    def compare_and_swap(self, old: str, new: str, *, message: str, wait: float = 15.0) -> bool:
        """Move the ref from ``old`` to ``new``, unless someone else has moved it.

        Git's lock file protects the change against other git programs. The caller holds
        runref's own lock, so a lock file that is older than ten seconds was left by a killed
        process and is removed.

        Args:
            old: What the ref must be now; empty: it must not exist.
            new: The object it shall name; must be on the disk.
            message: What the reflog says.
            wait: Seconds to wait for another program's lock.

        Returns:
            False where the ref is not ``old``; it is as it was.

        Raises:
            RefLocked: The lock file stayed for longer than ``wait``.
            RefUnreadable: The present value cannot be read.
            CannotWrite: The system refused to write.
        """
        if not self._storage.object_format.is_oid(new):
            raise ValueError(f"{new!r} is no object name")
        with writing(self._path), self._locked(wait) as descriptor:
            if self.read() != old:
                return False
            write_fully(descriptor, new.encode() + b"\n")
            os.fsync(descriptor)
            self._storage.sharing.adjust(self._lock)
            self._log(old, new, message)
            os.rename(self._lock, self._path)
            sync_folder(os.path.dirname(self._path))
            return True

    def past(self) -> set[str]:
        """Every object that its reflog names."""
        try:
            with open(f"{self._storage.common_dir}/logs/{self.name}", "rb") as file:
                fields = [line.split(b" ", 2)[:2] for line in file]
        except (FileNotFoundError, NotADirectoryError):
            return set()
        return {oid.decode("ascii", "replace") for line in fields for oid in line} - {
            "0" * self._storage.object_format.hex_length
        }

    def forget_past(self, *, message: str, wait: float = 15.0) -> None:
        """Make the reflog begin with the present value, so that it holds no older one.

        Args:
            message: What the reflog says.
            wait: Seconds to wait for another program's lock.

        Raises:
            RefLocked: The lock file stayed for longer than ``wait``.
            RefUnreadable: The present value cannot be read.
            CannotWrite: The system refused to write; the reflog is as it was.
        """
        log = f"{self._storage.common_dir}/logs/{self.name}"
        with writing(log), self._locked(wait):
            value = self.read()
            if not value or not os.path.exists(log):
                return
            temporary = f"{log}.{os.urandom(6).hex()}.lock"  # git takes no such file for a log
            self._log("", value, message, path=temporary)
            os.rename(temporary, log)
            sync_folder(os.path.dirname(log))

    def lock_age(self) -> float | None:
        """Seconds since some program locked the ref; None where it is not locked.

        One of `STALE_LOCK_SECONDS` or more is removed by the next `compare_and_swap`.

        Raises:
            CannotWrite: It seems that old, but the file system could not be asked for its time.
        """
        try:
            made = os.stat(self._lock).st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
        age = time() - made
        if age < STALE_LOCK_SECONDS:
            return age
        with writing(self._storage.common_dir):
            return _file_system_time(self._storage.common_dir) - made

    @contextmanager
    def _locked(self, wait: float) -> Iterator[int]:
        descriptor = self._create(Backoff(wait))
        inode = os.fstat(descriptor).st_ino
        try:
            yield descriptor
        finally:
            os.close(descriptor)
            # After the rename the name may already be the next writer's.
            with suppress(FileNotFoundError):
                if os.stat(self._lock).st_ino == inode:
                    os.unlink(self._lock)

    def _create(self, backoff: Backoff) -> int:
        while True:
            try:
                return os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            except FileNotFoundError:  # the first ref here, or git removed the empty folder
                make_folders(os.path.dirname(self._lock), self._storage.sharing)
                continue
            except FileExistsError:
                age = self.lock_age()
                if age is not None and age >= STALE_LOCK_SECONDS:
                    with suppress(FileNotFoundError):
                        os.unlink(self._lock)
                    continue
            if not backoff.pause():
                raise RefLocked(
                    f"another program has locked {self.name}",
                    hint=f"if no git is running, remove {self._lock}",
                )

    def _log(self, old: str, new: str, message: str, *, path: str = "") -> None:
        path = path or f"{self._storage.common_dir}/logs/{self.name}"
        make_folders(os.path.dirname(path), self._storage.sharing)
        none = "0" * self._storage.object_format.hex_length
        said = " ".join(message.split())
        line = f"{old or none} {new} {self._storage.identity()} {int(time())} +0000\t{said}\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            os.write(descriptor, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)
        self._storage.sharing.adjust(path)


def _file_system_time(folder: str) -> float:
    """Now, by the clock that stamps files there; a file server's may differ from ours."""
    path = f"{folder}/runref_clock_{os.urandom(4).hex()}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        os.unlink(path)


def read_loose(path: str) -> bytes | None:
    """The first line of a ref's own file, None where it has none.

    Raises:
        RefUnreadable: The system refused to read it.
    """
    try:
        data = read_if_there(path)
    except (NotADirectoryError, IsADirectoryError):
        return None
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    return None if data is None else data.partition(b"\n")[0].rstrip()


def _unreadable(path: str, problem: OSError) -> RefUnreadable:
    return RefUnreadable(
        f"cannot read {path}: {problem.strerror}",
        hint="make it readable, or wait until its disk answers; git needs it, too",
    )


def _read_packed(common_dir: str, name: str) -> bytes | None:
    path = f"{common_dir}/packed-refs"
    try:
        data = read_if_there(path)
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    if data is None:
        return None
    end = data.find(b" %s\n" % os.fsencode(name))
    return None if end < 0 else data[data.rfind(b"\n", 0, end) + 1 : end]


def read_head(git_dir: str, common_dir: str) -> Head:
    """What HEAD of a worktree says.

    Raises:
        RefUnreadable: HEAD is missing, damaged or goes round in circles.
    """
    value, branch = read_loose(f"{git_dir}/HEAD"), ""
    for _ in range(5):
        if value is None or not value.startswith(_SYMBOLIC):
            break
        name = os.fsdecode(value[len(_SYMBOLIC) :].strip())
        branch = branch or name.removeprefix("refs/heads/")
        value = read_loose(f"{common_dir}/{name}") or _read_packed(common_dir, name)
    if (value is None and not branch) or (value is not None and value.startswith(_SYMBOLIC)):
        raise RefUnreadable(f"{git_dir}/HEAD leads nowhere", hint="`git fsck` tells more")
    return Head("" if value is None else value.decode("ascii", "replace"), branch)
