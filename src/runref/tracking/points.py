"""What a log call may hold: numbers by name and a step, made plain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from runref.model.values import NotANumber, encode_number, to_number

Refuse = Callable[[str, str], None]
"""Told the name of a metric that was left out, and why."""


def is_plain(values: Mapping[str, Any]) -> bool:
    """Tell whether every value can be written as it stands."""
    for value in values.values():
        kind = type(value)
        if not (isfinite(value) if kind is float else kind is int):
            return False
    return True


def plain_values(values: Mapping[str, Any], refuse: Refuse, above: str = "") -> dict[str, Any]:
    """Return the numbers among `values` as the format writes them, nested names joined by slashes.

    Numbers are Python's own, and scalars of numpy, torch and their like. What is none is refused.
    """
    plain: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            plain.update(plain_values(value, refuse, f"{name}/"))
            continue
        try:
            plain[name] = encode_number(to_number(value))
        except NotANumber as error:
            refuse(name, error.message)
    return plain


def whole_step(step: object) -> int:
    """Return `step` as an integer.

    Raises:
        NotANumber: it is no whole number.
    """
    number = to_number(step)
    if isinstance(number, float) and not number.is_integer():
        raise NotANumber(f"{number} is not a whole number")
    return int(number)
