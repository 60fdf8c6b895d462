"""Digests that were asked for as if they were paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runref.query.condition import And, Condition, Membership, Not, Or

_DIGITS = re.compile(r"[0-9a-fA-F]{4,64}")


def taken_for_paths(condition: Condition) -> Iterator[Membership]:
    """Yield the parts of a condition that look for a path that has the form of a digest."""
    if isinstance(condition, Not):
        yield from taken_for_paths(condition.operand)
    elif isinstance(condition, (And, Or)):
        for each in condition.operands:
            yield from taken_for_paths(each)
    elif isinstance(condition, Membership) and _is_meant(condition):
        yield condition


def _is_meant(membership: Membership) -> bool:
    of_files = membership.collection.name in ("inputs", "outputs")
    return of_files and _DIGITS.fullmatch(membership.text) is not None
