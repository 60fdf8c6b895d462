"""Reading many runs at once: parsing YAML is what a first index costs, and it takes every core."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from runref.index.rows import Rows, rows_of
from runref.store.readers import Plain, answer, read_by_processes
from runref.store.runs_ref import RunsRef

_WORTH_IT = 600
"""Runs below which starting other processes gains nothing; an estimate."""
_AT_ONCE = 64


class ToRead(NamedTuple):
    """A run that is to be read.

    Attributes:
        id: Its id.
        tree: Its tree.
        annotated: Whether it has annotations.
    """

    id: str
    tree: str
    annotated: bool


def read_runs(runs: RunsRef, root: str, wanted: Sequence[ToRead]) -> Iterator[Rows]:
    """Yield the rows of runs, in any order.

    Args:
        runs: The ref that they are in.
        root: Root tree in which their annotations are.
        wanted: The runs.
    """
    found = read_by_processes(
        __name__,
        runs.folder,
        [(root, *each) for each in wanted],
        read=lambda each: tuple(_read(runs, each)),
        worth_it=_WORTH_IT,
        at_once=_AT_ONCE,
    )
    return (Rows(*each) for each in found)


def serve(folder: str) -> None:
    """Read what is asked for on stdin, until it ends; what a reader's process does."""
    from runref.git.repository import Repository

    runs = RunsRef(Repository.open(Path(folder), environ=os.environ))
    answer(lambda each: tuple(_read(runs, each)))


def _read(runs: RunsRef, asked: Plain) -> Rows:
    root, *wanted = asked
    run = ToRead(*wanted)
    files = runs.annotation_files(run.id, root) if run.annotated else {}
    return rows_of(runs.objects, run.id, run.tree, files)
