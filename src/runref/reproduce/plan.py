"""What a reproduction will do, worked out before anything is written or run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runref.artifacts import hash_path
from runref.capture.environment import capture_environment
from runref.capture.secrecy import MASK
from runref.capture.variables import capture_variables
from runref.errors import RunrefError
from runref.model.difference import Change, compare_environments
from runref.model.record import INTERRUPTED, DataFile, Record
from runref.model.verdict import can_be_judged
from runref.project.project import Project
from runref.reproduce.evidence import evidence_of
from runref.store.recorded import RecordedRun, read_environment

STORED, IN_PLACE, CHANGED, MISSING = "stored", "in place", "changed", "missing"

_PLACEMENT = ("SLURM_", "OMPI_", "PMI_", "PMIX_", "MASTER_", "PBS_", "LSB_", "CUDA_VISIBLE")
_PLACEMENT_NAMES = frozenset(
    {
        *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK"),
        *("JOB_ID", "SGE_TASK_ID", "VIRTUAL_ENV", "CONDA_DEFAULT_ENV", "PYTHONPATH"),
    }
)


@dataclass(frozen=True, slots=True)
class InputPlan:
    """Where one input will come from.

    Attributes:
        path: As recorded: relative to the root of the working tree, or absolute.
        kind: ``file`` or ``directory``.
        digest: Digest of its content; empty where it was not hashed.
        source: ``stored`` (the artifact store has it), ``in place`` (it lies unchanged where it
            was), ``changed`` (it lies there with other content) or ``missing``.
    """

    path: str
    kind: str
    digest: str
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A reproduction before it begins.

    Attributes:
        run: The run to be re-executed.
        argv: The command, with the interpreter that will run it.
        set_variables: Environment variables that will be set, as the original had them.
        unset_variables: Those that are set now, were not then, and change what is computed.
        inputs: Where each input will come from.
        recorded: The environment document of the original; empty where it has none.
        present: The environment document of here and now.
        environment: How the present environment differs from the recorded one.
        problems: Why it cannot be run or judged; empty where it can.
    """

    run: RecordedRun
    argv: tuple[str, ...]
    set_variables: Mapping[str, str]
    unset_variables: tuple[str, ...]
    inputs: tuple[InputPlan, ...]
    recorded: Mapping[str, Any]
    present: Mapping[str, Any]
    environment: tuple[Change, ...]
    problems: tuple[str, ...]


def make_plan(project: Project, run: RecordedRun, *, write_outside: bool = False) -> Plan:
    """Work out how a run would be re-executed here and now; nothing is written.

    Args:
        project: The repository that holds the run.
        run: The run.
        write_outside: Whether outputs outside the working tree may be written again.
    """
    record = run.record
    argv = _argv(record)
    recorded = read_environment(project.repository.objects, run.tree)
    present = capture_environment(project.environ, argv=argv)
    inputs = tuple(_plan_input(project, each) for each in record.inputs)
    wanted = _variables(record.command.variables)
    held = _variables(capture_variables(project.environ, project.config.environment.variables))
    return Plan(
        run=run,
        argv=argv,
        set_variables={k: v for k, v in wanted.items() if project.environ.get(k) != v},
        unset_variables=tuple(sorted(held.keys() - record.command.variables.keys())),
        inputs=inputs,
        recorded=recorded,
        present=present,
        environment=compare_environments(_comparable(recorded), _comparable(present)),
        problems=tuple(_problems(project, run, inputs, write_outside=write_outside)),
    )


def _argv(record: Record) -> tuple[str, ...]:
    """Return the command; an interpreter given by a path that is not here is this one."""
    first, *rest = record.command.argv
    gone = Path(first).is_absolute() and not Path(first).exists()
    if gone and Path(first).name.startswith("python"):
        return (sys.executable, *rest)
    return record.command.argv


def _comparable(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment without where it lies: a moved interpreter computes the same."""
    python = environment.get("python", {})
    shown = {name: value for name, value in python.items() if name not in ("executable", "prefix")}
    return {**environment, "python": shown} if python else dict(environment)


def _variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what may change results; where the job ran, and secrets, stay as they are now."""
    return {
        name: value
        for name, value in variables.items()
        if not name.startswith(_PLACEMENT) and name not in _PLACEMENT_NAMES and MASK not in value
    }


def _plan_input(project: Project, file: DataFile) -> InputPlan:
    if not file.digest:
        return InputPlan(file.path, file.kind, "", MISSING)
    outside = Path(file.path).is_absolute()
    if not outside and project.artifacts.contains(file.digest):
        return InputPlan(file.path, file.kind, file.digest, STORED)
    return InputPlan(file.path, file.kind, file.digest, _in_place(project, file))


def _in_place(project: Project, file: DataFile) -> str:
    if project.folder is None and not Path(file.path).is_absolute():
        return MISSING
    path = (project.folder or Path("/")) / file.path
    try:
        return IN_PLACE if hash_path(path).digest == file.digest else CHANGED
    except RunrefError:
        return MISSING


def _problems(
    project: Project, run: RecordedRun, inputs: Sequence[InputPlan], *, write_outside: bool
) -> Iterator[str]:
    record, objects = run.record, project.repository.objects
    if record.code is None:
        yield "the code was not recorded"
    elif not objects.contains(record.code.tree):
        yield f"the snapshot {record.code.tree[:7]} is not in this repository"
    if record.status == INTERRUPTED:
        yield "the run was interrupted: what it would have come to is unknown"
    elif not can_be_judged(evidence_of(objects, run)):
        yield "the run recorded neither metrics nor outputs to compare with"
    if any(MASK in word for word in record.command.argv):
        yield "the command held a secret, which was not recorded"
    if record.ranks > 1:
        yield f"{record.ranks} processes ran it, started by a launcher that was not recorded"
    if not _stays_inside(record.command.directory):
        yield f"it ran in {record.command.directory}, outside the working tree"
    for each in inputs:
        if problem := _problem_of(each):
            yield problem
    outside = [each.path for each in record.outputs if not _stays_inside(each.path)]
    if outside and not write_outside:
        yield f"it would write {outside[0]} outside the working tree again (--write-outside allows)"


def _problem_of(each: InputPlan) -> str:
    if not each.digest:
        return f"input {each.path} was not hashed when it was recorded"
    if not Path(each.path).is_absolute() and not _stays_inside(each.path):
        return f"input {each.path} leads out of the working tree"
    if each.source == MISSING:
        return f"input {each.path} is missing"
    if each.source == CHANGED and Path(each.path).is_absolute():
        return f"input {each.path} has changed, and lies outside the working tree"
    if each.source == CHANGED:
        return f"input {each.path} has changed, and what the run read was not stored"
    return ""


def _stays_inside(path: str) -> bool:
    """Tell whether a recorded path stays below the root; a record may come from anyone."""
    return not Path(path).is_absolute() and ".." not in PurePosixPath(path).parts
