"""What differs inside two contents: lines of a text, cells of a table, paths of a JSON document.

Pure functions of bytes. Each names the first differences and counts them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from runref.model.difference import ADDED, CHANGED, REMOVED, Change
from runref.model.json_difference import NotJson, json_changes
from runref.model.line_difference import MANY_LINES, differing_blocks
from runref.model.patch import is_binary
from runref.model.table_difference import NotATable, table_changes

TEXT, CSV, JSON, DIRECTORY, BYTES = "text", "csv", "json", "directory", "bytes"

NAMED = 20
"""Differences inside one content that are named; all are counted."""
_LINE_SHOWN = 200
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Inside:
    """What differs inside a content.

    Attributes:
        kind: ``text``, ``csv``, ``json``, ``directory`` or ``bytes``; empty where nothing was
            compared.
        added: Lines, rows, JSON paths or files that only the right side has.
        removed: Those that only the left side has.
        changed: Those that both have, with another value; of a table, its rows.
        cells: Cells of a table that changed, in rows that both sides have.
        columns: Columns of a table that only one side has.
        first: The first differences: a line, cell, path or file each.
        more: How many differences are not in `first`.
        problem: Why it was not compared, or not as what its name says.
    """

    kind: str = ""
    added: int = 0
    removed: int = 0
    changed: int = 0
    cells: int = 0
    columns: tuple[Change, ...] = ()
    first: tuple[Change, ...] = ()
    more: int = 0
    problem: str = ""


def compare_contents(path: str, left: bytes, right: bytes) -> Inside:
    """Return what differs between two contents, read as the ending of their path says.

    Args:
        path: ``.csv`` and ``.tsv`` are tables, ``.json`` is JSON, all else is text or bytes.
        left: One content.
        right: The other one.
    """
    ending = PurePosixPath(path).suffix.lower()
    problem = ""
    try:
        if ending in _DELIMITERS and max(left.count(b"\n"), right.count(b"\n")) <= MANY_LINES:
            return _compare_tables(left, right, _DELIMITERS[ending])
        if ending == ".json":
            return _counted(JSON, json_changes(left, right))
    except (NotATable, NotJson) as error:
        problem = str(error)
    if is_binary(left) or is_binary(right):
        return Inside(BYTES, problem=problem)
    if max(left.count(b"\n"), right.count(b"\n")) > MANY_LINES:
        return Inside(problem=f"over {MANY_LINES} lines: not looked into")
    return _compare_texts(left, right, problem)


def compare_entries(changes: Iterable[Change]) -> Inside:
    """Return the differences of two directories, given those of their entries by path."""
    return _counted(DIRECTORY, changes)


def _counted(kind: str, changes: Iterable[Change]) -> Inside:
    counts = dict.fromkeys((ADDED, REMOVED, CHANGED), 0)
    first: list[Change] = []
    for change in changes:
        counts[change.kind] += 1
        if len(first) < NAMED:
            first.append(change)
    more = sum(counts.values()) - len(first)
    return Inside(
        kind, counts[ADDED], counts[REMOVED], counts[CHANGED], first=tuple(first), more=more
    )


def _compare_texts(left: bytes, right: bytes, problem: str) -> Inside:
    a, b = (data.decode("utf-8", "surrogateescape").split("\n") for data in (left, right))
    added = removed = 0
    first: list[Change] = []
    for block in differing_blocks(a, b):
        removed += block.left_end - block.left_start
        added += block.right_end - block.right_start
        old = a[block.left_start : min(block.left_end, block.left_start + NAMED)]
        new = b[block.right_start : min(block.right_end, block.right_start + NAMED)]
        if len(first) < NAMED:
            first += _lines(REMOVED, block.left_start, old)
            first += _lines(ADDED, block.right_start, new)
    kept = tuple(first[:NAMED])
    return Inside(
        TEXT, added, removed, first=kept, more=added + removed - len(kept), problem=problem
    )


def _lines(kind: str, start: int, lines: Iterable[str]) -> Iterator[Change]:
    for number, line in enumerate(map(_shown, lines), start + 1):
        sides = (line, None) if kind == REMOVED else (None, line)
        yield Change(f"line {number}", kind, *sides)


def _shown(line: str) -> str:
    return line if len(line) <= _LINE_SHOWN else f"{line[:_LINE_SHOWN]}…"


def _compare_tables(left: bytes, right: bytes, delimiter: str) -> Inside:
    found = table_changes(left, right, delimiter, named=NAMED)
    return Inside(
        CSV,
        found.added,
        found.removed,
        found.changed,
        found.cells,
        found.columns,
        found.first,
        found.more,
    )
