"""What varies among several runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runref.errors import RunrefError
from runref.git.objects import ObjectStore
from runref.model.difference import environment_facts, flatten
from runref.model.run_difference import (
    SECTIONS,
    circumstance_facts,
    command_facts,
    data_facts,
    parameter_facts,
    seed_facts,
    status_facts,
)
from runref.model.series_difference import find_parting
from runref.model.variation import Facts, Variation, varying
from runref.project.comparing.code import file_changes
from runref.project.comparing.parts import environment_of, segments_of, series_of, trees_of
from runref.project.comparing.problems import Problems
from runref.project.project import Project
from runref.store.recorded import RecordedRun


def compare_several(project: Project, runs: Sequence[RecordedRun]) -> Variation:
    """Return what varies among recorded runs; what is damaged is named in the result."""
    problems = Problems()
    objects = project.repository.objects
    facts: list[dict[str, dict[str, Any]]] = [_facts(run) for run in runs]
    for of_run, code in zip(facts, _code_facts(objects, runs, problems), strict=True):
        if code is not None:
            of_run["code"] = code
    for of_run, run in zip(facts, runs, strict=True):
        if document := environment_of(objects, run, problems):
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
    objects: ObjectStore, runs: Sequence[RecordedRun], problems: Problems
) -> list[dict[str, Any] | None]:
    """Return the object of each file that is not the same in all snapshots, for each run.

    A run whose snapshot is not known has none.
    """
    trees = trees_of(runs, problems)
    base = next((tree for tree in trees if tree), "")
    changed: list[dict[str, tuple[str | None, str | None]] | None] = []
    for run, tree in zip(runs, trees, strict=True):
        try:
            changed.append(file_changes(objects, base, tree) if tree else None)
        except RunrefError as error:
            problems.damage("code", run, error)
            changed.append(None)
    before = {path: old for each in changed if each for path, (old, _) in each.items()}
    return [None if own is None else _files(before, own) for own in changed]


def _files(
    before: dict[str, str | None], changed: dict[str, tuple[str | None, str | None]]
) -> dict[str, Any]:
    now = before | {path: new for path, (_, new) in changed.items()}
    return {path: oid for path, oid in now.items() if oid is not None}


def _add_partings(
    objects: ObjectStore,
    runs: Sequence[RecordedRun],
    facts: Sequence[dict[str, dict[str, Any]]],
    problems: Problems,
) -> None:
    """Add to the facts of each run the step at which its series part from the first run's."""
    all_segments = [segments_of(objects, run, problems) for run in runs]
    if all_segments[0] is None or all(each == all_segments[0] for each in all_segments):
        return
    first = series_of(objects, runs[0], all_segments[0], problems)
    for run, segments, of_run in zip(runs[1:], all_segments[1:], facts[1:], strict=True):
        if first is None or segments is None or segments == all_segments[0]:
            continue
        series = series_of(objects, run, segments, problems)
        for name in first.keys() & (series or {}).keys():
            parting = find_parting(first[name], (series or {})[name])
            if parting is not None:
                of_run["metrics"][f"{name} parts at step"] = parting.step
