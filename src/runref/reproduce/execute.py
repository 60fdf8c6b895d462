"""Running the command of a run again, as a run of its own, and judging what it left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from runref.model.record import INTERRUPTED, Reproduction
from runref.model.verdict import HELD, Judgement, Tolerance, judge
from runref.project.project import Project
from runref.reproduce.checkout import NotRunnable
from runref.reproduce.evidence import evidence_in_spool, evidence_of
from runref.reproduce.plan import Plan
from runref.tracking.assemble import known_from
from runref.tracking.command import track_command
from runref.tracking.failures import Ending
from runref.tracking.run import Run
from runref.tracking.start import Request

Tell = Callable[[str], None]

_GIT_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""They would lead a program that asks git to the user's own working tree."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished reproduction.

    Attributes:
        judgement: The verdict and what it rests on.
        run: Id of the run that the reproduction is.
        record_hash: Hash of its record; empty where it waits to be collected.
        interrupted: Whether somebody stopped it, so that the verdict says nothing of the run.
    """

    judgement: Judgement
    run: str
    record_hash: str
    interrupted: bool = False

    @property
    def held(self) -> bool:
        """Whether the result held."""
        return self.judgement.verdict in HELD


def run_again(
    project: Project,
    plan: Plan,
    folder: Path,
    *,
    tell: Tell,
    tolerance: Tolerance | None = None,
) -> Outcome:
    """Run the command in the folder that was checked out, and judge it.

    Args:
        project: The repository.
        plan: What to do.
        folder: Holds the code and the inputs; see `runref.reproduce.checkout.checked_out`.
        tell: Shows a message to the user.
        tolerance: How far values may be apart.

    Raises:
        NotRunnable: the reproduction could not be recorded, and so not be judged.
        CommandNotFound, CommandNotExecutable: the command could not be started.
    """
    run = plan.run
    original = evidence_of(project.repository.objects, run)
    judged: list[Judgement] = []

    def conclude(again: Run, ending: Ending) -> None:
        if again.directory is None:
            return
        _record_outputs(plan, folder, again)
        judgement = judge(original, evidence_in_spool(again.directory, ending), tolerance)
        judged.append(judgement)
        again.record_reproduction(
            Reproduction(run.id, run.tree, judgement.verdict, judgement.reasons)
        )

    stores = project.stores_for(folder)
    stores = replace(
        stores,
        settings=replace(stores.settings, inputs=(), outputs=()),
        environ=_environ(project, plan, folder),
    )
    done = track_command(stores, _request(project, plan, folder), tell=tell, before_end=conclude)
    if not judged:
        raise NotRunnable(f"the reproduction of run {run.id} could not be recorded")
    interrupted = done.ending.status == INTERRUPTED
    return Outcome(judged[0], done.run.id, done.run.record_hash, interrupted)


def _request(project: Project, plan: Plan, folder: Path) -> Request:
    record = plan.run.record
    return Request(
        argv=[_placed(word, project.folder, folder) for word in plan.argv],
        directory=folder / record.command.directory,
        experiment=record.experiment,
        name=record.name,
        params={name: each.value for name, each in record.params.items() if each.source == "given"},
        inputs=[str(folder / each.path) for each in plan.inputs],
        code=record.code,
        environment=plan.present,
    )


def _placed(word: str, root: Path | None, folder: Path) -> str:
    """Return a word of the command with a path in the working tree led into the checkout.

    Otherwise ``python /home/ada/digits/train.py`` would run the code as it is now. An interpreter
    in a virtual environment inside the working tree stays where it is.
    """
    head, equals, tail = word.rpartition("=")
    path = Path(tail)
    if root is None or not path.is_absolute() or not path.is_relative_to(root):
        return word
    inside = path.relative_to(root)
    if any((root / parent / "pyvenv.cfg").exists() for parent in inside.parents):
        return word
    return f"{head}{equals}{folder / inside}"


def _environ(project: Project, plan: Plan, folder: Path) -> dict[str, str]:
    """Return the variables of the command: those of now, and what changes results as it was then.

    ``PYTHONPATH`` leads to the checkout's own packages first. Without it, a package that is
    installed in editable mode from the working tree would be imported as it is now.
    """
    command = plan.run.record.command
    dropped = {*plan.unset_variables, *_GIT_VARIABLES, "PYTHONPATH"}
    environ = {name: value for name, value in project.environ.items() if name not in dropped}
    inside = [str(folder / part) for part in command.python_path]
    outside = command.variables.get("PYTHONPATH", "").split(os.pathsep)
    if path := [each for each in (*inside, *outside) if each]:
        environ["PYTHONPATH"] = os.pathsep.join(path)
    return {**environ, **plan.set_variables}


def _record_outputs(plan: Plan, folder: Path, again: Run) -> None:
    """Record what the command wrote of the original's outputs, unless the program did so itself."""
    directory = again.directory
    assert directory is not None  # noqa: S101 - the caller looked
    events, _ = directory.events()
    known = known_from(directory.read_start(), events).outputs
    for each in plan.run.record.outputs:
        path = folder / each.path
        # Where the original could not be hashed, that it is not there now is worth recording, too.
        if each.path not in known and (path.exists() or not each.digest):
            again.log_output(path)
