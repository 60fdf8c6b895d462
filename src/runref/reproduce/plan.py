"""What a reproduction will do, worked out before anything is written or run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runref.artifacts import hash_path
from runref.capture.environment import capture_environment
from runref.capture.secrecy import MASK
from runref.errors import RunrefError
from runref.model.difference import Change, compare_environments
from runref.model.record import INTERRUPTED, DataFile, Record
from runref.model.verdict import can_be_judged
from runref.project.project import Project
from runref.reproduce.evidence import evidence_of
from runref.store.recorded import RecordedRun, read_environment

STORED, IN_PLACE, IN_SNAPSHOT, MISSING = "stored", "in place", "in snapshot", "missing"

_PLACEMENT = ("SLURM_", "OMPI_", "PMI_", "PMIX_", "MASTER_", "TORCHELASTIC_", "CUDA_VISIBLE")
_PLACEMENT_NAMES = frozenset({"RANK", "WORLD_SIZE", "LOCAL_RANK", "NODE_RANK", "PYTHONPATH"})


@dataclass(frozen=True, slots=True)
class InputPlan:
    """Where one input will come from: ``stored``, ``in place``, or ``missing``."""

    path: str
    digest: str
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A reproduction before it begins.

    Attributes:
        run: The run to be re-executed.
        argv: The command, with the interpreter that will run it.
        variables: Environment variables of the original that will be set.
        inputs: Where each input will come from.
        environment: What is different from the environment of the original.
        packages: How many packages the original recorded.
        problems: Why it cannot be run or judged; empty where it can.
    """

    run: RecordedRun
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    inputs: tuple[InputPlan, ...]
    environment: tuple[Change, ...]
    packages: int
    problems: tuple[str, ...]


def make_plan(project: Project, run: RecordedRun, *, write_outside: bool = False) -> Plan:
    """Work out how a run would be re-executed here and now.

    Args:
        project: The repository that holds the run.
        run: The run.
        write_outside: Whether outputs outside the working tree may be written again.
    """
    record = run.record
    recorded = read_environment(project.repository.objects, run.tree)
    inputs = tuple(_plan_input(project, each) for each in record.inputs)
    return Plan(
        run=run,
        argv=_argv(record),
        variables=_variables(record.command.variables),
        inputs=inputs,
        environment=compare_environments(recorded, capture_environment(project.environ)),
        packages=len(recorded.get("packages", ())),
        problems=tuple(_problems(project, run, inputs, write_outside=write_outside)),
    )


def _argv(record: Record) -> tuple[str, ...]:
    """Return the command; an interpreter given by a path that is not here is this one."""
    first, *rest = record.command.argv
    gone = os.sep in first and Path(first).is_absolute() and not Path(first).exists()
    if gone and Path(first).name.startswith("python"):
        return (sys.executable, *rest)
    return record.command.argv


def _variables(recorded: Mapping[str, str]) -> dict[str, str]:
    """Return what may change results; where the job ran, and secrets, stay as they are now."""
    return {
        name: value
        for name, value in recorded.items()
        if not name.startswith(_PLACEMENT) and name not in _PLACEMENT_NAMES and value != MASK
    }


def _plan_input(project: Project, file: DataFile) -> InputPlan:
    if not file.digest:
        return InputPlan(file.path, "", MISSING)
    outside = Path(file.path).is_absolute()
    if not outside and project.artifacts.contains(file.digest):
        return InputPlan(file.path, file.digest, STORED)
    try:
        found = hash_path(project.root / file.path).digest
    except RunrefError:
        found = ""
    source = IN_PLACE if found == file.digest else MISSING
    return InputPlan(file.path, file.digest, source)


def _problems(
    project: Project, run: RecordedRun, inputs: Sequence[InputPlan], *, write_outside: bool
) -> list[str]:
    record = run.record
    problems = []
    if record.code is None:
        problems.append("the code was not recorded")
    elif not project.repository.objects.contains(record.code.tree):
        problems.append(f"the snapshot {record.code.tree[:7]} is not in this repository")
    if record.status == INTERRUPTED:
        problems.append("the run was interrupted: what it would have come to is unknown")
    if not can_be_judged(evidence_of(project.repository.objects, run)):
        problems.append("the run recorded neither metrics nor outputs to compare with")
    if any(MASK in word for word in record.command.argv):
        problems.append("the command held a secret, which was not recorded")
    problems += [f"input {each.path} is missing" for each in inputs if each.source == MISSING]
    outside = [each.path for each in record.outputs if Path(each.path).is_absolute()]
    if outside and not write_outside:
        problems.append(
            f"it would write {outside[0]} outside the working tree again (--write-outside allows)"
        )
    return problems
