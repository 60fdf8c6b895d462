"""Series as columns, remembered once they were read: a curve is asked for again and again."""

from __future__ import annotations

import sqlite3
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runref.git.objects import ObjectStore
from runref.index.database import Layout, open_database, transaction
from runref.model.points import Points, read_points
from runref.store.recorded import read_series_files

if TYPE_CHECKING:
    from concurrent.futures import Future

_AHEAD = 4
"""Runs whose files are read before their turn."""
_MOST_BYTES = 512 << 20
_KEPT = 0.75
_LAYOUT = Layout(
    """create table points (
    tree text not null, rank integer not null, name blob not null,
    step blob not null, elapsed blob not null, value blob not null,
    primary key (tree, rank, name));
""",
    version=1,
)
_FIND = "select step, elapsed, value from points where tree = ? and rank = ? and name = ?"


class SeriesCache:
    """The columns of series, by record hash, rank and metric, in a file that may be deleted.

    Args:
        objects: Where the runs are.
        path: The file.
    """

    def __init__(self, objects: ObjectStore, path: Path) -> None:
        self._objects = objects
        self._database = open_database(path, _LAYOUT)
        self._new: list[tuple[object, ...]] = []

    def points(self, trees: Iterable[str], name: str, *, rank: int | None = 0) -> Iterator[Points]:
        """Yield the points of one metric of several runs; none of a run that did not log it.

        Args:
            trees: Record hashes.
            name: The metric.
            rank: Which process of a distributed run; none for the first that logged.

        Raises:
            DamagedSeries: a series file holds something else.
            StepTooLarge: a step does not fit into 64 bits.
        """
        from concurrent.futures import ThreadPoolExecutor

        # Inflating and hashing what comes next needs no interpreter while this is parsed.
        with ThreadPoolExecutor(1, "runref-series") as reader:
            ahead: deque[tuple[str, Points | Future[list[bytes]]]] = deque()
            try:
                for tree in trees:
                    known = self._known(tree, name, rank)
                    read = known or reader.submit(read_series_files, self._objects, tree, rank)
                    ahead.append((tree, read))
                    if len(ahead) > _AHEAD:
                        yield self._finished(*ahead.popleft(), name, rank)
                while ahead:
                    yield self._finished(*ahead.popleft(), name, rank)
            finally:
                reader.shutdown(wait=False, cancel_futures=True)
                self._save()

    def drop(self, trees: Iterable[str]) -> None:
        """Overwrite what is known of some runs."""
        gone = [(tree,) for tree in trees]
        with suppress(sqlite3.Error), transaction(self._database):
            self._database.executemany("delete from points where tree = ?", gone)

    def _known(self, tree: str, name: str, rank: int | None) -> Points | None:
        try:
            row = self._database.execute(_FIND, (tree, _rank(rank), _key(name))).fetchone()
            return _points(*row) if row else None
        except (sqlite3.Error, ValueError, TypeError):
            return None  # it is only a cache

    def _finished(
        self, tree: str, read: Points | Future[list[bytes]], name: str, rank: int | None
    ) -> Points:
        if isinstance(read, Points):
            return read
        points = read_points(read.result(), name)
        if points:
            columns = (points.step, points.elapsed, points.value)
            self._new.append((tree, _rank(rank), _key(name), *(each.tobytes() for each in columns)))
        return points

    def _save(self) -> None:
        new, self._new = self._new, []
        if not new:
            return
        with suppress(sqlite3.Error), transaction(self._database):
            self._database.executemany("insert or replace into points values (?,?,?,?,?,?)", new)
            self._make_room()

    def _make_room(self) -> None:
        """Forget what was read first, once the file is too large."""
        (pages,) = self._database.execute("pragma page_count").fetchone()
        (free,) = self._database.execute("pragma freelist_count").fetchone()
        (size,) = self._database.execute("pragma page_size").fetchone()
        if (pages - free) * size > _MOST_BYTES:
            self._database.execute(
                "delete from points where rowid in (select rowid from points order by rowid"
                " limit (select cast(count(*) * ? as integer) from points))",
                (1 - _KEPT,),
            )


def _rank(rank: int | None) -> int:
    return -1 if rank is None else rank


def _key(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _points(step: bytes, elapsed: bytes, value: bytes) -> Points:
    points = Points(array("q", step), array("d", elapsed), array("d", value))
    if not len(points.step) == len(points.elapsed) == len(points.value):
        raise ValueError("columns of different lengths")
    return points
