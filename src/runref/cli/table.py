"""Tables: fitted to the screen on a terminal, whole elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from runref.cli.output import printable, say
from runref.model.text_width import cut, width_of

_GAP = "  "
_NARROWEST = 6
"""Columns of the screen below which a cell says nothing any more."""
_COLOURS = {"failed": "red", "interrupted": "yellow", "running": "cyan"}


@dataclass
class Column:
    """A column of a table: its name, its cells, and whether they stand to the right."""

    name: str
    cells: list[str]
    right: bool = False

    def __post_init__(self) -> None:
        self.name = printable(self.name)
        self.cells = [printable(cell) for cell in self.cells]
        self.width = max(map(width_of, (self.name, *self.cells)))


def print_table(columns: Sequence[Column]) -> None:
    """Print a table.

    On a terminal that is too narrow, long cells are cut with ``…``, the widest column first; then
    the columns at the right are left out and counted in a line of their own.
    """
    shown, left_out = list(columns), 0
    if sys.stdout.isatty():
        screen = shutil.get_terminal_size().columns
        while len(shown) > 1 and _least(shown) > screen:
            shown.pop()
            left_out += 1
        _narrow(shown, screen)
    for line in _lines(shown):
        say(line.rstrip())
    if left_out:
        names = ", ".join(column.name for column in columns[-left_out:])
        say(f"… {left_out} columns do not fit: {names}", err=True)


def _least(columns: Sequence[Column]) -> int:
    # The first column is what the others belong to: it is never cut.
    rest = [min(column.width, _NARROWEST) for column in columns[1:]]
    return columns[0].width + sum(rest) + len(_GAP) * len(rest)


def _narrow(columns: Sequence[Column], screen: int) -> None:
    total = sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
    while total > screen and len(columns) > 1:
        widest = max(columns[1:], key=lambda column: column.width)
        if widest.width <= _NARROWEST:
            return
        widest.width -= 1
        total -= 1


def _lines(columns: Sequence[Column]) -> Iterator[str]:
    yield _GAP.join(_placed(column.name, column, bold=True) for column in columns)
    for row in range(len(columns[0].cells)):
        yield _GAP.join(_placed(column.cells[row], column) for column in columns)


def _placed(text: str, column: Column, *, bold: bool = False) -> str:
    shown = cut(text, column.width)
    space = " " * (column.width - width_of(shown))
    if bold or text in _COLOURS:
        shown = click.style(shown, bold=bold, fg=_COLOURS.get(text))
    return space + shown if column.right else shown + space
