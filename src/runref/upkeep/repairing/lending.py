"""All that a git remote's history holds, fetched beside the repository.

A plain fetch asks only for what our own refs do not name, and would not bring back what they name
and the disk has lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runref.git.borrowing import make_beside
from runref.git.format import FORMATS
from runref.git.objects import ObjectStore
from runref.git.repository import Repository
from runref.git.transport.choose import transport_to
from runref.store.incoming import place
from runref.store.runs_ref import RUNS_REF


@contextmanager
def lent(repository: Repository, remote: str) -> Iterator[ObjectStore]:
    """Fetch the whole history of a git remote, for the time of the block.

    Nothing of it becomes part of the repository by itself.

    Args:
        repository: Whose remote it is.
        remote: Its name.

    Raises:
        GitUnreachable: it could not be reached.
        CannotWrite: the repository cannot be written.
    """
    with place(repository) as folder:
        make_beside(str(folder), repository)
        transport_to(remote, repository).fetch(folder, RUNS_REF)
        yield _objects_of(folder, repository)


def _objects_of(folder: Path, repository: Repository) -> ObjectStore:
    return ObjectStore(f"{folder}/objects", FORMATS[repository.object_format])
