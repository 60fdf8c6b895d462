"""What differs between runs: everything that is compared is read here, and nowhere fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runref.errors import RunrefError
from runref.git.format import TreeEntry
from runref.git.objects import ObjectStore
from runref.model.difference import environment_facts, flatten
from runref.model.run_difference import (
    SECTIONS,
    CodeChange,
    Difference,
    NotCompared,
    circumstance_facts,
    command_facts,
    compare_runs,
    data_facts,
    parameter_facts,
    seed_facts,
    status_facts,
)
from runref.model.series import DamagedSeries, collector_paused, parse_segment_name, read_lines
from runref.model.series_difference import Points, columns_of, find_parting
from runref.model.variation import Facts, Variation, varying
from runref.project.comparing_code import code_changes, file_changes
from runref.project.comparing_data import with_insides
from runref.project.project import Project
from runref.store.recorded import RecordedRun, read_environment

Series = dict[str, Points]


@dataclass(slots=True)
class _Problems:
    """What could not be read of one comparison."""

    found: list[NotCompared] = field(default_factory=list)

    def damage(self, section: str, run: RecordedRun, error: RunrefError) -> None:
        self.found.append(NotCompared(section, f"run {run.id}", error.message, damage=True))

    def missing(self, section: str, run: RecordedRun, problem: str) -> None:
        self.found.append(NotCompared(section, f"run {run.id}", problem))


def compare(project: Project, left: RecordedRun, right: RecordedRun) -> Difference:
    """Return what differs between two recorded runs, also inside contents that are here.

    What is damaged or not here is named in the result; it raises nothing.
    """
    problems = _Problems()
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
    objects: ObjectStore, left: RecordedRun, right: RecordedRun, problems: _Problems
) -> list[CodeChange]:
    trees = _trees((left, right), problems)
    if "" in trees:
        return []
    try:
        return list(code_changes(objects, trees[0], trees[1]))
    except RunrefError as error:
        problems.found.append(NotCompared("code", "snapshots", error.message, damage=True))
        return []


def _trees(runs: Sequence[RecordedRun], problems: _Problems) -> list[str]:
    """Return the snapshot of each run; empty where it has none."""
    for run in runs:
        if run.record.code is None:
            problems.missing("code", run, "its code was not recorded")
    return [run.record.code.tree if run.record.code else "" for run in runs]


def _environments(
    objects: ObjectStore, left: RecordedRun, right: RecordedRun, problems: _Problems
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if left.record.environment and left.record.environment == right.record.environment:
        return {}, {}
    documents = [_environment(objects, run, problems) for run in (left, right)]
    return (documents[0], documents[1]) if all(documents) else ({}, {})


def _environment(objects: ObjectStore, run: RecordedRun, problems: _Problems) -> Mapping[str, Any]:
    try:
        document = read_environment(objects, run.tree)
    except RunrefError as error:
        problems.damage("environment", run, error)
        return {}
    if not document:
        problems.missing("environment", run, "its environment was not recorded")
    return document


def _both_series(
    objects: ObjectStore, left: RecordedRun, right: RecordedRun, problems: _Problems
) -> tuple[Series, Series] | None:
    """Return the series of two runs; none where they are equal, or one cannot be read."""
    segments = [_segments(objects, run, problems) for run in (left, right)]
    if None in segments or segments[0] == segments[1]:
        return None
    series = [
        _series(objects, run, of_run or [], problems)
        for run, of_run in zip((left, right), segments, strict=True)
    ]
    return None if series[0] is None or series[1] is None else (series[0], series[1])


_Segment = tuple[tuple[int, int], str]
"""Rank and number of a file of series, and its object."""


def _segments(objects: ObjectStore, run: RecordedRun, problems: _Problems) -> list[_Segment] | None:
    try:
        entries: Sequence[TreeEntry] = objects.read_tree(run.tree)
    except RunrefError as error:
        problems.damage("metrics", run, error)
        return None
    named = ((parse_segment_name(each.name.decode("utf-8", "replace")), each) for each in entries)
    return sorted((place, entry.oid) for place, entry in named if place is not None)


def _series(
    objects: ObjectStore, run: RecordedRun, segments: Sequence[_Segment], problems: _Problems
) -> Series | None:
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


def compare_several(project: Project, runs: Sequence[RecordedRun]) -> Variation:
    """Return what varies among recorded runs; what is damaged is named in the result."""
    problems = _Problems()
    objects = project.repository.objects
    facts: list[dict[str, dict[str, Any]]] = [_facts(run) for run in runs]
    for of_run, code in zip(facts, _code_facts(objects, runs, problems), strict=True):
        of_run["code"] = code
    documents = [_environment(objects, run, problems) for run in runs]
    for of_run, document in zip(facts, documents, strict=True):
        of_run["environment"] = environment_facts(document)
    _add_partings(objects, runs, facts, problems)
    shown: list[Facts] = list(facts)
    rows = varying(shown, (*SECTIONS, "circumstances"))
    return Variation(tuple(run.id for run in runs), rows, tuple(problems.found))


def _facts(run: RecordedRun) -> dict[str, dict[str, Any]]:
    record = run.record
    metrics: dict[str, Any] = {}
    for name, each in record.metrics.items():
        metrics |= {name: each.last, f"{name}.min": each.min, f"{name}.max": each.max}
        metrics[f"{name}.count"] = each.count
    return {
        "status": status_facts(record),
        "command": command_facts(record),
        "parameters": parameter_facts(record),
        "seeds": seed_facts(record),
        "inputs": data_facts(record.inputs),
        "outputs": data_facts(record.outputs),
        "summary": flatten(record.summary),
        "metrics": metrics,
        "circumstances": circumstance_facts(record),
    }


def _code_facts(
    objects: ObjectStore, runs: Sequence[RecordedRun], problems: _Problems
) -> list[dict[str, Any]]:
    """Return the object of each file that is not the same in all snapshots, for each run."""
    trees = _trees(runs, problems)
    facts: list[dict[str, Any]] = [{} for _ in runs]
    base = next((tree for tree in trees if tree), "")
    changed: list[dict[str, tuple[str | None, str | None]]] = []
    for run, tree in zip(runs, trees, strict=True):
        try:
            changed.append(file_changes(objects, base, tree) if tree else {})
        except RunrefError as error:
            problems.damage("code", run, error)
            changed.append({})
    originals = {path: old for each in changed for path, (old, _) in each.items()}
    for of_run, tree, own in zip(facts, trees, changed, strict=True):
        for path, original in originals.items() if tree else ():
            oid = own[path][1] if path in own else original
            if oid is not None:
                of_run[path] = oid
    return facts


def _add_partings(
    objects: ObjectStore,
    runs: Sequence[RecordedRun],
    facts: Sequence[dict[str, dict[str, Any]]],
    problems: _Problems,
) -> None:
    """Add to the facts of each run the step at which its series part from the first run's."""
    all_segments = [_segments(objects, run, problems) for run in runs]
    if all_segments[0] is None or all(each == all_segments[0] for each in all_segments):
        return
    first = _series(objects, runs[0], all_segments[0], problems)
    for run, segments, of_run in zip(runs[1:], all_segments[1:], facts[1:], strict=True):
        if first is None or segments is None or segments == all_segments[0]:
            continue
        series = _series(objects, run, segments, problems)
        for name in first.keys() & (series or {}).keys():
            parting = find_parting(first[name], (series or {})[name])
            if parting is not None:
                of_run["metrics"][f"{name} parts at step"] = parting.step
