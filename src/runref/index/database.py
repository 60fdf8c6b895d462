"""The file of the index: opened, replaced where it is of no use, and updated by one at a time."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runref.index.tables import INDEXES, TABLES, VERSION


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file holds: statements that make its tables, and the version of them."""

    schema: str
    version: int


RUNS = Layout(TABLES + INDEXES, VERSION)

BUSY_SECONDS = 20.0
"""How long to wait for another process that writes what it has read: far less than a second."""
_CACHE_KIB = 32 * 1024


class UnknownVersion(sqlite3.DatabaseError):
    """The file was written by another version."""


def open_database(path: Path, layout: Layout = RUNS) -> sqlite3.Connection:
    """Open a file, or an empty one in its place where it is damaged or of another version.

    Where no file can be had at that place, another place of this machine is used, or at last
    memory: an index can be built again, and nobody should fail for the want of one.
    """
    with suppress(OSError, sqlite3.Error):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _connected(path, layout)
    with suppress(OSError, sqlite3.Error):
        return _connected(_own_folder() / path.name, layout)
    return connect(None, layout)


def connect(path: Path | None, layout: Layout = RUNS) -> sqlite3.Connection:
    """Open a file that holds these tables, or nothing yet; without a path, one in memory.

    Raises:
        UnknownVersion: it was written by another version.
        sqlite3.DatabaseError: it cannot be used.
    """
    database = sqlite3.connect(
        path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        (version,) = database.execute("pragma user_version").fetchone()
        if not version:
            database.executescript(
                f"begin immediate;{layout.schema}pragma user_version = {layout.version};commit;"
            )
        elif version != layout.version:
            raise UnknownVersion(f"version {version} of the index is unknown")
        database.execute("pragma synchronous = off")  # it can be built again
        database.execute("pragma secure_delete = on")  # of what was forgotten, nothing stays
        # Pages that do not fit into the cache are written before the commit, and lock readers out.
        database.execute("pragma cache_spill = off")
        database.execute(f"pragma cache_size = -{_CACHE_KIB}")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block, or nothing."""
    database.execute("begin immediate")
    try:
        yield
    except BaseException:
        database.execute("rollback")
        raise
    database.execute("commit")


@contextmanager
def built_aside(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield an empty index that takes the place of the one at `path` when the block ends.

    Whoever reads the old one reads on; a killed process leaves a file that the next one removes.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix=f"{path.stem}.new-", dir=path.parent) as folder:
        new = Path(folder) / path.name
        database = connect(new, Layout(TABLES, VERSION))
        try:
            # Nobody else sees it: what does not fit into memory may be written at any time.
            database.execute("pragma cache_spill = on")
            database.execute("pragma journal_mode = off")
            database.execute("pragma locking_mode = exclusive")
            yield database
            database.executescript(INDEXES)
            database.execute("pragma analysis_limit = 1000")
            database.execute("analyze")
        finally:
            database.close()
        new.replace(path)


def _connected(path: Path, layout: Layout) -> sqlite3.Connection:
    try:
        return connect(path, layout)
    except sqlite3.OperationalError:
        raise  # about the file, not about its content
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        return connect(path, layout)


def _own_folder() -> Path:
    """Return a folder for temporary files that nobody else can write to."""
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"runref-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} is somebody else's")
    return folder
