# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH110, PTH116, PTH208
"""Packed objects: every pack of one object directory."""

from __future__ import annotations

import os
import threading
import weakref
import zlib
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from runref.git.format import Kind, ObjectFormat
from runref.git.pack_entry import HEAD, size_of_entry

if TYPE_CHECKING:
    from dulwich.pack import Pack

_KINDS: dict[int, Kind] = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}

_STAYS_FRESH = 3600.0
"""Seconds; far below the two weeks after which ``git gc`` drops what nothing refers to."""


class PackDamaged(Exception):
    """A pack holds an object that cannot be read; the store knows which and tells the user."""


class Packs:
    """The packs of one object directory.

    Other processes add and remove packs at any time (``git gc``, ``git fetch``): `refresh` looks
    again, and a pack that vanishes is forgotten.
    """

    def __init__(self, objects_folder: str, object_format: ObjectFormat) -> None:
        self.folder = f"{objects_folder}/pack"
        self._format = object_format
        self._packs: dict[str, Pack] = {}
        self._freshened: dict[str, float] = {}
        self._listed: int | None = None
        self._lock = threading.RLock()
        weakref.finalize(self, _close, self._packs)

    def refresh(self, *, even_if_unchanged: bool = True) -> None:
        """List the folder again.

        Args:
            even_if_unchanged: Also where the folder's time of change is the one seen last, which
                may hide a pack that came within the clock's tick.
        """
        with self._lock:
            try:
                changed = os.stat(self.folder).st_mtime_ns
            except FileNotFoundError:
                changed = 0
            if changed == self._listed and not even_if_unchanged:
                return
            self._listed = changed
            self._freshened.clear()  # whoever frees objects changes the folder to have this
            names: set[str] = set()
            with suppress(FileNotFoundError):
                found = set(os.listdir(self.folder))
                names = {
                    name[:-4]
                    for name in found
                    if name.endswith(".idx") and f"{name[:-4]}.pack" in found
                }
            for name in self._packs.keys() - names:
                self._packs.pop(name).close()
            for name in sorted(names - self._packs.keys()):
                self._packs[name] = self._open(name)

    def _open(self, name: str) -> Pack:
        from dulwich.object_format import SHA1, SHA256
        from dulwich.pack import Pack

        object_format = SHA256 if self._format.name == "sha256" else SHA1
        return Pack(f"{self.folder}/{name}", object_format=object_format)

    def _find(self, raw: bytes) -> tuple[str, Pack] | None:
        return next(self._holders(raw), None)

    def _holders(self, raw: bytes) -> Iterator[tuple[str, Pack]]:
        from dulwich.pack import PackFileDisappeared

        for name, pack in list(self._packs.items()):
            try:
                pack.index.object_offset(raw)  # type: ignore[arg-type]
            except KeyError:
                continue
            except PackFileDisappeared:
                self._forget(name)
                continue
            yield name, pack

    def _forget(self, name: str) -> None:
        pack = self._packs.pop(name, None)
        if pack is not None:
            pack.close()

    def contains(self, oid: str) -> bool:
        """Whether one of the packs known so far holds the object."""
        with self._lock:
            self.refresh(even_if_unchanged=False)
            return bool(self._packs) and self._find(bytes.fromhex(oid)) is not None

    def freshen(self, oid: str) -> bool:
        """Make a pack that holds the object young; False where none can be."""
        with self._lock:
            self.refresh(even_if_unchanged=False)
            if not self._packs:
                return False
            return any(self._make_young(name) for name, _ in self._holders(bytes.fromhex(oid)))

    def _make_young(self, name: str) -> bool:
        # A cruft pack says in this file how old each of its objects is; its own age is nothing.
        if os.path.exists(f"{self.folder}/{name}.mtimes"):
            return False
        if monotonic() - self._freshened.get(name, -_STAYS_FRESH) < _STAYS_FRESH:
            return True
        try:
            os.utime(f"{self.folder}/{name}.pack")
        except OSError:  # gone, or owned by someone else: the object is written once more
            return False
        self._freshened[name] = monotonic()
        return True

    def read(self, oid: str) -> tuple[Kind, bytes] | None:
        """An object, or None where no pack known so far holds it.

        Raises:
            PackDamaged: It cannot be read.
        """
        with self._lock:
            self.refresh(even_if_unchanged=False)
            if not self._packs:
                return None
            return self._read(bytes.fromhex(oid))

    def _read(self, raw: bytes) -> tuple[Kind, bytes] | None:
        from dulwich.errors import ApplyDeltaError, ChecksumMismatch
        from dulwich.pack import PackFileDisappeared, UnresolvedDeltas

        while (found := self._find(raw)) is not None:
            name, pack = found
            try:
                number, body = pack.get_raw(raw)  # type: ignore[arg-type]
                return _KINDS[number], body
            except (PackFileDisappeared, FileNotFoundError):
                self._forget(name)
            except (
                zlib.error,
                ApplyDeltaError,
                ChecksumMismatch,
                UnresolvedDeltas,
                AssertionError,  # what dulwich says of a pack that ends too early
                IndexError,
                KeyError,
                ValueError,
            ) as problem:
                raise PackDamaged(f"{self.folder}/{name}.pack: {problem!r}") from problem
        return None

    def size(self, oid: str) -> int | None:
        """Bytes of an object, told without unpacking it; None where no pack known so far holds it.

        Raises:
            PackDamaged: It cannot be told.
        """
        with self._lock:
            self.refresh(even_if_unchanged=False)
            found = self._find(bytes.fromhex(oid)) if self._packs else None
            if found is None:
                return None
            name, pack = found
            offset = pack.index.object_offset(bytes.fromhex(oid))  # type: ignore[arg-type]
        try:
            descriptor = os.open(f"{self.folder}/{name}.pack", os.O_RDONLY | os.O_CLOEXEC)
            try:
                head = os.pread(descriptor, HEAD, offset)
            finally:
                os.close(descriptor)
            return size_of_entry(head, self._format.hex_length // 2)
        except (OSError, ValueError, zlib.error) as problem:
            raise PackDamaged(f"{self.folder}/{name}.pack: {problem!r}") from problem

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Names of the packed objects that start with a prefix of two or more digits."""
        from dulwich.pack import PackFileDisappeared

        whole_bytes = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
        with self._lock:
            self.refresh()
            for name, pack in list(self._packs.items()):
                try:
                    names = [raw.hex() for raw in pack.index.iter_prefix(whole_bytes)]
                except PackFileDisappeared:
                    self._forget(name)
                else:
                    yield from (oid for oid in names if oid.startswith(prefix))


def _close(packs: dict[str, Pack]) -> None:
    for pack in packs.values():
        pack.close()
