"""Contents that are received now and appear later, when it is known that all is well."""

# ruff: noqa: PTH108
# Paths are str here, as in all modules that deal with many small files.

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from runref.artifacts.blobs import Blobs
from runref.artifacts.new_file import NewFile


class Staging:
    """Files of the store without a name; what was not published goes when the block ends.

    After a kill, the next sweep removes them.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._waiting: dict[str, str] = {}

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for path in self._waiting.values():
            with suppress(FileNotFoundError):
                os.unlink(path)

    @contextmanager
    def new(self, digest: str) -> Iterator[NewFile]:
        """Yield a file for the content of a digest; that it is that content, the caller verifies.

        Raises:
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """
        with self._blobs.new_file() as file:
            yield file
            self._waiting[digest], file.path = file.path, ""

    def publish(self, digests: Collection[str]) -> list[str]:
        """Let contents appear under their digests, once they are on the disk.

        Args:
            digests: Those that are to appear; what is not waiting is passed over.

        Returns:
            Those that appeared.

        Raises:
            StoreFull: There is no room.
            StoreUnusable: The operating system refuses.
        """
        chosen = {each: path for each, path in self._waiting.items() if each in digests}
        appearing = list(chosen)
        for digest in appearing:
            del self._waiting[digest]
        try:
            self._blobs.publish_all(chosen)
        finally:
            self._waiting |= chosen  # what got no name is removed
        self._blobs.sync()
        return appearing
