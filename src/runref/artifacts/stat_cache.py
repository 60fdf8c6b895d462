"""What the digests of unchanged files are, so that the same data is not read in every run.

The cache is disposable: a missing, damaged or older one costs a second reading and nothing else.
Processes that save at once replace the file whole; a lost update is a digest to be found again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import orjson

from runref.artifacts.manifest import decode_name, encode_name
from runref.artifacts.reading import settled

VERSION = 1
CAPACITY = 200_000
"""Files remembered, about 30 MB: the cache is read and written whole."""

_Known = tuple[int, int, int, int, str]


class StatCache:
    """Digests of files by path, each valid while size, times and inode stay as they were."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: Mapping[str, _Known] | None = None
        self._new: dict[str, _Known] = {}
        self._loading = threading.Lock()

    def digest_of(self, path: str, status: os.stat_result) -> str | None:
        """Return the digest of the file with this status, where it is known for certain."""
        with self._loading:
            if self._known is None:
                self._known = self._load()
        known = self._new.get(path) or self._known.get(path)
        return known[-1] if known and known[:-1] == _stamp(status) else None

    def remember(
        self, path: str, status: os.stat_result, digest: str, *, linked: bool = False
    ) -> None:
        """Note the digest of a file that had this status after it was read.

        A file written a moment ago is not noted: another write in the same tick of the file
        system's clock would leave its times as they are. One that is linked into the store is:
        nobody may write to it.
        """
        if linked or settled(status):
            self._new[path] = (*_stamp(status), digest)

    def save(self) -> None:
        """Write what is new; where the disk refuses, the old cache stays, as true as before."""
        if not self._new:
            return
        merged = {**self._load(), **self._new}
        for path in list(merged)[: max(0, len(merged) - CAPACITY)]:
            del merged[path]
        document = {
            "version": VERSION,
            "files": {encode_name(path): known for path, known in merged.items()},
        }
        temporary = self._file.with_name(f".{self._file.name}.{os.urandom(6).hex()}")
        try:
            with suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(orjson.dumps(document))
                temporary.replace(self._file)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._known, self._new = merged, {}

    def _load(self) -> Mapping[str, _Known]:
        try:
            document = orjson.loads(self._file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        if not isinstance(document, dict) or document.get("version") != VERSION:
            return {}
        files = document.get("files")
        if not isinstance(files, dict):
            return {}
        return {decode_name(path): tuple(known) for path, known in files.items()}


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
