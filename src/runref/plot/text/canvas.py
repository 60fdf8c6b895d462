"""A grid of characters to draw points and lines on, in braille dots or in symbols."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# https://www.unicode.org/charts/PDF/U2800.pdf: eight dots, two across and four down.
_BRAILLE = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
SYMBOLS = "*o+x#@%&abcdefghijklmnpqrstuvwyzABCDEFGHIJKLMNPQRSTUVWXYZ"
"""What tells curves apart where there is no colour."""
_COLOURS = (34, 33, 32, 31, 36, 35)
"""ANSI's blue, yellow, green, red, cyan, magenta."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How something is drawn.

    Attributes:
        symbol: Its character where no braille dots are used.
        colour: ANSI's number of its colour; 0 for the terminal's own.
    """

    symbol: str
    colour: int = 0

    def coloured(self, text: str) -> str:
        """Return a text in the pen's colour."""
        return f"\x1b[{self.colour}m{text}\x1b[0m" if self.colour else text


def pen_at(place: int, *, colour: bool) -> Pen:
    """Return the pen for what stands at a place of the legend."""
    number = _COLOURS[place % len(_COLOURS)] if colour else 0
    return Pen(SYMBOLS[place % len(SYMBOLS)], number)


class Canvas:
    """A grid of characters, with places from 0 to 1 across and upwards.

    Args:
        width: Characters across.
        height: Characters down.
        braille: Draw in dots, eight to a character, instead of in the pens' symbols.
    """

    def __init__(self, width: int, height: int, *, braille: bool) -> None:
        self._width, self._height = width, height
        self._braille = braille
        self._across, self._down = (2, 4) if braille else (1, 1)
        self._dots: dict[tuple[int, int], int] = {}
        self._pens: dict[tuple[int, int], Pen] = {}

    def point(self, x: float, y: float, pen: Pen) -> None:
        """Draw one point; one that is NaN or out of the grid is left out."""
        place = self._place(x, y)
        if place is not None:
            self._set(*place, pen)

    def line(self, xs: Sequence[float], ys: Sequence[float], pen: Pen) -> None:
        """Join points; NaN is a gap."""
        before: tuple[int, int] | None = None
        for x, y in zip(xs, ys, strict=True):
            place = self._place(x, y)
            if place is not None:
                self._join(before or place, place, pen)
            before = place

    def rows(self) -> list[str]:
        """Return the grid's lines from the top."""
        return [
            "".join(self._character(column, row) for column in range(self._width))
            for row in range(self._height)
        ]

    def _place(self, x: float, y: float) -> tuple[int, int] | None:
        if not (-1e-9 <= x <= 1 + 1e-9 and -1e-9 <= y <= 1 + 1e-9):  # also for NaN
            return None
        column = math.floor(x * (self._width * self._across - 1) + 0.5)
        row = math.floor((1 - y) * (self._height * self._down - 1) + 0.5)
        return column, row

    def _join(self, start: tuple[int, int], end: tuple[int, int], pen: Pen) -> None:
        (x, y), (to_x, to_y) = start, end
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        for step in range(steps + 1):
            self._set(
                math.floor(x + (to_x - x) * step / steps + 0.5),
                math.floor(y + (to_y - y) * step / steps + 0.5),
                pen,
            )

    def _set(self, x: int, y: int, pen: Pen) -> None:
        cell = (x // self._across, y // self._down)
        self._pens[cell] = pen
        if self._braille:
            bit = _BITS[y % self._down][x % self._across]
            self._dots[cell] = self._dots.get(cell, 0) | bit

    def _character(self, column: int, row: int) -> str:
        pen = self._pens.get((column, row))
        if pen is None:
            return " "
        if not self._braille:
            return pen.coloured(pen.symbol)
        return pen.coloured(chr(_BRAILLE + self._dots[column, row]))
