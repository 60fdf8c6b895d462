"""Axes around a canvas, with labels; and lists of what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runref.model.text_width import cut, width_of
from runref.plot.curves import shortened
from runref.plot.scales import Scale
from runref.plot.text.canvas import Canvas, Pen

_NAMES = 24
"""Names that the legend has at most; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Medium:
    """What the text is for.

    Attributes:
        width: Places across.
        unicode: Whether it can have other characters than those of ASCII.
        colour: Whether it can have colours.
    """

    width: int
    unicode: bool = True
    colour: bool = False

    def plain(self, text: str) -> str:
        """Return a text on one line, in ASCII where there is nothing else."""
        line = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
        if self.unicode:
            return line
        return line.replace("…", "~").encode("ascii", "backslashreplace").decode()

    def short(self, text: str, limit: int) -> str:
        """Return a text in at most so many places."""
        return cut(self.plain(shortened(text, max(limit, 3))), limit, "…" if self.unicode else "~")


def label_width(scale: Scale, medium: Medium) -> int:
    """Return how many places the labels of an upright axis take."""
    return max((width_of(medium.short(text, 16)) for _, text in scale.ticks(5)), default=1)


def framed(canvas: Canvas, x: Scale, y: Scale, medium: Medium, *, left: int) -> list[str]:
    """Return a canvas with its axes.

    Args:
        canvas: What is drawn.
        x: Its scale across.
        y: Its scale upwards.
        medium: What the text is for.
        left: Places that the labels of the upright axis take.
    """
    rows = canvas.rows()
    upright, tick, corner, flat, down = "│┤└─┬" if medium.unicode else "|++-+"
    labels: dict[int, str] = {}
    for number, text in y.ticks(5):
        height = y.height(number)
        if 0 <= height <= 1:
            labels.setdefault(round((1 - height) * (len(rows) - 1)), medium.short(text, left))
    lines = [
        f"{_right(labels.get(at, ''), left)} {tick if at in labels else upright}{row}"
        for at, row in enumerate(rows)
    ]
    width = medium.width - left - 2
    places = {}
    for number, text in x.ticks(6 if width > 50 else 4):
        height = x.height(number)
        if 0 <= height <= 1:
            places[round(height * (width - 1))] = medium.short(text, 16)
    shown = _spread(places, width)
    ends = dict.fromkeys(shown, down)
    bottom = "".join(ends.get(at, flat) for at in range(width))
    lines.append(f"{' ' * left} {corner}{bottom}")
    if shown:
        lines.append(" " * (left + 2) + _written(shown, width))
    return lines


def named(title: str, label: str, medium: Medium) -> str:
    """Return the line above a plot: what it shows and what the upright axis is."""
    return medium.short(f"{title}: {label}" if title else label, medium.width)


def legend(
    names: Mapping[str, Pen], medium: Medium, *, braille: bool, title: str = ""
) -> list[str]:
    """Return the names of what is drawn, in as many columns as fit; the rest is counted."""
    kept = list(names.items())[:_NAMES]
    sign = "⠶" if braille else ""
    texts = [(medium.short(name, min(40, medium.width - 3)), pen) for name, pen in kept]
    column = max((width_of(text) for text, _ in texts), default=0) + 5
    across = max(1, medium.width // column)
    lines = [medium.short(title, medium.width)] if title else []
    down = -(-len(texts) // across)
    for row in range(down):
        parts = [
            f"{pen.coloured(sign or pen.symbol)} {text}{' ' * (column - 2 - width_of(text))}"
            for text, pen in texts[row::down]
        ]
        lines.append("".join(parts).rstrip())
    if len(names) > len(kept):
        lines.append(f"and {len(names) - len(kept)} more")
    return lines


def _right(text: str, width: int) -> str:
    return " " * (width - width_of(text)) + text


def _spread(places: Mapping[int, str], width: int) -> dict[int, str]:
    """Return the labels that do not run into the one before, by the place of their tick."""
    shown: dict[int, str] = {}
    free = 0
    for place, text in sorted(places.items()):
        start = _start(place, text, width)
        if start >= free and start + width_of(text) <= width:
            shown[place] = text
            free = start + width_of(text) + 2
    return shown


def _start(place: int, text: str, width: int) -> int:
    return max(0, min(place - width_of(text) // 2, width - width_of(text)))


def _written(places: Mapping[int, str], width: int) -> str:
    line = ""
    for place, text in places.items():
        line += " " * (_start(place, text, width) - width_of(line)) + text
    return line


def below(label: str, medium: Medium, left: int) -> str:
    """Return the name of the axis below, in the middle under it."""
    text = medium.short(label, medium.width - left - 2)
    space = (medium.width - left - 2 - width_of(text)) // 2
    return " " * (left + 2 + space) + text


def padded(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """Return the cells of a row in columns of a table."""
    parts = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        space = " " * max(width - width_of(cell), 0)
        parts.append(space + cell if to_right else cell + space)
    return "  ".join(parts).rstrip()
