"""How a run ended whose processes were killed before they could say so."""

from __future__ import annotations

import os
from pathlib import Path

from runref.model.record import INTERRUPTED
from runref.model.series import read_lines
from runref.model.times import parse_time
from runref.tracking.run_directory import End, RunDirectory

_TAIL = 1 << 16
"""Bytes at the end of a series in which its last line is looked for."""


def end_of_killed(run: RunDirectory) -> End:
    """Return the end of a killed run: its duration reaches to its last sign of life.

    The times of its files come from the wall clock, which may have gone back; those of its lines
    do not.

    Raises:
        RunrefError: its start cannot be read.
    """
    started = parse_time(run.read_start().started).timestamp()
    last_line = max((_last_elapsed(file.path) for file in run.series_files()), default=0.0)
    return End(status=INTERRUPTED, duration=round(max(run.last_activity() - started, last_line), 6))


def _last_elapsed(series: Path) -> float:
    with series.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL, 0))
        tail = file.read()
    if size > _TAIL:
        tail = tail[tail.find(b"\n") + 1 :]
    rows = read_lines(tail).rows
    return float(rows[-1]["elapsed"]) if rows else 0.0
