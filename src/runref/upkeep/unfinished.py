"""What forgetting has still to free, so that whoever comes after a kill can go on.

It stands in ``<git common dir>/runref/forgetting/unfinished.json``, is written before the runs ref
is moved, and is removed when there is nothing left to free. What it names is only ever freed after
a look at what is in use now, so it does no harm where the ref was not moved after all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from runref.git.files import make_folders, sync_folder, writing
from runref.git.locks import exclusive
from runref.git.repository import Repository
from runref.model.codec import dump_json_line, load_json
from runref.model.documents import from_document, to_document


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is to be freed.

    Attributes:
        runs: Record hash of each run by its id.
        tips: Commits of the histories that held them.
        objects: Objects that only those histories led to, each before those that it refers to.
        artifacts: Digests that the runs held.
        remotes: Remotes of artifacts that are still to be cleared of them.
    """

    runs: Mapping[str, str] = field(default_factory=dict)
    tips: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()

    def joined(self, other: Unfinished) -> Unfinished:
        """Return both in one."""
        return Unfinished(
            {**self.runs, **other.runs},
            *(
                tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name))))
                for name in ("tips", "objects", "artifacts", "remotes")
            ),
        )


class Ledger:
    """Where a repository keeps what is unfinished."""

    def __init__(self, repository: Repository) -> None:
        self._folder = repository.common_dir / "runref" / "forgetting"
        self._path = self._folder / "unfinished.json"
        self._sharing = repository.sharing

    @contextmanager
    def lock(self, wait: float) -> Iterator[None]:
        """Keep others from forgetting inside the block.

        Raises:
            LockBusy: Another process does it for longer than `wait` seconds.
        """
        with exclusive(self._folder / "lock", wait=wait, sharing=self._sharing):
            yield

    def read(self) -> Unfinished:
        """Return what is unfinished.

        Raises:
            UnreadableDocument, MalformedDocument: It is damaged.
        """
        try:
            return from_document(Unfinished, load_json(self._path.read_bytes()))
        except FileNotFoundError:
            return Unfinished()

    def write(self, unfinished: Unfinished) -> None:
        """Write down what is unfinished, in the place of what stood there.

        Raises:
            CannotWrite: The system refused it.
        """
        temporary = self._path.with_suffix(f".{os.urandom(6).hex()}")
        with writing(str(self._path)):
            make_folders(str(self._folder), self._sharing)
            with temporary.open("wb") as file:
                file.write(dump_json_line(to_document(unfinished)))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            sync_folder(str(self._folder))

    def clear(self) -> None:
        """Cross out everything: it is done."""
        self._path.unlink(missing_ok=True)
