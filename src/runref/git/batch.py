"""Objects written together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from runref.git.files import Sharing
from runref.git.format import Kind, ObjectFormat, header
from runref.git.loose import LooseObjects
from runref.git.pack_writer import PackWriter

_LOOSE_AT_MOST = 200
"""Objects. Every small pack makes all later look-ups dearer; so many files are worth one."""

_LOOSE_BYTES_AT_MOST = 64 << 20
"""Bytes kept in memory."""


class Batch:
    """Objects that wait to be stored: in memory while they are few, then in an unfinished pack."""

    def __init__(self, folder: str, object_format: ObjectFormat, sharing: Sharing) -> None:
        self._new_pack = partial(PackWriter, folder, object_format, sharing)
        self._waiting: dict[str, tuple[Kind, bytes]] = {}
        self._bytes = 0
        self._names: set[str] = set()
        self._pack: PackWriter | None = None

    def __contains__(self, oid: str) -> bool:
        return oid in self._names

    def add(self, oid: str, kind: Kind, body: bytes) -> None:
        """Take an object in.

        Raises:
            CannotWrite: The system refused it.
        """
        self._names.add(oid)
        if self._pack is not None:
            self._pack.add(oid, kind, body)
            return
        self._waiting[oid] = (kind, body)
        self._bytes += len(body)
        if len(self._waiting) > _LOOSE_AT_MOST or self._bytes > _LOOSE_BYTES_AT_MOST:
            self._pack = self._new_pack()
            for name, (each_kind, each_body) in self._waiting.items():
                self._pack.add(name, each_kind, each_body)
            self._waiting.clear()

    def read(self, oid: str) -> tuple[Kind, bytes]:
        """Kind and content of an object that waits."""
        return self._pack.read(oid) if self._pack is not None else self._waiting[oid]

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Names of the waiting objects that start with a prefix."""
        return (oid for oid in self._names if oid.startswith(prefix))

    def store(self, loose: LooseObjects, *, fsync: bool) -> None:
        """Write what waits into the repository.

        Raises:
            CannotWrite: The system refused it.
        """
        if self._pack is not None:
            self._pack.finish(fsync=fsync)
        for oid, (kind, body) in self._waiting.items():
            loose.write(oid, header(kind, len(body)), body, fsync=fsync)

    def discard(self) -> None:
        """Leave nothing of an unfinished pack behind."""
        if self._pack is not None:
            self._pack.discard()
