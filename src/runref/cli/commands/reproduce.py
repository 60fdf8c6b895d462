"""``runref reproduce``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import click

from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import format_value, print_json, say, tell
from runref.errors import ExitStatus
from runref.model.documents import to_document
from runref.model.record import Code
from runref.model.verdict import IDENTICAL, Judgement, SeriesComparison, Tolerance
from runref.reproduce.execute import NotRunnable, Outcome, carry_out
from runref.reproduce.plan import MISSING, Plan, make_plan
from runref.tracking.collect import recover

_SERIES_SHOWN = 6
_CHANGES_SHOWN = 8


@click.command()
@run_argument()
@click.option("--dry-run", is_flag=True, help="Print the plan and run nothing.")
@click.option(
    "--rtol",
    type=float,
    default=Tolerance().relative,
    show_default=True,
    help="Relative tolerance of metric values.",
)
@click.option(
    "--atol",
    type=float,
    default=Tolerance().absolute,
    show_default=True,
    help="Absolute tolerance of metric values.",
)
@click.option("--keep", is_flag=True, help="Leave the checkout in place.")
@click.option(
    "--write-outside",
    is_flag=True,
    help="Allow outputs outside the working tree to be written again.",
)
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
    as_json: bool,
) -> int:
    """Run a recorded run again, in a folder of its own, and say whether the result held.

    The snapshot is checked out, inputs are restored by digest, the present environment is compared
    with the recorded one, and the same command runs as a run of its own. Verdicts: identical,
    within-tolerance, equivalent (exit status 0); different, failed (1); not-runnable (3).

    \b
    Examples:
      runref reproduce 4f1c
      runref reproduce 4f1c --dry-run
      runref reproduce 4f1c --rtol 1e-3
    """
    project = here(store)
    recover(project.spool, project.runs)
    plan = make_plan(project, project.resolve(run), write_outside=write_outside)
    if not as_json:
        for line in describe_plan(plan):
            say(line)
    if dry_run:
        if as_json:
            print_json(plan_document(plan))
        return ExitStatus.COULD_NOT_RUN if plan.problems else ExitStatus.DONE
    if plan.problems and as_json:
        print_json({**plan_document(plan), "verdict": "not-runnable"})
        return ExitStatus.COULD_NOT_RUN
    try:
        outcome = carry_out(project, plan, tell=tell, tolerance=Tolerance(rtol, atol), keep=keep)
    except NotRunnable:
        say(f"{'verdict':<12} not-runnable")
        raise
    if as_json:
        print_json({**plan_document(plan), **outcome_document(outcome)})
    else:
        for line in describe_outcome(plan, outcome):
            say(line)
    return ExitStatus.DONE if outcome.held else ExitStatus.NO


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON shows it."""
    return {
        "run": plan.run.id,
        "record_hash": plan.run.tree,
        "argv": list(plan.argv),
        "inputs": to_document(plan.inputs),
        "environment": to_document(plan.environment),
        "problems": list(plan.problems),
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON shows it."""
    return {
        "verdict": outcome.judgement.verdict,
        "reasons": list(outcome.judgement.reasons),
        "series": to_document(outcome.judgement.series),
        "outputs": to_document(outcome.judgement.outputs),
        "reproduction": outcome.run,
        "reproduction_record_hash": outcome.record_hash,
        "folder": outcome.folder,
    }


def describe_plan(plan: Plan) -> Iterator[str]:
    """Yield the lines that tell what a reproduction will do."""
    record = plan.run.record
    yield f"{'run':<12} {record.id} (record {plan.run.tree[:7]})"
    yield f"{'code':<12} {_code(record.code)}"
    if plan.inputs:
        there = sum(each.source != MISSING for each in plan.inputs)
        yield f"{'inputs':<12} {there} of {len(plan.inputs)} at hand by digest"
        for each in plan.inputs:
            if each.source == MISSING:
                yield f"{'':<12} missing: {each.path} {each.digest[:19]}"
    yield from _environment(plan)
    yield f"{'command':<12} {shlex.join(plan.argv)}"
    for problem in plan.problems:
        yield f"{'problem':<12} {problem}"


def describe_outcome(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield the lines that tell how a reproduction came out."""
    judgement = outcome.judgement
    yield from _series(judgement)
    for place, each in enumerate(judgement.outputs):
        yield f"{'outputs' if not place else '':<12} {each.path} {each.result}"
    if outcome.folder:
        yield f"{'checkout':<12} {outcome.folder}"
    recorded = f"(recorded as run {outcome.run}, reproduces {plan.run.id})"
    yield f"{'verdict':<12} {_coloured(judgement.verdict, held=outcome.held)}  {recorded}"
    if judgement.verdict != IDENTICAL:
        yield from (f"{'':<12} {reason}" for reason in judgement.reasons)


def _code(code: Code | None) -> str:
    if code is None:
        return "not recorded"
    text = f"snapshot {code.tree[:7]}, {code.files} files"
    if not code.commit:
        return text
    differing = code.edited + code.deleted
    return f"{text} ({differing} differ from commit {code.commit[:7]}, {code.untracked} untracked)"


def _environment(plan: Plan) -> Iterator[str]:
    if not plan.environment:
        yield f"{'environment':<12} the same, {plan.packages} packages"
        return
    by_group: dict[str, int] = {}
    for change in plan.environment:
        group = change.name.split(".")[0]
        by_group[group] = by_group.get(group, 0) + 1
    counts = ", ".join(f"{count} in {group}" for group, count in by_group.items())
    yield f"{'environment':<12} differs: {counts} (of {plan.packages} packages)"
    for change in plan.environment[:_CHANGES_SHOWN]:
        before = format_value(change.left) if change.kind != "added" else "—"
        after = format_value(change.right) if change.kind != "removed" else "—"
        yield f"{'':<12} {change.name}: {before} → {after}"
    if len(plan.environment) > _CHANGES_SHOWN:
        yield f"{'':<12} … {len(plan.environment) - _CHANGES_SHOWN} more: `runref diff`"


def _series(judgement: Judgement) -> Iterator[str]:
    if not judgement.series:
        return
    # What differs comes first: it is what the reader looks for.
    ordered = sorted(judgement.series, key=lambda each: (each.result == IDENTICAL, each.name))
    for place, each in enumerate(ordered[:_SERIES_SHOWN]):
        yield f"{'metrics' if not place else '':<12} {_one_series(each)}"
    if len(ordered) > _SERIES_SHOWN:
        yield f"{'':<12} … {len(ordered) - _SERIES_SHOWN} more series"


def _one_series(each: SeriesComparison) -> str:
    left = "—" if each.left is None else format_value(each.left)
    right = "—" if each.right is None else format_value(each.right)
    sign = "=" if each.result == IDENTICAL else "≈" if each.result == "within-tolerance" else "≠"
    text = f"{each.name} {left} {sign} {right}  ({each.equal} of {each.points} points identical"
    if each.first_difference is not None:
        text += f", first difference at step {each.first_difference}, largest {each.largest:.3g}"
    return f"{text})"


def _coloured(verdict: str, *, held: bool) -> str:
    return click.style(f"{verdict:<17}", fg="green" if held else "red", bold=True)
