"""What a reproduction will do, worked out before anything is written or run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runref.artifacts.reading import OnBytes
from runref.capture.environment import capture_environment, interpreter_of
from runref.capture.secrecy import MASK
from runref.capture.variables import capture_variables
from runref.model.difference import Change, compare_environments
from runref.model.record import INTERRUPTED, Record, stays_inside
from runref.model.verdict import can_be_judged
from runref.project.project import Project
from runref.project.supply import Supply
from runref.reproduce.evidence import evidence_of
from runref.reproduce.inputs import InputPlan, plan_inputs
from runref.reproduce.links import Link, straying_links
from runref.store.recorded import RecordedRun, read_environment

_LINKS_SHOWN = 3

_PLACEMENT = ("SLURM_", "OMPI_", "PMI_", "PMIX_", "MASTER_", "PBS_", "LSB_", "CUDA_VISIBLE")
_PLACEMENT_NAMES = frozenset(
    {
        *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK"),
        *("JOB_ID", "SGE_TASK_ID", "VIRTUAL_ENV", "CONDA_DEFAULT_ENV", "PYTHONPATH"),
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A reproduction before it begins.

    Attributes:
        run: The run to be re-executed.
        argv: The command, with the interpreter that will run it.
        set_variables: Environment variables that will be set, as the original had them.
        unset_variables: Those that are set now, were not then, and change what is computed.
        inputs: Where each input will come from.
        links: Links of the snapshot that need another target in a checkout.
        write_outside: Whether the command may write outside the checkout.
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
    links: tuple[Link, ...]
    write_outside: bool
    recorded: Mapping[str, Any]
    present: Mapping[str, Any]
    environment: tuple[Change, ...]
    problems: tuple[str, ...]


def make_plan(
    project: Project,
    run: RecordedRun,
    *,
    write_outside: bool = False,
    supply: Supply | None = None,
    on_bytes: OnBytes | None = None,
) -> Plan:
    """Work out how a run would be re-executed here and now; nothing is written.

    Remotes are asked whether they have the inputs that are not here, and the servers of inputs at
    URLs whether those are what they were. Nothing is downloaded.

    Args:
        project: The repository that holds the run.
        run: The run.
        write_outside: Whether the command may write outside the checkout: outputs that lay outside
            the working tree, and what links of the snapshot lead to.
        supply: Where inputs come from; by default, from here and from all remotes.
        on_bytes: Told the bytes of inputs read since it was last called.
    """
    record = run.record
    argv = _argv(record)
    recorded = read_environment(project.repository.objects, run.tree)
    interpreter = interpreter_of(argv, project.environ)
    present = capture_environment(project.environ, interpreter=interpreter)
    inputs = plan_inputs(supply or Supply(project), record.inputs, on_bytes)
    links = _links(project, record)
    problems = list(_problems(project, run, inputs))
    problems += [] if write_outside else _written_outside(record, links)
    wanted = _variables(record.command.variables)
    held = _variables(capture_variables(project.environ, project.config.environment.variables))
    return Plan(
        run=run,
        argv=argv,
        set_variables={k: v for k, v in wanted.items() if project.environ.get(k) != v},
        unset_variables=tuple(sorted(held.keys() - record.command.variables.keys())),
        inputs=inputs,
        links=links,
        write_outside=write_outside,
        recorded=recorded,
        present=present,
        environment=compare_environments(_comparable(recorded), _comparable(present)),
        problems=tuple(problems),
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


def _links(project: Project, record: Record) -> tuple[Link, ...]:
    objects = project.repository.objects
    if record.code is None or not objects.contains(record.code.tree):
        return ()
    return tuple(straying_links(objects, record.code.tree, project.folder))


def _problems(project: Project, run: RecordedRun, inputs: Sequence[InputPlan]) -> Iterator[str]:
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
    if not stays_inside(record.command.directory):
        yield f"it ran in {record.command.directory}, outside the working tree"
    yield from (each.problem for each in inputs if each.problem)


def _written_outside(record: Record, links: Sequence[Link]) -> Iterator[str]:
    outside = [each.path for each in record.outputs if not stays_inside(each.path)]
    if outside:
        yield f"it would write {outside[0]} outside the working tree again (--write-outside allows)"
    leading = [each for each in links if not each.inside]
    if leading:
        shown = ", ".join(f"{each.path} → {each.target}" for each in leading[:_LINKS_SHOWN])
        more = len(leading) - _LINKS_SHOWN
        shown += f" and {more} more" if more > 0 else ""
        yield f"links lead outside the working tree: {shown} (--write-outside allows)"
