"""What the last snapshot of a working tree knew of its files, so that only changed ones are read.

One file for each working tree: a CRC-32 and JSON, replaced by rename. It may be deleted at any
time; one that is damaged or of another version counts as empty.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from runref.capture.snapshot.comparison import Differences
from runref.model.record import Submodule

_VERSION = 2

_SETTLED_AFTER = 2_000_000_000
"""Nanoseconds. A file changed more recently may change again without its times showing it: the
clocks of file systems tick as slowly as every two seconds (FAT)."""

_NEVER = -(1 << 62)
"""In place of a time of change: no file has it, so the file will be read again."""


class Stamp(NamedTuple):
    """What tells, without reading it, that a file has not changed. Times in nanoseconds."""

    size: int
    mtime: int
    ctime: int
    inode: int
    mode: int

    def holds(self, path: bytes) -> bool:
        """Whether the file is still the one that was stamped."""
        return self.mtime != _NEVER and self == stamp_at(path)


_ABSENT = Stamp(0, 0, 0, 0, 0)


class CachedFile(NamedTuple):
    """One file of the working tree as the last snapshot saw it.

    The first five are its `Stamp`, flat because there are many thousands of these.

    Attributes:
        git_mode: Git's mode of the file.
        oid: The blob that the snapshot holds for it; empty where it is left out.
        digest: SHA-256 of that blob, hexadecimal.
        length: Bytes of that blob.
        tracked: Whether git tracks the file.
        plain: The decision does not depend on the index. One that does and keeps the file holds as
            long as the index has exactly this blob, or the one that git would make of it.
        reason: Why the file, or what is behind its pointer, is left out; empty where it is not.
        detail: Which rule said so.
        git_oid: The blob that git would store for it, where that is another one, as git converts
            its line endings; empty otherwise.
    """

    size: int
    mtime: int
    ctime: int
    inode: int
    mode: int
    git_mode: int
    oid: str = ""
    digest: str = ""
    length: int = 0
    tracked: bool = False
    plain: bool = True
    reason: str = ""
    detail: str = ""
    git_oid: str = ""

    def is_still(self, status: os.stat_result) -> bool:
        """Whether the file is the same as far as its status tells."""
        return (
            self.mtime == status.st_mtime_ns
            and self.ctime == status.st_ctime_ns
            and self.size == status.st_size
            and self.inode == status.st_ino
            and self.mode == status.st_mode
        )


def stamp(status: os.stat_result) -> Stamp:
    """The stamp of a file whose content was, or is about to be, read.

    One that changed in the last two seconds gets a stamp that nothing matches.
    """
    settled = max(status.st_mtime_ns, status.st_ctime_ns) < time.time_ns() - _SETTLED_AFTER
    mtime = status.st_mtime_ns if settled else _NEVER
    return Stamp(status.st_size, mtime, status.st_ctime_ns, status.st_ino, status.st_mode)


def unsettled(read_at: Stamp) -> Stamp:
    """The same stamp, made so that nothing matches it."""
    return read_at._replace(mtime=_NEVER)


def stamp_at(path: bytes) -> Stamp:
    """The stamp of a rule file or index; one that is not there, or out of reach, has one, too."""
    try:
        return stamp(os.stat(path))  # noqa: PTH116  (bytes)
    except OSError:
        return _ABSENT


@dataclass(slots=True)
class Memory:
    """All that the last snapshot of one working tree left behind.

    Attributes:
        files: By path relative to the root.
        folders: Those that were walked, each with a trailing slash.
        ignored: Files that git ignores, and folders (with a trailing slash).
        hidden: Tracked files below ignored folders, which the walk does not come to.
        links: Folders of submodules (with a trailing slash) and the commits the index has for them.
        absent: Those of them that were not checked out.
        rules: Stamps of everything that decides which files belong: ignore and attribute files,
            indexes. By absolute path.
        trees: The git tree of each folder; that of the root is under the empty path.
        manifest: Digest of the manifest.
        heads: The commit of each repository, by the folder of its working tree.
        differences: From what is checked out.
    """

    files: dict[bytes, CachedFile] = field(default_factory=dict)
    folders: set[bytes] = field(default_factory=set)
    ignored: set[bytes] = field(default_factory=set)
    hidden: list[bytes] = field(default_factory=list)
    links: dict[bytes, str] = field(default_factory=dict)
    absent: dict[bytes, str] = field(default_factory=dict)
    rules: dict[bytes, Stamp] = field(default_factory=dict)
    trees: dict[bytes, str] = field(default_factory=dict)
    manifest: str = ""
    heads: dict[bytes, str] = field(default_factory=dict)
    differences: Differences = field(default_factory=Differences)


class StatCache:
    """The file that keeps a `Memory` from one snapshot to the next."""

    def __init__(self, folder: Path, *, place: bytes, settings: str) -> None:
        """Name the cache of one working tree.

        Args:
            folder: Where caches lie; made when it is needed.
            place: What the cache is about: the working tree and the object database.
            settings: What the decisions depend on; with other settings the cache counts as empty.
        """
        name = hashlib.sha256(place).hexdigest()[:24]
        self._path = folder / f"snapshot-{name}.json"
        self._settings = hashlib.sha256(os.fsencode(settings)).hexdigest()

    def load(self) -> Memory:
        """What the last snapshot left; nothing where there is no cache that can be used."""
        try:
            checksum, _, body = self._path.read_bytes().partition(b"\n")
        except OSError:  # the first snapshot; or one that must do without a cache
            return Memory()
        if checksum != _checksum(body):
            return Memory()
        document = orjson.loads(body)
        if (document["version"], document["settings"]) != (_VERSION, self._settings):
            return Memory()
        return _decoded(document["memory"])

    def save(self, memory: Memory) -> None:
        """Keep what a snapshot learned.

        Raises:
            OSError: It cannot be written.
        """
        body = orjson.dumps(
            {"version": _VERSION, "settings": self._settings, "memory": _encoded(memory)}
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(f".{os.getpid()}-{time.monotonic_ns():x}.tmp")
        try:
            temporary.write_bytes(_checksum(body) + b"\n" + body)
            temporary.replace(self._path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _encoded(memory: Memory) -> dict[str, Any]:
    differences = memory.differences
    # Latin-1 maps every byte to a character of its own, so any path survives JSON.
    return {
        # Columns, as that is read twice as fast as many thousands of rows.
        "paths": b"\0".join(memory.files).decode("latin-1"),
        "files": list(zip(*memory.files.values(), strict=True)),
        "folders": [path.decode("latin-1") for path in memory.folders],
        "ignored": [path.decode("latin-1") for path in memory.ignored],
        "hidden": [path.decode("latin-1") for path in memory.hidden],
        "links": {path.decode("latin-1"): oid for path, oid in memory.links.items()},
        "absent": {path.decode("latin-1"): oid for path, oid in memory.absent.items()},
        "rules": {path.decode("latin-1"): tuple(rule) for path, rule in memory.rules.items()},
        "trees": {path.decode("latin-1"): oid for path, oid in memory.trees.items()},
        "manifest": memory.manifest,
        "heads": {path.decode("latin-1"): oid for path, oid in memory.heads.items()},
        "differences": (differences.edited, differences.untracked, differences.deleted),
        "submodules": [
            (os.fsencode(s.path).decode("latin-1"), s.commit, s.url, s.changed)
            for s in differences.submodules
        ],
    }


def _decoded(document: dict[str, Any]) -> Memory:
    stamped = Stamp._make
    paths = document["paths"].encode("latin-1").split(b"\0") if document["files"] else []
    files = map(CachedFile._make, zip(*document["files"], strict=True))
    edited, untracked, deleted = document["differences"]
    return Memory(
        dict(zip(paths, files, strict=True)),
        {path.encode("latin-1") for path in document["folders"]},
        {path.encode("latin-1") for path in document["ignored"]},
        [path.encode("latin-1") for path in document["hidden"]],
        {path.encode("latin-1"): oid for path, oid in document["links"].items()},
        {path.encode("latin-1"): oid for path, oid in document["absent"].items()},
        {path.encode("latin-1"): stamped(row) for path, row in document["rules"].items()},
        {path.encode("latin-1"): oid for path, oid in document["trees"].items()},
        document["manifest"],
        {path.encode("latin-1"): oid for path, oid in document["heads"].items()},
        Differences(
            edited,
            untracked,
            deleted,
            tuple(
                Submodule(os.fsdecode(path.encode("latin-1")), commit, url, changed)
                for path, commit, url, changed in document["submodules"]
            ),
        ),
    )
