"""Which unfinished uploads are this machine's own, so that it may go on with them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Claim:
    """One place at a remote, which no other process of this machine uploads to now.

    Attributes:
        upload_id: Of the upload that an earlier process left there; none where it left none.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.upload_id = os.pread(descriptor, 4096, 0).decode() or None

    def remember(self, upload_id: str) -> None:
        """Note the upload that is begun, for the case that this process does not end it."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, upload_id.encode(), 0)
        self.upload_id = upload_id

    def forget(self) -> None:
        """Note that there is nothing to go on with."""
        self._path.unlink(missing_ok=True)
        self.upload_id = None


@contextmanager
def claim(place: str, folder: Path | None = None) -> Iterator[Claim | None]:
    """Keep all other processes of this machine from an upload; yields none where one is at it.

    The claim ends with its process, however that dies, and the note about the upload stays. None is
    yielded too where the folder has no locks or cannot be written: then nothing is remembered.

    Args:
        place: What tells the place from all others, such as its URL; it is not written anywhere.
        folder: Where to keep the notes; the user's own part of the temporary folder by default.
    """
    path = (folder or _own_folder()) / hashlib.sha256(place.encode()).hexdigest()[:32]
    descriptor = -1
    with suppress(OSError):
        descriptor = _open(path)
    if descriptor < 0:
        yield None
        return
    try:
        yield Claim(path, descriptor) if _locked(path, descriptor) else None
    finally:
        os.close(descriptor)


def _own_folder() -> Path:
    return Path(tempfile.gettempdir(), f"runref-uploads-{os.getuid()}")


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    status = path.parent.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(path.parent)  # somebody else made it, where everybody may
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _locked(path: Path, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had the lock until now may have removed the file.
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
