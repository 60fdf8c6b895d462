# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH104, PTH108
"""A new pack of the repository."""

from __future__ import annotations

import os
from contextlib import suppress

from runref.git.files import Sharing, make_folders, writing
from runref.git.format import Kind, ObjectFormat
from runref.git.pack_file import PackFile


class PackWriter:
    """A new pack that grows object by object, and appears when it is finished.

    Until then it is ``tmp_pack_*``, which ``git gc`` removes when a killed process left it behind.
    """

    def __init__(self, objects_folder: str, object_format: ObjectFormat, sharing: Sharing) -> None:
        self._folder = f"{objects_folder}/pack"
        self._sharing = sharing
        with writing(self._folder):
            make_folders(self._folder, sharing)
            self._path = f"{self._folder}/tmp_pack_{os.urandom(8).hex()}"  # noqa: S108
            self._descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444
            )
            self._pack = PackFile(self._descriptor, object_format)

    def __contains__(self, oid: str) -> bool:
        return oid in self._pack

    def add(self, oid: str, kind: Kind, body: bytes) -> None:
        """Append one object.

        Raises:
            CannotWrite: The system refused it.
        """
        with writing(self._folder):
            self._pack.add(oid, kind, body)

    def read(self, oid: str) -> tuple[Kind, bytes]:
        """An object added before."""
        return self._pack.read(oid)

    def finish(self, *, fsync: bool) -> None:
        """Make the pack visible.

        Raises:
            CannotWrite: The system refused it; the repository is as it was.
        """
        temporary_index = f"{self._folder}/tmp_idx_{os.urandom(8).hex()}"  # noqa: S108
        try:
            with writing(self._folder):
                checksum = self._pack.complete()
                if fsync:
                    os.fsync(self._descriptor)
                self._write_index(temporary_index, checksum, fsync=fsync)
                base = f"{self._folder}/pack-{checksum.hex()}"
                for temporary, name in ((self._path, ".pack"), (temporary_index, ".idx")):
                    self._sharing.adjust(temporary)
                    os.rename(temporary, base + name)
        finally:
            self.discard()
            with suppress(OSError):
                os.unlink(temporary_index)

    def _write_index(self, path: str, checksum: bytes, *, fsync: bool) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o444), "wb") as file:
            self._pack.write_index(file, checksum)
            file.flush()
            if fsync:
                os.fsync(file.fileno())

    def discard(self) -> None:
        """Close, and remove the unfinished file; objects written so far are lost."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(FileNotFoundError):
            os.unlink(self._path)
