"""How many lines of each file differ, as ``git diff --stat`` shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from runref.cli.output import printable
from runref.cli.text import count_of
from runref.model.run_difference import CodeChange
from runref.model.text_width import width_of

_WIDTH = 40
"""Signs of the file with the most lines."""


def stat_lines(changes: Sequence[CodeChange]) -> Iterator[str]:
    """Yield a line for each file, with its lines added and removed, and one for all."""
    if not changes:
        return
    names = [printable(each.name) for each in changes]
    longest = max(map(width_of, names))
    most = max((each.added or 0) + (each.removed or 0) for each in changes)
    scale = min(1.0, _WIDTH / most) if most else 1.0
    for name, each in zip(names, changes, strict=True):
        space = " " * (longest - width_of(name))
        yield f" {name}{space} | {_counts(each, len(str(most)), scale)}".rstrip()
    plus = sum(each.added or 0 for each in changes)
    minus = sum(each.removed or 0 for each in changes)
    counted = f"{count_of(plus, 'line')} added, {count_of(minus, 'line')} removed"
    yield f" {count_of(len(changes), 'file')} changed, {counted}"


def _counts(change: CodeChange, digits: int, scale: float) -> str:
    if change.added is None or change.removed is None:
        return "binary" if change.binary else printable(change.problem)
    signs = click.style("+" * _scaled(change.added, scale), fg="green") if change.added else ""
    if change.removed:
        signs += click.style("-" * _scaled(change.removed, scale), fg="red")
    return f"{change.added + change.removed:>{digits}} {signs}"


def _scaled(count: int, scale: float) -> int:
    return max(1, round(count * scale))
