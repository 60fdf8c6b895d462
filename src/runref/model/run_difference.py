"""What differs between two runs, section by section."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runref.model.content_difference import Inside
from runref.model.difference import Change, compare_environments, compare_mappings, flatten
from runref.model.record import DataFile, Record
from runref.model.series_difference import MetricChange, Points, compare_metrics

SECTIONS = (
    "status",
    "code",
    "command",
    "parameters",
    "seeds",
    "environment",
    "inputs",
    "outputs",
    "summary",
    "metrics",
)
"""Names of the sections that make two runs different, in the order in which they are shown."""

_OF_THE_JOB = (
    "SLURM_JOB_ID",
    "SLURM_JOB_NODELIST",
    "SLURM_STEP_ID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_RESTART_COUNT",
    "MASTER_ADDR",
    "MASTER_PORT",
    "PBS_JOBID",
    "LSB_JOBID",
    "JOB_ID",
)
"""Variables that are others in every job of a scheduler."""
_STATE = ".state"
"""Ends the name of a random number generator whose seed is not known."""
_SLOWER = 1.1
"""Ratio of two durations from which on they are worth telling, with `_LONGER`."""
_LONGER = 5.0
"""Seconds that two durations must be apart to be worth telling."""


@dataclass(frozen=True, slots=True)
class CodeChange:
    """A file of the snapshots that differs.

    Attributes:
        name: Its path.
        kind: ``added``, ``removed`` or ``changed``.
        left: Object id of the content on the left, where there is one.
        right: Object id of the content on the right, where there is one.
        left_mode: Git's mode on the left, six digits; empty where there is none.
        right_mode: Git's mode on the right.
        added: Lines that only the right has; none where they were not counted.
        removed: Lines that only the left has; none where they were not counted.
        binary: Whether it is no text.
        problem: Why its lines were not counted.
    """

    name: str
    kind: str
    left: str | None = None
    right: str | None = None
    left_mode: str = ""
    right_mode: str = ""
    added: int | None = None
    removed: int | None = None
    binary: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DataChange:
    """An input or output that differs.

    Attributes:
        name: Its path.
        kind: ``added``, ``removed`` or ``changed``.
        left: Digest on the left, or what else is known of the content, or why nothing is.
        right: The same on the right.
        inside: What differs inside, where both sides have it.
    """

    name: str
    kind: str
    left: str | None = None
    right: str | None = None
    inside: Inside | None = None


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Something of which it is not known whether it differs.

    Attributes:
        section: Section it belongs to.
        name: What was not compared.
        problem: Why.
        damage: Whether something that should be there is missing or damaged.
    """

    section: str
    name: str
    problem: str
    damage: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two runs; an empty section is equal.

    Attributes:
        left: Id of one run.
        right: Id of the other run.
        circumstances: Host, duration, numbers of jobs: told, and by themselves no difference.
        not_compared: What could not be compared.
    """

    left: str
    right: str
    status: tuple[Change, ...] = ()
    code: tuple[CodeChange, ...] = ()
    command: tuple[Change, ...] = ()
    parameters: tuple[Change, ...] = ()
    seeds: tuple[Change, ...] = ()
    environment: tuple[Change, ...] = ()
    inputs: tuple[DataChange, ...] = ()
    outputs: tuple[DataChange, ...] = ()
    summary: tuple[Change, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    circumstances: tuple[Change, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, section) for section in SECTIONS)

    @property
    def is_damaged(self) -> bool:
        """Whether something could not be compared since it is missing or damaged."""
        return any(each.damage for each in self.not_compared)


def compare_runs(
    left: Record,
    right: Record,
    *,
    code: Iterable[CodeChange] = (),
    environments: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
    series: tuple[Mapping[str, Points], Mapping[str, Points]] | None = None,
    not_compared: Iterable[NotCompared] = (),
) -> Difference:
    """Return what differs between two records.

    Args:
        left: One run.
        right: The other run.
        code: The files that differ between the snapshots, which the caller reads from git.
        environments: The environment documents of both runs.
        series: The series of both runs by name; none where they are equal or cannot be read.
        not_compared: What the caller could not read.
    """
    return Difference(
        left=left.id,
        right=right.id,
        status=compare_mappings(status_facts(left), status_facts(right)),
        code=tuple(code),
        command=compare_mappings(command_facts(left), command_facts(right)),
        parameters=compare_mappings(parameter_facts(left), parameter_facts(right)),
        seeds=compare_mappings(seed_facts(left), seed_facts(right)),
        environment=compare_environments(*environments),
        inputs=compare_data(left.inputs, right.inputs),
        outputs=compare_data(left.outputs, right.outputs),
        summary=compare_mappings(flatten(left.summary), flatten(right.summary)),
        metrics=compare_metrics((left.metrics, right.metrics), series),
        circumstances=_circumstances(left, right),
        not_compared=(*not_compared, *_unknown(left, right)),
    )


def compare_data(left: Iterable[DataFile], right: Iterable[DataFile]) -> tuple[DataChange, ...]:
    """Return the inputs or outputs that differ, by path."""
    changes = compare_mappings(data_facts(left), data_facts(right))
    return tuple(DataChange(each.name, each.kind, each.left, each.right) for each in changes)


def data_facts(files: Iterable[DataFile]) -> dict[str, str]:
    """Return what is known of the content of each input or output, by path."""
    return {each.path: each.identity or each.problem for each in files}


def command_facts(record: Record) -> dict[str, Any]:
    """Return what makes the command of a run another one."""
    return {
        "argv": shlex.join(record.command.argv),
        "directory": record.command.directory,
        **({"python path": ":".join(path)} if (path := record.command.python_path) else {}),
        **_variables(record, of_the_job=False),
    }


def parameter_facts(record: Record) -> dict[str, Any]:
    """Return the parameters of a run, nested ones by dotted names."""
    return flatten({name: each.value for name, each in record.params.items()})


def _variables(record: Record, *, of_the_job: bool) -> dict[str, Any]:
    return {
        f"${name}": value
        for name, value in record.command.variables.items()
        if (name in _OF_THE_JOB) == of_the_job
    }


def status_facts(record: Record) -> dict[str, Any]:
    """Return how a run ended, as far as there is something to say."""
    facts: dict[str, Any] = {
        "status": record.status,
        "exit status": record.exit_status,
        "signal": record.signal,
        "failure": f"{record.failure.type}: {record.failure.message}" if record.failure else "",
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def seed_facts(record: Record) -> dict[str, Any]:
    """Return the seeds of a run; a generator that nobody seeded has another state in every run."""
    seeds = flatten(record.seeds)
    return {name: value for name, value in seeds.items() if not name.endswith(_STATE)}


def circumstance_facts(record: Record) -> dict[str, Any]:
    """Return what is another one for equal runs, too: the host, and numbers of jobs."""
    return {"host": record.host, **_variables(record, of_the_job=True)}


def _circumstances(left: Record, right: Record) -> tuple[Change, ...]:
    facts = [circumstance_facts(each) for each in (left, right)]
    durations = sorted((left.duration, right.duration))
    if durations[1] > durations[0] * _SLOWER and durations[1] - durations[0] > _LONGER:
        facts[0]["duration"], facts[1]["duration"] = left.duration, right.duration
    return compare_mappings(*facts)


def _unknown(left: Record, right: Record) -> Iterable[NotCompared]:
    """Yield what neither record knows enough of."""
    for section in ("inputs", "outputs"):
        others = {each.path: each for each in getattr(right, section)}
        for each in getattr(left, section):
            other = others.get(each.path)
            if other and not each.identity and not other.identity:
                yield NotCompared(section, each.path, each.problem or "not hashed")
    sides = [
        {each.path: each for each in record.code.left_out} if record.code else {}
        for record in (left, right)
    ]
    for path in sorted(sides[0].keys() | sides[1].keys()):
        reasons = [side[path].reason for side in sides if path in side]
        yield NotCompared("code", path, f"left out of the snapshot: {reasons[0]}")
