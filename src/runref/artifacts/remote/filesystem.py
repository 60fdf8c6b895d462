"""The store of every remote: contents by digest and notes, over whatever holds its files."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from runref.artifacts.artifact import ArtifactMissing, digest_hex
from runref.artifacts.reading import ArtifactVanished, OnBytes, ignore, opened
from runref.artifacts.remote import threads
from runref.artifacts.remote.failures import callers, explained
from runref.artifacts.remote.place import TEMPORARY, Place
from runref.artifacts.remote.store import Note, Sink, Stored

_CONTENTS = "sha256"
_CONTENT = re.compile(r"sha256/([0-9a-f]{2})/([0-9a-f]{62})")
_NOTE = re.compile(r"(?!sha256/|tmp/)[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

_FEW = 16
"""Digests that are asked for one by one: as many requests as go at once."""
_SPARSE = 50
"""Contents that are listed in the time in which one is asked for."""


class FsspecStore:
    """Contents under ``sha256/ab/cdef…`` of a place, and notes beside them; a `RemoteStore`.

    Nothing is tried twice and nothing is verified on arrival: see `Retrying` and `Verified`.

    Args:
        name: What messages call the remote.
        connect: Returns the place; called once, when it is first needed.
    """

    def __init__(self, name: str, connect: Callable[[], Place]) -> None:
        self._name = name
        self._connect = connect
        self._place: Place | None = None
        self._connecting = threading.Lock()

    @property
    def name(self) -> str:
        """What messages call the remote; see `RemoteStore.name`."""
        return self._name

    @property
    def place(self) -> Place:
        """The place itself, connected; raises what its driver raises."""
        with self._connecting:
            if self._place is None:
                self._place = self._connect()
            return self._place

    def present(self, digests: Collection[str]) -> dict[str, int]:
        """Return the sizes of those digests that are there; see `RemoteStore.present`."""
        wanted = {path_of(digest): digest for digest in digests}
        with explained(self._name, f"look for {_counted(len(wanted))}"):
            found = self._sizes(wanted)
        return {wanted[path]: size for path, size in found.items()}

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        """Hand the bytes of a content to `sink`; see `RemoteStore.read`."""
        path = path_of(digest)
        with explained(self._name, f"read {digest}"):
            if size is None:
                size = self.place.size(path)
                if size is None:
                    self.place.confirm()
                    raise self._missing(digest)
            try:
                self.place.read(path, callers(sink), start, size)
            except FileNotFoundError as error:
                self.place.confirm()
                raise self._missing(digest) from error

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        """Store the content of a local file; see `RemoteStore.write`."""
        target = path_of(digest)
        with explained(self._name, f"write {digest}"):
            try:
                with opened(str(path)) as source:
                    self.place.store(target, source, digest, callers(on_bytes))
            except ArtifactVanished as error:
                raise ArtifactMissing(error.message, hint=error.hint) from error

    def contents(self) -> Iterator[Stored]:
        """Yield every content that is there; see `RemoteStore.contents`."""
        with explained(self._name, "list its contents"):
            for entry in self.place.below(_CONTENTS):
                match = _CONTENT.fullmatch(entry.path)
                if match is not None:
                    yield Stored(f"sha256:{match[1]}{match[2]}", entry.size, entry.modified)

    def delete(self, digests: Iterable[str]) -> None:
        """Remove contents; see `RemoteStore.delete`."""
        paths = [path_of(digest) for digest in digests]
        with explained(self._name, f"delete {_counted(len(paths))}"):
            self.place.remove(paths)

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:
        """Return number and bytes of uploads given up; see `RemoteStore.unfinished`."""
        with explained(self._name, "look for unfinished uploads"):
            old = [
                each
                for each in self.place.below(TEMPORARY)
                if each.modified is not None and each.modified < before
            ]
            if remove:
                self.place.remove([each.path for each in old])
            count, size = self.place.unfinished(before, remove=remove)
        return count + len(old), size + sum(each.size for each in old)

    def read_note(self, name: str) -> bytes | None:
        """Return a small file beside the contents; see `RemoteStore.read_note`."""
        path = _note(name)
        chunks: list[bytes] = []
        with explained(self._name, f"read {name}"):
            try:
                self.place.read(path, chunks.append, 0, None)
            except FileNotFoundError:
                self.place.confirm()
                return None
        return b"".join(chunks)

    def write_note(self, name: str, data: bytes) -> None:
        """Write a small file beside the contents; see `RemoteStore.write_note`."""
        path = _note(name)
        with explained(self._name, f"write {name}"):
            self.place.put(path, data)

    def notes(self, folder: str) -> list[Note]:
        """Return the small files below a folder; see `RemoteStore.notes`."""
        path = _note(folder)
        with explained(self._name, f"list {folder}"):
            return [Note(each.path, each.size, each.modified) for each in self.place.below(path)]

    def delete_note(self, name: str) -> None:
        """Remove a small file; see `RemoteStore.delete_note`."""
        path = _note(name)
        with explained(self._name, f"delete {name}"):
            self.place.remove([path])

    def _sizes(self, wanted: Collection[str]) -> dict[str, int]:
        """Return the sizes of the files that are there, by the cheaper of two ways."""
        if not wanted:
            return {}
        place = self.place
        if len(wanted) <= _FEW:
            return self._asked(place, wanted)
        digits = len(_CONTENTS) + 1 + place.shard_digits
        shards: dict[str, set[str]] = defaultdict(set)
        for path in wanted:
            shards[path[:digits]].add(path)
        # Digests are evenly spread, so the first shard tells how full the others are.
        (first, expected), *others = sorted(shards.items())
        listed, found = _listed(place, first, expected)
        rest = {path for _shard, paths in others for path in paths}
        if listed * len(others) > _SPARSE * len(rest):
            return {**found, **self._asked(place, rest)}
        for _count, more in threads.each(lambda shard: _listed(place, *shard), others):
            found |= more
        return found

    def _asked(self, place: Place, paths: Collection[str]) -> dict[str, int]:
        sizes = zip(paths, threads.each(place.size, paths), strict=True)
        found = {path: size for path, size in sizes if size is not None}
        if not found:
            place.confirm()
        return found

    def _missing(self, digest: str) -> ArtifactMissing:
        return ArtifactMissing(
            f"{self._name} does not hold {digest}",
            hint="it was never pushed there, or was removed since",
        )


def path_of(digest: str) -> str:
    """Return where a content is below the root of a remote.

    Raises:
        DigestInvalid: It is no digest.
    """
    digits = digest_hex(digest)
    return f"{_CONTENTS}/{digits[:2]}/{digits[2:]}"


def _listed(place: Place, shard: str, wanted: Collection[str]) -> tuple[int, dict[str, int]]:
    """Return how many files a shard holds, and the sizes of those that are wanted."""
    count = 0
    found: dict[str, int] = {}
    for entry in place.below(shard):
        count += 1
        if entry.path in wanted:
            found[entry.path] = entry.size
    return count, found


def _note(name: str) -> str:
    # Names are made from run ids, and those may come from a record that somebody else wrote.
    if _NOTE.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name for a note")
    return name


def _counted(count: int) -> str:
    return f"{count} content{'' if count == 1 else 's'}"
