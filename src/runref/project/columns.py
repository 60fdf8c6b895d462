"""What a column of a list of runs holds, and which columns are worth showing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from runref.index.subject import RunSubject
from runref.model.difference import same_value
from runref.model.headline import main_metrics
from runref.project.searching import Search
from runref.query.fields import BY_NAME, COLLECTIONS, FIELDS
from runref.query.offered import parameters_of, summary_of
from runref.query.reference import Collection, Field, Metric, Parameter, SummaryValue
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    from runref.query.names import Target

_SHOWN = 6
"""Parameters, and metrics, that a table shows unless asked for others."""


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """A column.

    Attributes:
        name: What stands above it.
        target: What it holds of each run.
    """

    name: str
    target: Target

    @property
    def is_collection(self) -> bool:
        """Whether a run has several of it."""
        return isinstance(self.target, Collection)

    @property
    def type(self) -> str:
        """The type of the field that it shows; empty where it shows no field."""
        return BY_NAME[self.target.name].type if isinstance(self.target, Field) else ""


class Cells:
    """Reads columns off runs; of each run, parameters are flattened once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._subjects: dict[int, tuple[RunSubject, Mapping[str, Any], Mapping[str, Any]]] = {}

    def column(self, column: NamedColumn, runs: Sequence[RecordedRun]) -> list[Any]:
        """Return what each run has there; none for what is missing."""
        return [self._cell(column.target, run) for run in runs]

    def _cell(self, target: Target, run: RecordedRun) -> Any:
        key = id(run)
        if key not in self._subjects:
            subject = self._search.subject(run)
            record = run.record
            self._subjects[key] = subject, parameters_of(record), summary_of(record)
        subject, params, summary = self._subjects[key]
        if isinstance(target, Parameter):
            return params.get(target.path)
        if isinstance(target, SummaryValue):
            return summary.get(target.path)
        from runref.query.evaluate import MISSING, value_of

        value = value_of(target, subject)
        return None if value is MISSING else value


def named_columns(search: Search, names: str) -> list[NamedColumn]:
    """Return the columns that a comma-separated list names.

    Raises:
        QueryInvalid: no run has one of them, or it is no list of names.
    """
    from runref.query.parse import split_names

    return [NamedColumn(name, search.target(name)) for name in split_names(names)]


def telling_columns(runs: Sequence[RecordedRun]) -> list[NamedColumn]:
    """Return the columns worth showing: those with something to tell these runs apart."""
    fields = ["id", "started"]
    fields += ["experiment"] if any(run.record.experiment for run in runs) else []
    fields += ["name"] if any(run.name for run in runs) else []
    columns = [_field(name) for name in fields]
    if any(run.additions.tags for run in runs):
        columns.append(NamedColumn("tags", Collection("tags")))
    columns += [_field("status"), _field("duration")]
    columns += [NamedColumn(name, Parameter(name)) for name in varying_parameters(runs)[:_SHOWN]]
    metrics: dict[str, None] = {}
    for run in runs:
        metrics.update(dict.fromkeys(name for name, _ in main_metrics(run.record.metrics)))
    columns += [NamedColumn(name, Metric(name)) for name in list(metrics)[:_SHOWN]]
    if any(run.record.reproduction for run in runs):
        columns.append(NamedColumn("verdict", Field("reproduction.verdict")))
    return columns


def all_columns(runs: Sequence[RecordedRun]) -> list[NamedColumn]:
    """Return every field, parameter, summary value and metric that one of the runs has."""
    columns = [_field(row.short or row.name) for row in FIELDS]
    columns += [
        NamedColumn(name, Collection(name))  # type: ignore[arg-type]
        for name in COLLECTIONS
        if name != "code"
    ]
    seen: dict[Target, None] = {}
    for run in runs:
        seen.update(dict.fromkeys(map(Parameter, parameters_of(run.record))))
    for run in runs:
        seen.update(dict.fromkeys(map(SummaryValue, summary_of(run.record))))
    for run in runs:
        seen.update(dict.fromkeys(map(Metric, run.record.metrics)))
    taken = {column.name for column in columns}
    for target in seen:
        name = _own_name(target)
        columns.append(NamedColumn(name if name not in taken else _spelled(target), target))
        taken.add(columns[-1].name)
    return columns


def params_of(run: RecordedRun) -> dict[str, Any]:
    """Return a run's parameters, nested ones by dotted names."""
    return parameters_of(run.record)


def varying_parameters(runs: Sequence[RecordedRun]) -> list[str]:
    """Return the parameters that some of the runs have otherwise than others.

    Those that were typed come first, in the order of the newest command.
    """
    values: dict[str, list[object]] = {}
    for run in runs:
        for name, value in params_of(run).items():
            values.setdefault(name, []).append(value)
    varying = [
        name
        for name, held in values.items()
        if len(held) < len(runs) or not all(same_value(held[0], each) for each in held)
    ]
    places = _places_in_commands(runs)
    return sorted(varying, key=lambda name: places.get(name.replace("-", "_"), len(places)))


def _places_in_commands(runs: Sequence[RecordedRun]) -> Mapping[str, int]:
    """Return the order in which options were typed: what is typed first matters most, mostly."""
    words = (word for run in runs for word in run.record.command.argv[1:])
    names = (word.lstrip("-").partition("=")[0].replace("-", "_") for word in words)
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _own_name(target: Target) -> str:
    return target.name if isinstance(target, Metric) else target.path  # type: ignore[union-attr]


def _spelled(target: Target) -> str:
    from runref.query.names import spelled

    kind = {Parameter: "params", SummaryValue: "summary", Metric: "metrics"}[type(target)]
    return spelled(kind, _own_name(target))


@cache
def _field(name: str) -> NamedColumn:
    return NamedColumn(name, Field(BY_NAME[name].name))
