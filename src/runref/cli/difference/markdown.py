"""Differences as Markdown, for a pull request or a lab book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runref.cli.difference.several import cells
from runref.cli.difference.text import (
    code_detail,
    inside_lines,
    metric_parts,
    summary_of,
)
from runref.cli.difference.values import change_of, pair, shown
from runref.cli.output import printable
from runref.cli.text import format_duration
from runref.model.difference import ADDED, CHANGED, REMOVED
from runref.model.run_difference import SECTIONS, CodeChange, DataChange, Difference, NotCompared
from runref.model.series_difference import MetricChange
from runref.model.variation import Variation

_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\|`*_<>[]#~"})


def two_runs(difference: Difference) -> Iterator[str]:
    """Yield the lines of a document that tells what differs between two runs."""
    yield f"## {difference.left} → {difference.right}"
    if not difference:
        yield ""
        yield "No difference" + (" in what was compared." if difference.not_compared else ".")
    for section in (*SECTIONS, "circumstances"):
        changes = getattr(difference, section)
        if not changes:
            continue
        yield ""
        yield f"### {section.capitalize()}"
        yield ""
        yield from _table(("", "left", "right", ""), [_row(section, change) for change in changes])
    yield from _not_compared(difference.not_compared)


def several_runs(variation: Variation, heads: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table of what varies among runs."""
    rows = [(row.section, row.name, *cells(row, len(heads))) for row in variation.rows]
    yield from _table(("", "", *heads), rows)
    yield from _not_compared(variation.not_compared)


def _row(section: str, change: object) -> tuple[str, ...]:
    name, kind = change.name, change.kind  # type: ignore[attr-defined]
    left, right = change.left, change.right  # type: ignore[attr-defined]
    if isinstance(change, CodeChange):
        sides = {ADDED: ("", "added"), REMOVED: ("removed", ""), CHANGED: ("", "changed")}[kind]
        return (name, *sides, code_detail(change).strip())
    if section == "circumstances" and name == "duration":
        return name, format_duration(left), format_duration(right), ""
    texts = (
        pair(left, right)
        if kind == CHANGED
        else ("" if kind == ADDED else shown(left), "" if kind == REMOVED else shown(right))
    )
    return (name, *texts, _detail(change))


def _detail(change: object) -> str:
    if isinstance(change, MetricChange):
        if change.kind != CHANGED:
            return ""
        rest = list(metric_parts(change))[1:]
        return ", ".join([change_of(change.left, change.right).strip(" ()"), *rest]).strip(", ")
    if isinstance(change, DataChange) and change.inside is not None:
        if change.inside.problem or not change.inside.kind:
            return "; ".join(inside_lines(change.inside))
        return summary_of(change.inside)
    return ""


def _not_compared(found: Sequence[NotCompared]) -> Iterator[str]:
    if found:
        yield ""
        yield "Not compared:"
        yield ""
    for each in found:
        yield f"- {each.section}: {_escaped(each.name)}: {_escaped(each.problem)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    kept = [at for at in range(len(heads)) if heads[at] or any(row[at] for row in rows)]
    yield _line([heads[at] for at in kept])
    yield _line(["---"] * len(kept))
    for row in rows:
        yield _line([_escaped(row[at]) for at in kept])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Return text that stands in a cell as it is, whatever it holds."""
    return printable(text).translate(_SPECIAL)
