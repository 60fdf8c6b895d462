"""The file that a bundle is while it is made: it has another name, and says itself what is in it.

The manifest comes first, so whoever goes on needs nothing but the file: what is there is read and
compared, and the rest is appended. A kill leaves at worst half an artifact at the end.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from runref.bundle.errors import BundleDamaged, BundleRefused, BundleTooNew, NoBundle
from runref.bundle.reading import BundleReader, Head
from runref.bundle.writing import head_length, position_behind
from runref.errors import ExitStatus, RunrefError
from runref.git.files import sync_folder, writing


class BundleExists(RunrefError):
    """A file is in the place of a new bundle."""

    code = "bundle-exists"
    exit_status = ExitStatus.USAGE


class BundleBusy(RunrefError):
    """Another process makes the same bundle."""

    code = "bundle-busy"


@dataclass(frozen=True, slots=True)
class Begun:
    """What an earlier attempt left.

    Attributes:
        head: The beginning of the bundle.
        artifacts: How many artifacts are there, whole.
        part: Bytes that are there of the next one.
        part_sha256: SHA-256 of these, in hex digits.
    """

    head: Head
    artifacts: int = 0
    part: int = 0
    part_sha256: str = ""

    @property
    def end(self) -> int:
        """Bytes of what is whole."""
        head = head_length(self.head.encoded, self.head.signature, self.head.manifest)
        return position_behind(head, self.head.manifest, self.artifacts)


class PartialFile:
    """``FILE.partial``, held by one process at a time; used as a context manager.

    Attributes:
        path: Where it is.
        stream: Where to write.
    """

    def __init__(self, target: Path, *, replace: bool) -> None:
        self._target = target
        self._replace = replace
        self.path = target.with_name(f"{target.name}.partial")
        self.stream: BinaryIO

    def __enter__(self) -> PartialFile:
        """Open and lock it.

        Raises:
            BundleExists: The bundle is there already, and must not be replaced.
            BundleBusy: Another process has it.
            CannotWrite: The system refused it.
        """
        self._refuse_existing()
        with writing(str(self.path)):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.path, flags, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise BundleBusy(
                f"another process writes {self.path}", hint="wait for it, or name another file"
            ) from error
        self.stream = os.fdopen(descriptor, "r+b", buffering=1 << 20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close it; what was written stays for the next attempt."""
        if kind is None:
            self.stream.close()
            return
        with suppress(
            OSError
        ):  # what is told is why it ended, not that the rest has no room either
            self.stream.close()
        if not self.path.stat().st_size:
            self.path.unlink()

    def begun(self) -> Begun | None:
        """Return what an earlier attempt left; none where it is not worth going on with."""
        try:
            reader = BundleReader(self.stream)
            reader.records().finish()
        except (NoBundle, BundleTooNew, BundleDamaged, BundleRefused):
            return None
        head, whole, part = reader.head, 0, None
        try:
            for _, content in reader.artifacts():
                part = content
                content.finish()
                whole, part = whole + 1, None
        except (BundleDamaged, BundleRefused):
            if part is not None:
                return Begun(head, whole, part.taken, part.sha256_so_far)
        return Begun(head, whole)

    def go_on_at(self, position: int) -> None:
        """Drop everything behind a position, and write there.

        Raises:
            CannotWrite: The system refused it.
        """
        with writing(str(self.path)):
            self.stream.seek(position)
            self.stream.truncate(position)

    def finish(self) -> int:
        """Give the file its name once it is on the disk, and return its bytes.

        Raises:
            BundleExists: Another process has made it meanwhile.
            CannotWrite: The system refused it.
        """
        with writing(str(self.path)):
            self.stream.flush()
            os.fsync(self.stream.fileno())
            size = os.fstat(self.stream.fileno()).st_size
            self._refuse_existing()
            self.path.rename(self._target)
            sync_folder(str(self._target.parent))
        return size

    def _refuse_existing(self) -> None:
        if self._target.is_dir() or (not self._replace and os.path.lexists(self._target)):
            raise BundleExists(
                f"{self._target} exists",
                hint="name another file; --force replaces a file",
            )
