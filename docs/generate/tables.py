"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; what would be markup in a cell is escaped, line breaks become spaces."""
    lines = [_line(header), _line(["---"] * len(header))]
    return "\n".join([*lines, *map(_line, rows)])


def as_markdown(docstring: str) -> str:
    """Return a docstring's text with its literals and references as Markdown code."""
    return docstring.replace("``", "`")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    shown = " ".join(text.split()).replace("|", r"\|")
    parts = shown.split("`")  # every second one is code, where < is only a <
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)
