"""Policies for remotes: stores that change how another store is asked, and nothing else.

They are put around each other in this order, from the outside::

    Verified(Retrying(Limited(store)))

`Limited` is the innermost, as it is about requests: one that waits for its next attempt is not in
flight and holds no slot, and bytes that are sent again count against the rate again. `Verified` is
the outermost, as only there a content passes whole, however many attempts it took. Transfers do
without it: `LocalStore.receive` verifies what arrives, and can verify what it had begun before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.remote.store import Note, RemoteStore, Sink, Stored

Result = TypeVar("Result")


class Wrapped:
    """A remote that another one does the work of, request by request; the base of the policies.

    Attributes:
        store: The other one.
    """

    def __init__(self, store: RemoteStore) -> None:
        self.store = store

    @property
    def name(self) -> str:
        """What messages call the remote; see `RemoteStore.name`."""
        return self.store.name

    def present(self, digests: Collection[str]) -> dict[str, int]:
        """Return the sizes of those digests that are there; see `RemoteStore.present`."""
        return self._ask(f"looking for {_counted(digests)}", lambda: self.store.present(digests))

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        """Hand the bytes of a content to `sink`; see `RemoteStore.read`."""
        read = partial(self.store.read, digest, sink, start=start, size=size)
        self._ask(f"reading {digest}", read)

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        """Store the content of a local file; see `RemoteStore.write`."""
        write = partial(self.store.write, digest, path, on_bytes=on_bytes)
        self._ask(f"writing {digest}", write)

    def contents(self) -> Iterator[Stored]:
        """Yield every content that is there; see `RemoteStore.contents`."""
        return self.store.contents()

    def delete(self, digests: Iterable[str]) -> None:
        """Remove contents; see `RemoteStore.delete`."""
        doomed = list(digests)
        self._ask(f"deleting {_counted(doomed)}", lambda: self.store.delete(doomed))

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:
        """Return number and bytes of uploads given up; see `RemoteStore.unfinished`."""
        return self._ask(
            "looking for unfinished uploads", lambda: self.store.unfinished(before, remove=remove)
        )

    def read_note(self, name: str) -> bytes | None:
        """Return a small file; see `RemoteStore.read_note`."""
        return self._ask(f"reading {name}", lambda: self.store.read_note(name))

    def write_note(self, name: str, data: bytes) -> None:
        """Write a small file; see `RemoteStore.write_note`."""
        self._ask(f"writing {name}", lambda: self.store.write_note(name, data))

    def notes(self, folder: str) -> list[Note]:
        """Return the small files below a folder; see `RemoteStore.notes`."""
        return self._ask(f"listing {folder}", lambda: self.store.notes(folder))

    def delete_note(self, name: str) -> None:
        """Remove a small file; see `RemoteStore.delete_note`."""
        self._ask(f"deleting {name}", lambda: self.store.delete_note(name))

    def _ask(self, what: str, request: Callable[[], Result]) -> Result:
        """Make a request of the other store; what a policy changes.

        Args:
            what: What is being done, for messages: ``reading sha256:…``.
            request: Does it.
        """
        del what
        return request()


def _counted(digests: Collection[str]) -> str:
    return f"{len(digests)} content{'' if len(digests) == 1 else 's'}"
