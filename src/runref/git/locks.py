# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH120
"""One holder at a time, across processes, threads and machines on a shared file system."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runref.errors import RunrefError
from runref.git.backoff import Backoff
from runref.git.files import Sharing, make_folders, writing

_BUSY = (errno.EACCES, errno.EAGAIN)

# The system's lock belongs to the process and ends when *any* descriptor of the file is closed.
# So the threads of one process queue here first, and only one of them opens the file.
_threads: dict[str, threading.Lock] = {}
_threads_guard = threading.Lock()


def _forget_threads() -> None:
    """In a forked child: it holds no lock, and threads that held one do not exist here."""
    global _threads_guard  # noqa: PLW0603
    _threads_guard = threading.Lock()
    _threads.clear()


os.register_at_fork(after_in_child=_forget_threads)


class LockBusy(RunrefError):
    """Someone else holds a lock for longer than one was willing to wait."""

    code = "lock-busy"


class LocksUnsupported(RunrefError):
    """The file system offers no locks."""

    code = "locks-unsupported"


@contextmanager
def exclusive(path: Path, *, wait: float, sharing: Sharing = Sharing()) -> Iterator[None]:  # noqa: B008
    """Hold the lock ``path`` inside the block.

    It is a POSIX record lock (``fcntl``): it works across NFS, and ends with its process, however
    that dies. The file stays, empty; only who holds the lock may remove it. It is not reentrant,
    and a forked child does not hold it.

    Args:
        path: The lock file; created if need be.
        wait: Seconds to wait for another holder; 0 tries once.
        sharing: Permissions of a new lock file.

    Raises:
        LockBusy: Another thread or process holds it for longer than ``wait``.
        LocksUnsupported: The file system has no locks.
        CannotWrite: The file cannot be created.
    """
    backoff = Backoff(wait)
    thread_lock = _thread_lock(path)
    if not thread_lock.acquire(timeout=backoff.remaining()):
        raise _busy(path, wait)
    try:
        descriptor = _locked(path, sharing, backoff)
        if descriptor is None:
            raise _busy(path, wait)
        try:
            yield
        finally:
            os.close(descriptor)
    finally:
        thread_lock.release()


def _thread_lock(path: Path) -> threading.Lock:
    with _threads_guard:
        return _threads.setdefault(os.path.realpath(path), threading.Lock())


def _locked(path: Path, sharing: Sharing, backoff: Backoff) -> int | None:
    """Return a descriptor that holds the lock; none where another holds it for too long."""
    while True:
        descriptor = _open(str(path), sharing)
        is_held = False
        try:
            if not _lock(descriptor, path, backoff):
                return None
            # Whoever held it until now may have removed the file, and another may have made it.
            is_held = _is_at(path, descriptor)
        finally:
            if not is_held:
                os.close(descriptor)
        if is_held:
            return descriptor


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _open(path: str, sharing: Sharing) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with writing(path):
        try:
            return os.open(path, flags & ~os.O_CREAT)
        except FileNotFoundError:
            make_folders(os.path.dirname(path), sharing)
            descriptor = os.open(path, flags, 0o666)
            sharing.adjust(path)
            return descriptor


def _lock(descriptor: int, path: Path, backoff: Backoff) -> bool:
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            if problem.errno not in _BUSY:
                raise LocksUnsupported(
                    f"cannot lock {path}: {problem.strerror}",
                    hint="mount the file system with locks, or keep the repository elsewhere",
                ) from problem
        else:
            return True
        if not backoff.pause():
            return False


def _busy(path: Path, wait: float) -> LockBusy:
    return LockBusy(
        f"{path} is locked by another runref, for more than {wait:g} s",
        hint="wait for it to finish; the lock ends by itself when its process does",
    )
