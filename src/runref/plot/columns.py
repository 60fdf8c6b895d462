"""What runs hold in one column: numbers, moments or text, and how an axis shows it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runref.errors import ExitStatus, RunrefError

Kind = Literal["number", "duration", "moment", "text"]
Value = float | str | None

_DIGITS = re.compile(r"([0-9]{1,15})")
_DECADES = 100.0
"""Largest by smallest value from which on a linear axis would press the small ones together."""


class NotNumeric(RunrefError):
    """A column holds text where a figure needs numbers."""

    code = "not-numeric"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Column:
    """One value for each run.

    Attributes:
        name: What it is called.
        kind: ``number``; ``duration`` in seconds; ``moment`` in seconds since 1970; or ``text``.
        values: In the order of the runs; none where a run has none.
    """

    name: str
    kind: Kind
    values: Sequence[Value]

    @property
    def numbers(self) -> list[float]:
        """The values as numbers, NaN where there is none; of text, the place of its category."""
        if self.kind == "text":
            place = {name: at for at, name in enumerate(self.categories)}
            return [math.nan if v is None else float(place[str(v)]) for v in self.values]
        return [v if isinstance(v, (int, float)) else math.nan for v in self.values]

    @property
    def categories(self) -> list[str]:
        """The different texts, in alphabetical order, numbers in them by their value."""
        return sorted({str(v) for v in self.values if v is not None}, key=natural)

    def required(self, figure: str) -> Column:
        """Return the column itself, if it holds numbers.

        Raises:
            NotNumeric: it holds text.
        """
        if self.kind == "text":
            held = ", ".join(repr(each) for each in self.categories[:3])
            raise NotNumeric(
                f"{self.name} is text ({held}), and a {figure} needs numbers",
                hint="Name a column of numbers, or give the text as --color.",
            )
        return self


def column_of(name: str, values: Sequence[object], kind: Kind | None = None) -> Column:
    """Return a column of what runs hold: numbers where all are, else text.

    What cannot be drawn (NaN, infinities, beyond 1e300) counts as missing.

    Args:
        name: What it is called.
        values: Plain values; none or empty text for what is missing.
        kind: What the numbers mean; found out where it is none.
    """
    present = [v for v in values if v is not None and v != ""]
    if kind is None and not all(type(v) in (int, float) for v in present):
        texts = [None if v is None or v == "" else _text(v) for v in values]
        return Column(name, "text", texts)
    return Column(name, kind or "number", [_number(v) for v in values])


def spans_decades(values: Sequence[float]) -> bool:
    """Tell whether values are best seen on a logarithmic axis: positive, over a hundredfold."""
    present = [v for v in values if not math.isnan(v)]
    if not present:
        return False
    low, high = min(present), max(present)
    return low > 0 and high / low >= _DECADES


def _number(value: object) -> float | None:
    if not isinstance(value, (int, float)) or not -1e300 <= value <= 1e300:
        return None
    return float(value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def natural(text: str) -> list[tuple[int, float, str]]:
    """Return what sorts numbers within texts by their value: 2x before 10x, 1e-3 before 0.1."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return [(0, number, text)]
    parts = _DIGITS.split(text)
    return [(1, float(part) if at % 2 else 0.0, part) for at, part in enumerate(parts)]
