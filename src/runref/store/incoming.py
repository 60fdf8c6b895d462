"""Objects that came from elsewhere and are not part of the repository yet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runref.git.borrowing import make_borrowing, move_objects
from runref.git.bulk import Content, read_each, read_through_git
from runref.git.format import FORMATS
from runref.git.locks import LockBusy, exclusive
from runref.git.objects import ObjectStore
from runref.git.program import git_path
from runref.git.repository import Repository

_MANY = 1000
"""Of fewer objects, starting git takes longer than reading them."""
_SWEEP_SECONDS = 5.0
"""How long another process may take to remove a lock file in which nobody works."""


class Incoming:
    """A place where objects from elsewhere arrive, are looked at, and are accepted or thrown away.

    Attributes:
        folder: A bare git directory that borrows the repository's objects.
        objects: The objects that arrived, and those of the repository.
    """

    def __init__(self, folder: Path, repository: Repository) -> None:
        self.folder = folder
        self._repository = repository
        self.objects = ObjectStore(
            f"{folder}/objects",
            FORMATS[repository.object_format],
            sharing=repository.sharing,
            fsync=repository.objects.fsync,
        )

    @classmethod
    @contextmanager
    def open(cls, repository: Repository) -> Iterator[Incoming]:
        """Make a new place for the time of the block; what was not accepted goes with it.

        Raises:
            CannotWrite: the repository cannot be written.
        """
        with place(repository) as folder:
            make_borrowing(str(folder), repository)
            yield cls(folder, repository)

    def read_many(self, oids: Sequence[str], limit: int) -> Iterator[Content | None]:
        """Yield each object in turn; none, and no more, at one of more than `limit` bytes.

        Raises:
            ObjectMissing, ObjectDamaged: one cannot be read.
        """
        environ = self._repository.environ
        program = git_path(environ)
        if program and len(oids) >= _MANY:
            return read_through_git(program, self.folder, environ, oids, limit)
        return read_each(self.objects, oids, limit)

    def accept(self) -> None:
        """Make what arrived part of the repository.

        Raises:
            CannotWrite: the system refused it.
        """
        move_objects(str(self.folder), self._repository)


@contextmanager
def place(repository: Repository) -> Iterator[Path]:
    """Yield a folder that is to be made, and is removed after the block.

    Places that killed processes left behind are removed.

    Raises:
        CannotWrite: the repository cannot be written.
    """
    base = repository.common_dir / "runref" / "incoming"
    _sweep(base)
    folder = base / os.urandom(8).hex()
    with exclusive(folder.with_suffix(".lock"), wait=_SWEEP_SECONDS, sharing=repository.sharing):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_suffix(".lock").unlink(missing_ok=True)


def _sweep(base: Path) -> None:
    """Remove what killed processes left; a living one holds its lock while it has its place."""
    for lock in base.glob("*.lock"):
        with ExitStack() as held:
            try:
                held.enter_context(exclusive(lock, wait=0))
            except LockBusy:
                continue
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            if lock.with_suffix("").exists():  # a git that outlived its parent still writes there
                continue
            with suppress(FileNotFoundError):
                lock.unlink()
