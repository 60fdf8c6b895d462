"""Where the inputs of a run will come from when it is run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runref.artifacts import hash_path
from runref.artifacts.reading import OnBytes
from runref.capture.secrecy import MASK
from runref.errors import RunrefError
from runref.model.record import DataFile, stays_inside
from runref.project.supply import Located, Supply, is_here, options_for

STORED, IN_PLACE, REMOTE = "stored", "in place", "remote"
CHANGED, MISSING = "changed", "missing"


@dataclass(frozen=True, slots=True)
class InputPlan:
    """Where one input will come from.

    Attributes:
        file: The input as recorded.
        source: ``stored`` (the artifact store has it), ``in place`` (it lies unchanged where it
            was), ``remote`` (a remote has it), ``changed`` (it lies there with other content) or
            ``missing``.
        remote: Name of the remote that has it; empty for the other sources.
        problem: Why the run cannot be re-executed with it; empty where it can.
    """

    file: DataFile
    source: str
    remote: str = ""
    problem: str = ""

    @property
    def path(self) -> str:
        """As recorded: relative to the root of the working tree, absolute, or a URL."""
        return self.file.path


def plan_inputs(
    supply: Supply, files: Sequence[DataFile], on_bytes: OnBytes | None = None
) -> tuple[InputPlan, ...]:
    """Work out where inputs come from; nothing is written.

    Args:
        supply: Here, and which remotes are asked, each once for all inputs together.
        files: The inputs.
        on_bytes: Told the bytes of inputs read since it was last called.
    """
    plans = [_plan_here(supply, file, on_bytes) for file in files]
    located = supply.locate([each.file for each in plans if _may_come(each)])

    def completed(plan: InputPlan) -> InputPlan:
        if not _may_come(plan):
            return replace(plan, problem=plan.problem or _problem_of(plan))
        if remote := located.remotes.get(plan.file.digest):
            return replace(plan, source=REMOTE, remote=remote)
        return replace(plan, problem=f"{_problem_of(plan)}{_looked_for(located)}")

    return tuple(map(completed, plans))


def _may_come(plan: InputPlan) -> bool:
    """Tell whether the content may be brought from a remote and put where it is to be."""
    file = plan.file
    return plan.source in (CHANGED, MISSING) and bool(file.digest) and stays_inside(file.path)


def _plan_here(supply: Supply, file: DataFile, on_bytes: OnBytes | None) -> InputPlan:
    """Return where an input comes from, as far as it can be told without a remote."""
    if file.at_url:
        return _plan_at_url(supply, file)
    if not file.digest:
        return InputPlan(file, MISSING)
    if stays_inside(file.path) and is_here(supply.project, file):
        return InputPlan(file, STORED)
    return InputPlan(file, _in_place(supply, file, on_bytes))


def _in_place(supply: Supply, file: DataFile, on_bytes: OnBytes | None) -> str:
    folder = supply.project.folder
    if folder is None and not Path(file.path).is_absolute():
        return MISSING
    try:
        found = hash_path((folder or Path("/")) / file.path, on_bytes)
    except RunrefError:
        return MISSING
    return IN_PLACE if found.digest == file.digest else CHANGED


def _plan_at_url(supply: Supply, file: DataFile) -> InputPlan:
    """Return whether what lies at a URL is still what the run read there."""
    from runref.artifacts.remote.urls import describe

    if MASK in file.path:
        problem = f"the URL of input {file.path} held a secret, which was not recorded"
        return InputPlan(file, MISSING, problem=problem)
    if not file.identity:
        return InputPlan(file, MISSING)
    try:
        found = describe(file.path, options_for(supply.project, file.path), name=file.path)
    except (RunrefError, ValueError) as error:  # ValueError: it is no URL after all
        problem = f"input {file.path} cannot be read where it was: {error}"
        return InputPlan(file, MISSING, problem=f"{problem}; {_kept(file)}")
    same = found.etag == file.etag if file.etag else found.version == file.version
    if same and found.size == file.size:
        return InputPlan(file, IN_PLACE)
    was, now = (each.etag or each.version for each in (file, found))
    problem = f"input {file.path} has changed: it was {was}, and is {now}"
    return InputPlan(file, CHANGED, problem=f"{problem}; {_kept(file)}")


def _kept(file: DataFile) -> str:
    if file.stored:
        return f"`runref get RUN {file.path} -o DIR` brings back what the run read"
    return "what the run read was not stored"


def _problem_of(plan: InputPlan) -> str:
    """Return why a run cannot be re-executed with an input that no remote gives."""
    file, path = plan.file, plan.path
    if not file.identity:
        return f"input {path} was not hashed when it was recorded"
    if file.at_url:
        return ""  # `_plan_at_url` has said what there is to say
    if not Path(path).is_absolute() and not stays_inside(path):
        return f"input {path} leads out of the working tree"
    if plan.source == CHANGED and Path(path).is_absolute():
        return f"input {path} has changed, and lies outside the working tree"
    if plan.source == CHANGED:
        return f"input {path} has changed, and what the run read is not stored here"
    if plan.source == MISSING:
        return f"input {path} is missing"
    return ""


def _looked_for(located: Located) -> str:
    """Return which remotes were asked in vain, and which could not be asked."""
    silent = located.failures.keys()
    without = [name for name in located.asked if name not in silent]
    parts = [f", also at {', '.join(without)}"] if without else []
    parts += [f"; {name} could not be asked: {why}" for name, why in located.failures.items()]
    return "".join(parts)
