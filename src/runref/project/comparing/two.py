"""What differs between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runref.errors import RunrefError
from runref.git.objects import ObjectStore
from runref.model.run_difference import CodeChange, Difference, NotCompared, compare_runs
from runref.project.comparing.code import code_changes
from runref.project.comparing.data import with_insides
from runref.project.comparing.parts import (
    Series,
    environment_of,
    segments_of,
    series_of,
    trees_of,
)
from runref.project.comparing.problems import Problems
from runref.project.project import Project
from runref.store.recorded import RecordedRun


def compare(project: Project, left: RecordedRun, right: RecordedRun) -> Difference:
    """Return what differs between two recorded runs, also inside contents that are here.

    What is damaged or not here is named in the result; it raises nothing.
    """
    problems = Problems()
    difference = compare_runs(
        left.record,
        right.record,
        code=_code(project.repository.objects, left, right, problems),
        environments=_environments(project.repository.objects, left, right, problems),
        series=_both_series(project.repository.objects, left, right, problems),
        not_compared=problems.found,
    )
    return with_insides(project, difference, left.record, right.record)


def _code(
    objects: ObjectStore, left: RecordedRun, right: RecordedRun, problems: Problems
) -> list[CodeChange]:
    trees = trees_of((left, right), problems)
    if "" in trees:
        return []
    try:
        return list(code_changes(objects, trees[0], trees[1]))
    except RunrefError as error:
        problems.found.append(NotCompared("code", "snapshots", error.message, damage=True))
        return []


def _environments(
    objects: ObjectStore, left: RecordedRun, right: RecordedRun, problems: Problems
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if left.record.environment and left.record.environment == right.record.environment:
        return {}, {}
    documents = [environment_of(objects, run, problems) for run in (left, right)]
    return (documents[0], documents[1]) if all(documents) else ({}, {})


def _both_series(
    objects: ObjectStore, left: RecordedRun, right: RecordedRun, problems: Problems
) -> tuple[Series, Series] | None:
    """Return the series of two runs; none where they are equal, or one cannot be read."""
    segments = [segments_of(objects, run, problems) for run in (left, right)]
    if None in segments or segments[0] == segments[1]:
        return None
    series = [
        series_of(objects, run, of_run or [], problems)
        for run, of_run in zip((left, right), segments, strict=True)
    ]
    return None if series[0] is None or series[1] is None else (series[0], series[1])
