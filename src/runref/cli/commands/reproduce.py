"""``runref reproduce``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from runref.artifacts import ArtifactMissing
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, say, stdout_for_document, tell, to_json
from runref.cli.progress import Bar, DataBars, TransferBar, bar, transfer_bar
from runref.cli.removed import tell_removed
from runref.cli.report import describe_checkout, describe_outcome, describe_plan, line
from runref.errors import ExitStatus
from runref.model.record import stays_inside
from runref.model.verdict import NOT_RUNNABLE, Tolerance
from runref.project.project import Project
from runref.project.supply import Supply
from runref.reproduce.checkout import NotRunnable, checked_out
from runref.reproduce.execute import Outcome, run_again
from runref.reproduce.inputs import IN_PLACE, REMOTE, STORED, InputPlan
from runref.reproduce.plan import Plan, make_plan
from runref.store.recorded import RecordedRun


@click.command()
@run_argument()
@click.option("--dry-run", is_flag=True, help="Print the plan; run nothing and write nothing.")
@click.option(
    "--rtol",
    type=click.FloatRange(min=0),
    metavar="R",
    default=Tolerance().relative,
    show_default=True,
    help="Relative tolerance of metric values.",
)
@click.option(
    "--atol",
    type=click.FloatRange(min=0),
    metavar="A",
    default=Tolerance().absolute,
    show_default=True,
    help="Absolute tolerance of metric values.",
)
@click.option("--keep", is_flag=True, help="Leave the checkout in place and say where it is.")
@click.option(
    "--write-outside",
    is_flag=True,
    help="Allow writing outside the working tree: outputs that lay there, and through links.",
)
@click.option("--no-fetch", is_flag=True, help="Ask no remote for inputs that are not here.")
@json_option
@store_option
def command(
    run: str,
    rtol: float,
    atol: float,
    store: str,
    *,
    dry_run: bool,
    keep: bool,
    write_outside: bool,
    no_fetch: bool,
    as_json: bool,
) -> int:
    """Run a recorded run again, in a folder of its own, and say whether the result held.

    The present environment is compared with the recorded one, the snapshot is checked out, inputs
    are restored by digest, from remotes where they are not here, and the same command runs as a run
    of its own. Verdicts: identical, within-tolerance, equivalent (exit status 0); different, failed
    (1); not-runnable (3).

    \b
    Examples:
      runref reproduce 4f1c
      runref reproduce 4f1c --dry-run
      runref reproduce 4f1c --rtol 1e-3
    """
    project = here(store)
    if not dry_run:
        project.recover()
    original = _original(project, project.resolve(run))
    tell_removed([original])
    with bar("inputs", in_bytes=True) as checking, transfer_bar("remotes") as asking:
        plan = make_plan(
            project,
            original,
            write_outside=write_outside,
            supply=_supply(project, asking, fetch=not no_fetch),
            on_bytes=checking.advance,
        )
    if dry_run or plan.problems:
        return _only_plan(plan, as_json=as_json)
    tolerance = Tolerance(rtol, atol)
    with stdout_for_document(reserved=as_json):
        outcome, folder = _carry_out(project, plan, tolerance, keep=keep)
    if as_json:
        document = {**plan_document(plan), **outcome_document(outcome), "folder": folder}
        print_json(document)
    else:
        for each in describe_outcome(plan, outcome, folder):
            say(each)
    if outcome.interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.DONE if outcome.held else ExitStatus.NO


def _original(project: Project, run: RecordedRun) -> RecordedRun:
    """Return the run itself, or the one that it is a reproduction of."""
    if run.record.reproduction is None:
        return run
    original = run.record.reproduction.run
    tell(f"run {run.id} is a reproduction; {original} is run again")
    return project.read(original)


def _only_plan(plan: Plan, *, as_json: bool) -> int:
    if as_json:
        print_json(plan_document(plan))
    else:
        for each in describe_plan(plan):
            say(each)
        if plan.problems:
            say(line("verdict", NOT_RUNNABLE))
    return ExitStatus.COULD_NOT_RUN if plan.problems else ExitStatus.DONE


def _supply(project: Project, progress: TransferBar, *, fetch: bool = True) -> Supply:
    return Supply(project, ask_remotes=fetch, progress=progress, on_retry=progress.retry)


def _carry_out(
    project: Project, plan: Plan, tolerance: Tolerance, *, keep: bool
) -> tuple[Outcome, str]:
    fetching = TransferBar("inputs")
    restoring = Bar("inputs", in_bytes=True, total=lambda: _size_to_restore(plan))
    supply = _supply(project, fetching)
    try:
        with (
            _terminating(),
            closing(fetching),
            closing(restoring),
            checked_out(
                project, plan, keep=keep, supply=supply, on_bytes=restoring.advance
            ) as folder,
        ):
            restoring.close()
            fetching.close()
            for each in describe_checkout(plan):
                say(each)
            outcome = _run_again(project, plan, folder, tolerance)
            return outcome, str(folder) if keep else ""
    except (NotRunnable, ArtifactMissing):
        say(line("verdict", NOT_RUNNABLE))
        raise


def _run_again(project: Project, plan: Plan, folder: Path, tolerance: Tolerance) -> Outcome:
    data = DataBars(
        inputs=[folder / each.path for each in plan.inputs if not each.file.at_url],
        outputs=[folder / each.path for each in plan.run.record.outputs],
    )

    def notice(message: str) -> None:
        data.close()
        tell(message)

    with closing(data):
        return run_again(
            project, plan, folder, tell=notice, tolerance=tolerance, on_bytes=data.advance
        )


def _size_to_restore(plan: Plan) -> int:
    times = {STORED: 1, REMOTE: 1, IN_PLACE: 2}  # what is not stored yet is stored, then copied
    return sum(
        each.file.size * times.get(each.source, 0)
        for each in plan.inputs
        if stays_inside(each.path)
    )


@contextmanager
def _terminating() -> Iterator[None]:
    """Let SIGTERM end the block as an exception does, so that the checkout is removed."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON shows it."""
    return {
        "run": plan.run.id,
        "record_hash": plan.run.tree,
        "argv": list(plan.argv),
        "set_variables": dict(plan.set_variables),
        "unset_variables": list(plan.unset_variables),
        "inputs": [_input_document(each) for each in plan.inputs],
        "environment": to_json(plan.environment),
        "problems": list(plan.problems),
        "verdict": NOT_RUNNABLE if plan.problems else "",
    }


def _input_document(each: InputPlan) -> dict[str, str]:
    return {
        "path": each.path,
        "kind": each.file.kind,
        "digest": each.file.digest,
        "source": each.source,
        "remote": each.remote,
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON shows it."""
    return {
        "verdict": outcome.verdict,
        "reasons": [] if outcome.interrupted else list(outcome.judgement.reasons),
        "series": to_json(outcome.judgement.series),
        "outputs": to_json(outcome.judgement.outputs),
        "reproduction": outcome.run,
        "reproduction_record_hash": outcome.record_hash,
        "interrupted": outcome.interrupted,
    }
