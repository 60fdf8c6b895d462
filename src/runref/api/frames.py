"""Runs as data frames of pandas or polars, whichever is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from runref.errors import ExitStatus, RunrefError
from runref.model.times import parse_time
from runref.project.columns import Cells, NamedColumn, all_columns
from runref.project.project import Project
from runref.project.searching import Search
from runref.store.recorded import RecordedRun

_LIBRARIES = ("pandas", "polars")


class NoDataFrames(RunrefError):
    """No library of data frames is installed, or not the one that was asked for."""

    code = "no-data-frames"
    exit_status = ExitStatus.USAGE


def frame(project: Project, runs: Sequence[RecordedRun], library: str) -> Any:
    """Return a data frame with a row for each run.

    Args:
        project: Where the runs are.
        runs: The runs.
        library: ``pandas`` or ``polars``; the first that is installed where it is empty.

    Raises:
        NoDataFrames: It is not installed.
    """
    module = _library(library)
    cells = Cells(Search(project))
    columns = {each.name: _column(each, cells.column(each, runs)) for each in all_columns(runs)}
    if module.__name__ == "polars":
        return module.DataFrame(columns, strict=False)
    return module.DataFrame(columns)


def _library(name: str) -> Any:
    wanted = (name,) if name else _LIBRARIES
    for each in wanted:
        if each in _LIBRARIES and find_spec(each):
            return import_module(each)
    raise NoDataFrames(
        f"{name or 'neither pandas nor polars'} is {'not ' if name else ''}installed",
        hint="`pip install pandas`, or read runs and series without data frames.",
    )


def _column(column: NamedColumn, values: Sequence[Any]) -> list[Any]:
    if column.type == "time":
        return [_moment(value) for value in values]
    return [_plain(value) for value in values]


def _moment(value: str | None) -> datetime | None:
    return None if value is None else parse_time(value)


def _plain(value: Any) -> Any:
    """Return a value that a cell can hold: what has parts becomes its text."""
    if isinstance(value, tuple):
        return " ".join(value)
    return str(value) if isinstance(value, (list, Mapping)) else value
