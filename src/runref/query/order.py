"""The order of what runs hold under a name: numbers, then text; versions as versions."""

from __future__ import annotations

import math
from typing import Any

from runref.query.reference import EnvironmentValue, Package, Reference
from runref.query.version import sort_key

Rank = tuple[bool, Any]


def rank(reference: Reference, value: object) -> Rank | None:
    """Return what a value is sorted by; none where there is nothing to sort by.

    That is so of what is missing, of none, NaN, lists and mappings. An integer is sorted as a float
    beyond 64 bits.

    Args:
        reference: The name.
        value: What a run holds there.
    """
    if isinstance(value, str):
        return True, sort_key(value) if _is_version(reference) else value
    if isinstance(value, float):
        return None if math.isnan(value) else (False, value)
    if isinstance(value, int):
        return False, value if -(2**63) <= value < 2**63 else float(value)
    return None


def _is_version(reference: Reference) -> bool:
    return isinstance(reference, Package) or (
        isinstance(reference, EnvironmentValue) and reference.version
    )
