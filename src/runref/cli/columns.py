"""What a column of a list of runs holds, and which columns are worth showing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from runref.cli.text import format_value
from runref.model.difference import flatten, same_value
from runref.model.headline import main_metrics
from runref.store.recorded import RecordedRun

_SHOWN = 6
"""Parameters, and metrics, that a table shows unless asked for others."""


def sort_runs(runs: Sequence[RecordedRun], by: str) -> list[RecordedRun]:
    """Return runs in the order of a column; those that lack it, or have NaN, come last."""
    name, descending = by.removeprefix("-"), by.startswith("-")
    values = [(cell(run, name), run) for run in runs]
    have = [(value, run) for value, run in values if not _is_nothing(value)]
    lack = [run for value, run in values if _is_nothing(value)]

    def key(pair: tuple[object, RecordedRun]) -> tuple[int, object]:
        value = pair[0]
        return (0, value) if isinstance(value, (int, float)) else (1, format_value(value))

    return [run for _, run in sorted(have, key=key, reverse=descending)] + lack


def _is_nothing(value: object) -> bool:
    return value in (None, "") or (isinstance(value, float) and math.isnan(value))


def cell(run: RecordedRun, name: str) -> object:
    """Return what a run has in a column: a field, a parameter, a metric, or ``metric.max``."""
    record = run.record
    if name in FIELDS:
        return FIELDS[name](run)
    params = params_of(run)
    if name in params:
        return params[name]
    if name in record.metrics:
        return record.metrics[name].last
    metric, _, part = name.rpartition(".")
    if metric in record.metrics and part in _METRIC_PARTS:
        return getattr(record.metrics[metric], part)
    return flatten(record.summary).get(name)


_METRIC_PARTS = frozenset(
    {"last", "min", "max", "mean", "first", "count", "last_step", "step_of_min", "step_of_max"}
)
FIELDS: Mapping[str, Callable[[RecordedRun], object]] = {
    "id": lambda run: run.id,
    "started": lambda run: run.record.started,
    "experiment": lambda run: run.record.experiment,
    "name": lambda run: run.record.name,
    "tags": lambda run: " ".join(run.additions.tags),
    "status": lambda run: run.record.status,
    "duration": lambda run: run.record.duration,
    "verdict": lambda run: run.record.reproduction.verdict if run.record.reproduction else "",
    "record": lambda run: run.tree,
    "command": lambda run: " ".join(run.record.command.argv),
    "host": lambda run: run.record.host,
    "author": lambda run: run.record.author,
}


def params_of(run: RecordedRun) -> dict[str, object]:
    """Return a run's parameters, nested ones by dotted names."""
    return flatten({name: each.value for name, each in run.record.params.items()})


def telling_columns(runs: Sequence[RecordedRun]) -> list[str]:
    """Return the columns worth showing: those with something to tell these runs apart."""
    present = [name for name in FIELDS if any(FIELDS[name](run) for run in runs)]
    names = ["id", "started"]
    names += [name for name in ("experiment", "name", "tags") if name in present]
    names += ["status", "duration"]
    names += varying_parameters(runs)[:_SHOWN]
    metrics: dict[str, None] = {}
    for run in runs:
        metrics.update(dict.fromkeys(name for name, _ in main_metrics(run.record.metrics)))
    names += list(metrics)[:_SHOWN]
    names += ["verdict"] if "verdict" in present else []
    return list(dict.fromkeys(names))


def all_columns(runs: Sequence[RecordedRun]) -> list[str]:
    """Return every field, parameter and metric."""
    names = dict.fromkeys(FIELDS)
    for run in runs:
        names.update(dict.fromkeys(params_of(run)))
    for run in runs:
        names.update(dict.fromkeys(run.record.metrics))
    return list(names)


def varying_parameters(runs: Sequence[RecordedRun]) -> list[str]:
    """Return the parameters that some of the runs have otherwise than others."""
    values: dict[str, list[object]] = {}
    for run in runs:
        for name, value in params_of(run).items():
            values.setdefault(name, []).append(value)
    return [
        name
        for name, held in values.items()
        if len(held) < len(runs) or not all(same_value(held[0], each) for each in held)
    ]
