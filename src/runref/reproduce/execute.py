"""Carrying out a plan: check out, restore, run, judge."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runref.capture.snapshot import manifest_of
from runref.errors import ExitStatus, RunrefError
from runref.git.checkout import write_out
from runref.model.record import Reproduction
from runref.model.verdict import HELD, Judgement, Tolerance, judge
from runref.project.project import Project
from runref.reproduce.evidence import evidence_in_spool, evidence_of
from runref.reproduce.plan import IN_PLACE, STORED, Plan
from runref.tracking.command import track_command
from runref.tracking.failures import Ending
from runref.tracking.run import Run
from runref.tracking.start import Request

Tell = Callable[[str], None]


class NotRunnable(RunrefError):
    """A run cannot be reproduced, or its reproduction could not be judged."""

    code = "not-runnable"


class SnapshotDamaged(RunrefError):
    """The snapshot in the repository is not what the record says."""

    code = "snapshot-damaged"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished reproduction.

    Attributes:
        judgement: The verdict and what it rests on.
        run: Id of the run that the reproduction is.
        record_hash: Hash of its record; empty where it waits to be collected.
        folder: The checkout, where it was kept.
    """

    judgement: Judgement
    run: str
    record_hash: str
    folder: str = ""

    @property
    def held(self) -> bool:
        """Whether the result held."""
        return self.judgement.verdict in HELD


def carry_out(
    project: Project,
    plan: Plan,
    *,
    tell: Tell,
    tolerance: Tolerance | None = None,
    keep: bool = False,
) -> Outcome:
    """Re-execute a run as a run of its own, in a folder of its own, and judge it.

    Args:
        project: The repository.
        plan: What to do; without problems.
        tell: Shows a message to the user.
        tolerance: How far values may be apart.
        keep: Leave the checkout in place afterwards.

    Raises:
        NotRunnable: the plan has problems.
        SnapshotDamaged: the checked-out code is not what the record says.
    """
    if plan.problems:
        raise NotRunnable(
            f"run {plan.run.id} cannot be reproduced: {'; '.join(plan.problems)}",
            hint="`runref show` tells what was recorded.",
        )
    with _checkout_folder(keep=keep) as folder:
        _check_out(project, plan, folder)
        _restore_inputs(project, plan, folder)
        return _run_and_judge(project, plan, folder, tell, tolerance, keep=keep)


def _run_and_judge(
    project: Project,
    plan: Plan,
    folder: Path,
    tell: Tell,
    tolerance: Tolerance | None,
    *,
    keep: bool,
) -> Outcome:
    run, record = plan.run, plan.run.record
    original = evidence_of(project.repository.objects, run)
    judged: list[Judgement] = []

    def conclude(again: Run, ending: Ending) -> None:
        if again.directory is None:
            return
        judgement = judge(original, evidence_in_spool(again.directory, ending), tolerance)
        judged.append(judgement)
        again.record_reproduction(
            Reproduction(run.id, run.tree, judgement.verdict, judgement.reasons)
        )

    request = Request(
        argv=plan.argv,
        directory=folder / record.command.directory,
        experiment=record.experiment,
        name=record.name,
        params={k: v.value for k, v in record.params.items() if v.source == "given"},
        inputs=[str(folder / each.path) for each in plan.inputs],
        code=record.code,
    )
    settings = replace(project.stores.settings, inputs=(), outputs=())
    environ = {**project.environ, **plan.variables, **_python_path(plan, folder)}
    stores = replace(project.stores, root=folder, settings=settings, environ=environ)
    outputs = [str(folder / each.path) for each in record.outputs if each.digest]
    done = track_command(stores, request, outputs=outputs, tell=tell, before_end=conclude)
    if not judged:
        raise NotRunnable(f"the reproduction of run {run.id} could not be recorded")
    return Outcome(judged[0], done.run.id, done.run.record_hash, str(folder) if keep else "")


@contextmanager
def _checkout_folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="runref-")).resolve()
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _check_out(project: Project, plan: Plan, folder: Path) -> None:
    import hashlib

    code = plan.run.record.code
    assert code is not None  # noqa: S101 - a plan without code has a problem
    objects = project.repository.objects
    digest = hashlib.sha256(manifest_of(objects, code.tree)).hexdigest()
    if f"sha256:{digest}" != code.manifest:
        raise SnapshotDamaged(
            f"the snapshot {code.tree[:12]} is not what the record of run {plan.run.id} says",
            hint="The repository is damaged or was tampered with: `git fsck` tells more.",
        )
    write_out(objects, code.tree, folder)
    (folder / plan.run.record.command.directory).mkdir(parents=True, exist_ok=True)


def _restore_inputs(project: Project, plan: Plan, folder: Path) -> None:
    kinds = {each.path: each.kind for each in plan.run.record.inputs}
    for each in plan.inputs:
        if Path(each.path).is_absolute():
            continue  # verified where it lies
        target = folder / each.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if each.source == IN_PLACE:
            project.artifacts.add(project.root / each.path)
        if each.source in (STORED, IN_PLACE):
            project.artifacts.restore(each.digest, kinds[each.path], target, replace=True)


def _python_path(plan: Plan, folder: Path) -> dict[str, str]:
    """Return the variable by which Python finds the checkout's own packages first.

    Without it, a package that is installed in editable mode from the working tree would be
    imported as it is today, not as the snapshot has it.
    """
    command = plan.run.record.command
    inside = [str(folder / part) for part in command.python_path]
    outside = command.variables.get("PYTHONPATH", "").split(os.pathsep)
    path = [each for each in (*inside, *outside) if each]
    return {"PYTHONPATH": os.pathsep.join(path)} if path else {}
