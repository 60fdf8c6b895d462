"""What differs between two runs, line by line for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from runref.cli.difference.values import change_of, pair, shown
from runref.cli.output import printable
from runref.cli.text import count_of, format_duration
from runref.model.content_difference import BYTES, CSV, DIRECTORY, JSON, Inside
from runref.model.difference import ADDED, CHANGED, REMOVED, Change, same_value
from runref.model.run_difference import (
    SECTIONS,
    CodeChange,
    DataChange,
    Difference,
    NotCompared,
)
from runref.model.series_difference import LEFT, MetricChange, Parting

SIGNS = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
_COLOURS = {ADDED: "green", REMOVED: "red", CHANGED: "yellow"}
_FIRST = 5
"""Differences inside a content that are shown."""
_UNITS = {CSV: "row", JSON: "path", DIRECTORY: "file", BYTES: "byte"}


def describe(difference: Difference) -> Iterator[str]:
    """Yield the lines that tell a difference."""
    if not difference:
        known = " in what was compared" if difference.not_compared else ""
        yield f"no difference{known}"
    for section in SECTIONS:
        changes = getattr(difference, section)
        if changes:
            yield click.style(f"{section}:", bold=True)
        for change in changes:
            sign = click.style(SIGNS[change.kind], fg=_COLOURS[change.kind])
            first, *rest = lines_of(section, change)
            yield f"  {sign} {first}"
            yield from (f"      {line}" for line in rest)
    if difference.circumstances:
        yield click.style("circumstances:", bold=True) + " (by themselves no difference)"
        for change in difference.circumstances:
            yield f"    {_circumstance(change)}"
    yield from describe_not_compared(difference.not_compared)


def describe_not_compared(found: Sequence[NotCompared]) -> Iterator[str]:
    """Yield the lines that name what could not be compared."""
    if found:
        yield click.style("not compared:", bold=True)
    for each in found:
        yield f"  ! {each.section}: {printable(each.name)}: {printable(each.problem)}"


def lines_of(section: str, change: object) -> Iterator[str]:
    """Yield what a change says: a line, and lines that go into it."""
    if isinstance(change, CodeChange):
        yield _code(change)
    elif isinstance(change, DataChange):
        yield _named(change.name, _values(change))
        yield from inside_lines(change.inside)
    elif isinstance(change, MetricChange):
        yield from _metric(change)
    elif isinstance(change, Change):
        step = change_of(change.left, change.right) if section == "summary" else ""
        yield _named(change.name, _values(change) + step)


def _named(name: str, text: str) -> str:
    return f"{printable(name)}  {text}"


def _values(change: Change | DataChange | MetricChange) -> str:
    if change.kind == ADDED:
        return shown(change.right)
    if change.kind == REMOVED:
        return shown(change.left)
    return " → ".join(pair(change.left, change.right))


def _code(change: CodeChange) -> str:
    return f"{printable(change.name)}{code_detail(change)}"


def code_detail(change: CodeChange) -> str:
    """Return what is said behind a file's name: its lines, its mode."""
    parts = []
    if change.problem:
        parts.append(printable(change.problem))
    elif change.binary:
        parts.append("binary")
    elif change.added or change.removed:
        added, removed = change.added or 0, change.removed or 0
        counts = (f"+{added}" if added else "", f"-{removed}" if removed else "")
        parts.append(" ".join(filter(None, counts)))
    if change.kind == CHANGED and change.left_mode != change.right_mode:
        parts.append(f"mode {change.left_mode} → {change.right_mode}")
    return f"  {', '.join(parts)}" if parts else ""


def _circumstance(change: Change) -> str:
    if change.name == "duration":
        return f"duration  {format_duration(change.left)} → {format_duration(change.right)}"
    return _named(change.name, _values(change))


def inside_lines(inside: Inside | None) -> Iterator[str]:
    """Yield what differs inside a content."""
    if inside is None:
        return
    if inside.problem:
        yield printable(inside.problem)
    if not inside.kind or (inside.kind == BYTES and inside.problem):
        return
    yield summary_of(inside)
    for column in inside.columns:
        yield f"{SIGNS[column.kind]} column {printable(column.name)}"
    for each in inside.first[:_FIRST]:
        yield f"{SIGNS[each.kind]} {_named(each.name, _values(each))}"
    more = inside.more + len(inside.first[_FIRST:])
    if more:
        yield f"… {more} more"


def summary_of(inside: Inside) -> str:
    """Return in one line how much differs inside a content."""
    if inside.kind == BYTES:
        return "binary"
    unit = _UNITS.get(inside.kind, "line")
    parts = []
    if inside.cells or inside.changed:
        what = count_of(inside.changed, unit) + " changed"
        parts.append(f"{what} in {count_of(inside.cells, 'cell')}" if inside.cells else what)
    parts += [f"{count_of(inside.added, unit)} added"] if inside.added else []
    parts += [f"{count_of(inside.removed, unit)} removed"] if inside.removed else []
    if not parts and not inside.columns:
        return f"{inside.kind}: the same {unit}s, written otherwise"
    return f"{inside.kind}: {', '.join(parts) or 'other columns'}"


def _metric(change: MetricChange) -> Iterator[str]:
    if change.kind != CHANGED:
        yield _named(change.name, _values(change))
        return
    yield printable(change.name) + "  " + ", ".join(metric_parts(change))


def metric_parts(change: MetricChange) -> Iterator[str]:
    """Yield how a metric differs: in its last value, its best ones, and from which step on."""
    if _differ(change.left, change.right):
        step = change_of(change.left, change.right)
        yield " → ".join(pair(change.left, change.right)) + step
    else:
        yield f"last {shown(change.left)} on both sides"
    for part in ("min", "max"):
        values = [getattr(each, part, None) for each in (change.left_summary, change.right_summary)]
        if None not in values and _differ(*values):
            yield f"{part} {' → '.join(pair(*values))}"
    if change.parting is not None:
        yield parting_text(change.parting)


def parting_text(parting: Parting) -> str:
    """Return where two series part."""
    if not parting.ended:
        return f"parts at step {parting.step}"
    side = "left" if parting.ended == LEFT else "right"
    if parting.last_step is None:
        return f"the {side} one has no points"
    return f"the {side} one ends at step {parting.last_step}"


def _differ(left: object, right: object) -> bool:
    return not same_value(left, right)
