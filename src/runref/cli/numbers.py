"""Numbers of one column, with the digits that a person would give them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from runref.cli.text import format_value

_DIGITS = 4
_SMALLEST, _LARGEST = 1e-3, 1e6
"""Magnitudes between which a column has a common number of decimals."""


def format_measured(values: Sequence[Any]) -> list[str]:
    """Return measured values with common decimals: four significant digits of the largest one.

    Zeros that all of them end in are left out.

    What is too small to be told apart so, or too large, is written with an exponent; what is no
    float is written as it stands, and nothing where it is missing.
    """
    sizes = [abs(each) for each in values if isinstance(each, float) and math.isfinite(each)]
    whole = all(size.is_integer() for size in sizes)
    decimals = 0 if whole else _decimals(max(sizes))
    while decimals and all(_ends_in_zero(each, decimals) for each in values):
        decimals -= 1
    return ["" if each is None else _measured(each, decimals) for each in values]


def format_given(values: Sequence[Any]) -> list[str]:
    """Return values that somebody chose as they were most likely typed: ``0.1``, ``3e-05``."""
    return ["" if each is None else _given(each) for each in values]


def _decimals(largest: float) -> int:
    return max(0, _DIGITS - 1 - math.floor(math.log10(largest)))


def _ends_in_zero(value: Any, decimals: int) -> bool:
    if not isinstance(value, float) or not math.isfinite(value):
        return True
    return f"{value:.{decimals}f}".endswith("0") and float(f"{value:.{decimals}f}") == value


def _measured(value: Any, decimals: int) -> str:
    if not isinstance(value, float) or not math.isfinite(value):
        return format_value(value)
    if value and not max(_SMALLEST, 10.0**-decimals) <= abs(value) < _LARGEST:
        return f"{value:.4g}"
    return f"{value:.{decimals}f}"


def _given(value: Any) -> str:
    if not isinstance(value, float):
        return format_value(value)
    shortest = repr(value)
    return shortest if len(shortest.rstrip("0")) <= 8 else format_value(value)
