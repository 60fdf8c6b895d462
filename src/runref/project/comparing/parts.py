"""The parts of recorded runs that are compared, as far as they can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runref.errors import RunrefError
from runref.git.format import TreeEntry
from runref.git.objects import ObjectStore
from runref.model.series import DamagedSeries, collector_paused, parse_segment_name, read_lines
from runref.model.series_difference import Points, columns_of
from runref.project.comparing.problems import Problems
from runref.store.recorded import RecordedRun, read_environment

Series = dict[str, Points]

Segment = tuple[tuple[int, int], str]
"""Rank and number of a file of series, and its object."""


def segments_of(objects: ObjectStore, run: RecordedRun, problems: Problems) -> list[Segment] | None:
    """Return the files of series of a run in order; none, and noted, where they cannot be read."""
    try:
        entries: Sequence[TreeEntry] = objects.read_tree(run.tree)
    except RunrefError as error:
        problems.damage("metrics", run, error)
        return None
    named = ((parse_segment_name(each.name.decode("utf-8", "replace")), each) for each in entries)
    return sorted((place, entry.oid) for place, entry in named if place is not None)


def series_of(
    objects: ObjectStore, run: RecordedRun, segments: Sequence[Segment], problems: Problems
) -> Series | None:
    """Return the series of a run; none, and noted, where one is missing or damaged."""
    series: Series = {}
    try:
        with collector_paused():
            for (rank, _), oid in segments:
                columns_of(_rows(objects, oid), rank, series)
    except RunrefError as error:
        problems.damage("metrics", run, error)
        return None
    return series


def _rows(objects: ObjectStore, oid: str) -> Sequence[Mapping[str, Any]]:
    lines = read_lines(objects.read_blob(oid))
    if lines.damaged or lines.torn:
        shown = (lines.damaged or (lines.torn,))[0][:60]
        raise DamagedSeries(f"the series holds a line that is no log call: {shown!r}")
    return lines.rows


def trees_of(runs: Sequence[RecordedRun], problems: Problems) -> list[str]:
    """Return the snapshot of each run; empty where it has none."""
    for run in runs:
        if run.record.code is None:
            problems.missing("code", run, "its code was not recorded")
    return [run.record.code.tree if run.record.code else "" for run in runs]


def environment_of(objects: ObjectStore, run: RecordedRun, problems: Problems) -> Mapping[str, Any]:
    """Return the environment of a run; empty, and noted, where it cannot be read."""
    try:
        document = read_environment(objects, run.tree)
    except RunrefError as error:
        problems.damage("environment", run, error)
        return {}
    if not document:
        problems.missing("environment", run, "its environment was not recorded")
    return document
