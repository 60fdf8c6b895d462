"""Running the command of a run again, as a run of its own, and judging what it left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from runref.model.record import INTERRUPTED, Reproduction
from runref.model.verdict import HELD, Judgement, Tolerance, judge
from runref.project.project import Project
from runref.project.supply import options_for
from runref.reproduce.checkout import NotRunnable
from runref.reproduce.evidence import evidence_in_spool, evidence_of
from runref.reproduce.plan import Plan
from runref.tracking.assemble import known_from
from runref.tracking.command import track_command
from runref.tracking.failures import Ending
from runref.tracking.run import Run
from runref.tracking.start import Request

Tell = Callable[[str], None]

_GIT_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""They would lead a program that asks git to the user's own repository.

Source: ``git rev-parse --local-env-vars``, what git itself drops before it enters another one.
"""

_CEILING = "GIT_CEILING_DIRECTORIES"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished reproduction.

    Attributes:
        judgement: The verdict and what it rests on.
        run: Id of the run that the reproduction is.
        record_hash: Hash of its record; empty where it waits to be collected.
        interrupted: Whether somebody stopped it: then there is no verdict.
    """

    judgement: Judgement
    run: str
    record_hash: str
    interrupted: bool = False

    @property
    def verdict(self) -> str:
        """The verdict; empty where there is none."""
        return "" if self.interrupted else self.judgement.verdict

    @property
    def held(self) -> bool:
        """Whether the result held."""
        return self.verdict in HELD


def run_again(
    project: Project,
    plan: Plan,
    folder: Path,
    *,
    tell: Tell,
    tolerance: Tolerance | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Outcome:
    """Run the command in the folder that was checked out, and judge it.

    Args:
        project: The repository.
        plan: What to do.
        folder: Holds the code and the inputs; see `runref.reproduce.checkout.checked_out`.
        tell: Shows a message to the user.
        tolerance: How far values may be apart.
        on_bytes: Told the bytes of inputs and outputs read since it was last called.

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
        if ending.status == INTERRUPTED:
            again.note(f"interrupted reproduction of run {run.id}: no verdict")
            return
        again.record_reproduction(
            Reproduction(run.id, run.tree, judgement.verdict, judgement.reasons)
        )

    stores = project.stores_for(folder)
    stores = replace(
        stores,
        settings=replace(stores.settings, inputs=(), outputs=()),
        environ=_environ(project, plan, folder),
    )
    request = _request(project, plan, folder, on_bytes)
    done = track_command(stores, request, tell=tell, before_end=conclude)
    if not judged:
        raise NotRunnable(
            f"run {run.id} ran again, but what it did could not be recorded and so not be judged: "
            f"{stores.spool.path} cannot be written",
            hint="Make it writable, or name another `spool` in .runref.yaml; then reproduce again.",
        )
    interrupted = done.ending.status == INTERRUPTED
    return Outcome(judged[0], done.run.id, done.run.record_hash, interrupted)


def _request(
    project: Project, plan: Plan, folder: Path, on_bytes: Callable[[int], None] | None
) -> Request:
    record = plan.run.record
    return Request(
        argv=[_placed(word, project.folder, folder) for word in plan.argv],
        directory=folder / record.command.directory,
        experiment=record.experiment,
        name=plan.run.name,
        params={name: each.value for name, each in record.params.items() if each.source == "given"},
        inputs=[each.path if each.file.at_url else str(folder / each.path) for each in plan.inputs],
        url_options=partial(options_for, project),
        code=record.code,
        environment=plan.present,
        on_bytes=on_bytes,
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
    # Where the program removes the checkout's own repository, git must not find one above it.
    ceilings = [str(folder.parent), environ.get(_CEILING, "")]
    environ[_CEILING] = os.pathsep.join(filter(None, ceilings))
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
