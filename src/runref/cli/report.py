"""What a reproduction tells: its plan, its checkout, its outcome, line by line."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from runref.cli.output import printable
from runref.cli.text import count_of, format_size, format_value
from runref.model.difference import ADDED, REMOVED, Change
from runref.model.record import Code, stays_inside
from runref.model.verdict import IDENTICAL, WITHIN_TOLERANCE, Judgement, SeriesComparison
from runref.reproduce.execute import Outcome
from runref.reproduce.inputs import IN_PLACE, REMOTE, STORED
from runref.reproduce.plan import Plan

_SERIES_SHOWN = 6
_CHANGES_SHOWN = 8
_LABEL = 11


def line(label: str, text: str) -> str:
    """Return one line of the report; lines that go on have no label."""
    return f"  {label:<{_LABEL}} {text}"


def describe_plan(plan: Plan) -> Iterator[str]:
    """Yield the lines that tell what a reproduction would do."""
    code = plan.run.record.code
    yield line("run", f"{plan.run.id} (record {plan.run.tree[:7]})")
    yield line("code", f"snapshot {_code(code)}" if code else "not recorded")
    yield from _left_out(code)
    if plan.inputs:
        yield line("inputs", printable(_inputs(plan)))
    yield from _around(plan)
    for problem in plan.problems:
        yield line("problem", printable(problem))


def describe_checkout(plan: Plan) -> Iterator[str]:
    """Yield the lines that tell what was made ready, before the command runs."""
    code = plan.run.record.code
    if code:
        yield line("code", f"snapshot {_code(code, done=' checked out')}")
    yield from _left_out(code)
    if plan.inputs:
        restored = sum(stays_inside(each.path) for each in plan.inputs)
        rest = len(plan.inputs) - restored
        where = f", {rest} read where {'it is' if rest == 1 else 'they are'}" if rest else ""
        yield line("inputs", f"{restored} of {len(plan.inputs)} restored by digest{where}")
    yield from _around(plan)


def describe_outcome(plan: Plan, outcome: Outcome, folder: str) -> Iterator[str]:
    """Yield the lines that tell how a reproduction came out."""
    judgement = outcome.judgement
    yield from _labelled("metrics", _series(judgement))
    outputs = (f"{printable(each.path)} {each.result}" for each in judgement.outputs)
    yield from _labelled("outputs", outputs)
    if folder:
        yield line("checkout", folder)
    recorded = f"recorded as run {outcome.run}, reproduces {plan.run.id}"
    verdict = f"{judgement.verdict:<16}"
    if outcome.interrupted:
        yield line("verdict", f"none: interrupted ({recorded})")
        return
    styled = click.style(verdict, fg="green" if outcome.held else "red", bold=True)
    yield line("verdict", f"{styled} ({recorded})")
    if judgement.verdict != IDENTICAL:
        yield from (line("", printable(reason)) for reason in judgement.reasons)


def _inputs(plan: Plan) -> str:
    """Return how many inputs are here, and how many each remote has."""
    here = sum(each.source in (STORED, IN_PLACE) for each in plan.inputs)
    at_remotes = Counter(each.remote for each in plan.inputs if each.source == REMOTE)
    away = (f", {count} from remote {name}" for name, count in sorted(at_remotes.items()))
    return f"{here} of {len(plan.inputs)} at hand by digest{''.join(away)}"


def _around(plan: Plan) -> Iterator[str]:
    yield from _environment(plan)
    changes = [f"{name}={value} set" for name, value in plan.set_variables.items()]
    changes += [f"{name} unset" for name in plan.unset_variables]
    yield from _labelled("variables", map(printable, changes))
    yield line("command", printable(shlex.join(plan.argv)))


def _labelled(label: str, texts: Iterable[str]) -> Iterator[str]:
    for place, text in enumerate(texts):
        yield line("" if place else label, text)


def _code(code: Code, *, done: str = "") -> str:
    differing = code.edited + code.deleted + code.untracked
    text = f"{code.tree[:7]}{done}"
    if not code.commit:
        return f"{text} ({count_of(code.files, 'file')}, no commit)"
    if not differing:
        return f"{text} (as in commit {code.commit[:7]})"
    verb = "differs" if differing == 1 else "differ"
    untracked = ""
    if code.untracked:
        untracked = f", {code.untracked} {'was' if code.untracked == 1 else 'were'} untracked"
    return f"{text} ({count_of(differing, 'file')} {verb} from commit {code.commit[:7]}{untracked})"


def _left_out(code: Code | None) -> Iterator[str]:
    for each in code.left_out[:_CHANGES_SHOWN] if code else ():
        size = format_size(each.size)
        yield line("", f"without {printable(each.path)} ({size}, {each.reason})")
    if code and len(code.left_out) > _CHANGES_SHOWN:
        yield line("", f"without {len(code.left_out) - _CHANGES_SHOWN} more")


def _environment(plan: Plan) -> Iterator[str]:
    if not plan.recorded:
        yield line("environment", "not recorded")
        return
    by_group: dict[str, list[Change]] = {}
    for change in plan.environment:
        by_group.setdefault(change.name.split(".")[0], []).append(change)
    parts = [_packages(plan.recorded, by_group), _python(plan, by_group), _cpu(by_group)]
    parts += [f"other {name}" for name in by_group if name not in ("packages", "python", "cpu")]
    yield line("environment", printable(", ".join(parts)))
    for change in plan.environment[:_CHANGES_SHOWN]:
        before = format_value(change.left) if change.kind != ADDED else "—"
        after = format_value(change.right) if change.kind != REMOVED else "—"
        yield line("", f"{printable(change.name)}: {before} → {after}")
    if len(plan.environment) > _CHANGES_SHOWN:
        more = len(plan.environment) - _CHANGES_SHOWN
        yield line("", f"… {more} more: `runref reproduce --dry-run --json`")


def _packages(recorded: Mapping[str, Any], by_group: Mapping[str, list[Change]]) -> str:
    count = len(recorded.get("packages", ()))
    changes = len(by_group.get("packages", ()))
    return f"{changes} of {count} packages differ" if changes else f"same packages ({count})"


def _python(plan: Plan, by_group: Mapping[str, list[Change]]) -> str:
    was = plan.recorded.get("python", {}).get("version", "?")
    now = plan.present.get("python", {}).get("version", "?")
    if was != now:
        return f"Python {now} instead of {was}"
    return f"another Python {was}" if "python" in by_group else f"same Python {was}"


def _cpu(by_group: Mapping[str, list[Change]]) -> str:
    return "other CPU" if "cpu" in by_group else "same CPU"


def _series(judgement: Judgement) -> Iterator[str]:
    """Yield what differs first, then what is the same, on one line."""
    differing = [each for each in judgement.series if each.result != IDENTICAL]
    yield from map(_one_series, differing[:_SERIES_SHOWN])
    if len(differing) > _SERIES_SHOWN:
        yield f"… {len(differing) - _SERIES_SHOWN} more series differ"
    same = [each for each in judgement.series if each.result == IDENTICAL]
    if same:
        same.sort(key=lambda each: not each.name.startswith(("val", "test", "eval")))
        shown = [_values(each, "=") for each in same[:3]]
        shown += [f"{len(same) - 3} more"] if len(same) > 3 else []
        points = sum(each.points for each in same)
        yield f"{'   '.join(shown)}   ({points} of {points} points identical)"


def _one_series(each: SeriesComparison) -> str:
    text = _values(each, "≈" if each.result == WITHIN_TOLERANCE else "≠")
    text += f"   ({each.equal} of {each.points} points identical"
    if each.first_difference is not None:
        text += f", first difference at step {each.first_difference}, largest {each.largest:.3g}"
    return f"{text})"


def _values(each: SeriesComparison, sign: str) -> str:
    left = "—" if each.left is None else format_value(each.left)
    right = "—" if each.right is None else format_value(each.right)
    return f"{printable(each.name)} {left} {sign} {right}"
