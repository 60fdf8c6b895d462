"""From one comparison of a query to a condition, by the types of its two sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from runref.query import version
from runref.query.condition import (
    And,
    BooleanValue,
    Compare,
    Condition,
    HasPrefix,
    IsNan,
    IsNone,
    Matches,
    NumberValue,
    OneOf,
    Operator,
    Or,
    TextValue,
    TimeValue,
    VersionValue,
)
from runref.query.errors import QueryInvalid, QueryTypeMismatch, shown
from runref.query.fields import BY_NAME
from runref.query.literals import kind_of_literal, moments_of, number_of, prefix_of
from runref.query.names import Kinds
from runref.query.pattern import PatternRefused, matcher
from runref.query.printing import print_operand
from runref.query.reference import Field, Parameter, Reference, SummaryValue
from runref.query.suggest import listed, nearest
from runref.query.syntax import Duration, Literal, Name, Number, Text

_DESCRIBED = {
    "number": "a number", "boolean": "true or false", "none": "none", "list": "a list",
    "mapping": "a mapping", "time": "a time", "seconds": "a duration", "bytes": "a size",
    "version": "a version", "id": "a run id", "hex": "a hash", "choice": "text", "text": "text",
}  # fmt: skip
_EQUALITY = ("==", "!=")
_NUMBERS = frozenset({"number", "seconds", "bytes"})
_TEXTS = frozenset({"text", "choice", "id", "hex"})
_MEETS = {
    "number": _NUMBERS,
    "seconds": frozenset({"number", "seconds"}),
    "bytes": frozenset({"number", "bytes"}),
    "text": frozenset({"text", "choice"}),
    "boolean": frozenset({"boolean"}),
    "time": frozenset({"time"}),
}
"""The types that a literal of each type can be compared with."""


@dataclass(frozen=True, slots=True)
class Side:
    """A name of a query, resolved.

    Attributes:
        name: As it was written.
        reference: What it refers to.
        kinds: The types that runs hold there.
    """

    name: Name
    reference: Reference
    kinds: Kinds


def with_literal(side: Side, op: Operator, literal: Literal, now: datetime) -> Condition:
    """Return the condition ``side op literal``.

    Raises:
        QueryInvalid: they cannot be compared so.
    """
    if "time" in side.kinds:
        return _time(side, op, literal, now)
    if "version" in side.kinds:
        return _version(side, op, literal)
    if side.kinds & {"id", "hex"}:
        _check_equality(side, op, "hash")
        return _prefix(side, literal, negated=op == "!=")
    kind = kind_of_literal(literal)
    if kind == "none":
        return _none(side, op, literal)
    _check_kinds(side, literal)
    if isinstance(literal, (Number, Duration)):
        number = number_of(literal)
        if math.isnan(number):
            if op not in _EQUALITY:
                raise QueryInvalid("nothing is less or greater than nan", literal.span)
            return IsNan(side.reference, negated=op == "!=")
        return Compare(op, side.reference, NumberValue(number))
    if isinstance(literal, Text):
        _check_text(side, op, literal)
        return Compare(op, side.reference, TextValue(literal.value))
    _check_equality(side, op, print_operand(literal))
    return Compare(op, side.reference, BooleanValue(print_operand(literal) == "true"))


def with_name(left: Side, op: Operator, right: Side) -> Condition:
    """Return the condition ``left op right`` of two names.

    Raises:
        QueryTypeMismatch: they never hold the same type.
    """
    shared = _plain(left.kinds) & _plain(right.kinds) - {"none", "list", "mapping"}
    if not shared:
        raise QueryTypeMismatch(
            f"{_written(left)} is {described(left.kinds)}, "
            f"{_written(right)} is {described(right.kinds)}",
            left.name.span.to(right.name.span),
        )
    if shared == {"boolean"}:
        _check_equality(left, op, "true or false")
    return Compare(op, left.reference, right.reference)


def matching(side: Side, literal: Literal, *, negated: bool) -> Condition:
    """Return the condition ``side ~ literal``.

    Raises:
        QueryInvalid: it is no pattern, or there is no text to find it in.
    """
    if not side.kinds & (_TEXTS | {"version"}):
        raise QueryTypeMismatch(
            f"{_written(side)} is {described(side.kinds)}; `~` looks into text", side.name.span
        )
    if not isinstance(literal, Text):
        raise QueryTypeMismatch("a pattern is text, in quotes", literal.span)
    try:
        matcher(literal.value)
    except PatternRefused as error:
        raise QueryInvalid(
            f"this pattern cannot be used: {error}", literal.span,
            hint="Patterns are those of RE2: no look-around, no back-references.",
        ) from error  # fmt: skip
    return Matches(side.reference, literal.value, negated)


def one_of(side: Side, literals: Sequence[Literal], now: datetime, *, negated: bool) -> Condition:
    """Return the condition that ``side`` equals one of some literals; negated: none of them.

    Raises:
        QueryInvalid: it cannot be compared with one of them.
    """
    op: Operator = "!=" if negated else "=="
    each = [with_literal(side, op, literal, now) for literal in literals]
    if side.kinds & {"time", "version", "id", "hex"}:
        kind = And if negated else Or
        return each[0] if len(each) == 1 else kind(tuple(each))
    parts = _by_type(side.reference, each, negated=negated)
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def described(kinds: Kinds) -> str:
    """Return types as messages name them: ``a number or text``."""
    return " or ".join(dict.fromkeys(_DESCRIBED[kind] for kind in sorted(kinds)))


def _by_type(reference: Reference, each: Sequence[Condition], *, negated: bool) -> list[Condition]:
    """Return one condition for each type: a value is held against those of its own type."""
    held: dict[type, list[object]] = {}
    rest: list[Condition] = []
    for one in each:
        if isinstance(one, Compare):
            held.setdefault(type(one.right), []).append(one.right)
        elif one not in rest:
            rest.append(one)
    if negated and NumberValue in held:  # a number that equals none of them is not NaN either
        rest = [one for one in rest if not isinstance(one, IsNan)]
    lists = [
        OneOf(reference, cast("tuple[TextValue, ...]", tuple(dict.fromkeys(values))), negated)
        for values in held.values()
    ]
    return [*lists, *rest]


def _time(side: Side, op: Operator, literal: Literal, now: datetime) -> Condition:
    start, following = moments_of(literal, now)
    at = TimeValue(start)
    if following is None or op not in _EQUALITY:
        return Compare(op, side.reference, at)
    after = TimeValue(following)
    if op == "==":
        parts = Compare(">=", side.reference, at), Compare("<", side.reference, after)
        return And(parts)
    return Or((Compare("<", side.reference, at), Compare(">=", side.reference, after)))


def _version(side: Side, op: Operator, literal: Literal) -> Condition:
    """Compare versions; a literal without a local version means all local versions of its own."""
    if not isinstance(literal, Text):
        raise QueryTypeMismatch(
            f"{_written(side)} is a version: write it in quotes, "
            f'"{print_operand(literal)}"', literal.span,
        )  # fmt: skip
    public = version.public_key(literal.value)
    whole = VersionValue(version.sort_key(literal.value))
    if public is None and op not in _EQUALITY:
        raise QueryInvalid(f"{shown(literal.value)} is no version like 2.1.0", literal.span)
    if public is None or version.has_local(literal.value):
        return Compare(op, side.reference, whole)
    after = VersionValue(public + version.AFTER_LOCAL)
    if op in ("<", ">="):
        return Compare(op, side.reference, whole)
    if op in (">", "<="):
        return Compare(">=" if op == ">" else "<", side.reference, after)
    if op == "==":
        parts = Compare(">=", side.reference, whole), Compare("<", side.reference, after)
        return And(parts)
    return Or((Compare("<", side.reference, whole), Compare(">=", side.reference, after)))


def _prefix(side: Side, literal: Literal, *, negated: bool) -> Condition:
    row = BY_NAME[side.reference.name] if isinstance(side.reference, Field) else None
    run_id = row is not None and row.type == "id"
    prefix = prefix_of(literal, digest=row is not None and row.digest, run_id=run_id)
    found = HasPrefix(side.reference, prefix, negated)
    if not run_id or "-" in prefix:
        return found
    random = HasPrefix(side.reference, prefix, negated, start=9)
    return And((found, random)) if negated else Or((found, random))


def _none(side: Side, op: Operator, literal: Literal) -> Condition:
    _check_equality(side, op, "none")
    if not isinstance(side.reference, (Parameter, SummaryValue)):
        raise QueryTypeMismatch(
            f"{_written(side)} is never none: write `{_written(side)} is missing`", literal.span
        )
    return IsNone(side.reference, negated=op == "!=")


def _check_kinds(side: Side, literal: Literal) -> None:
    kind = kind_of_literal(literal)
    if not side.kinds & _MEETS[kind]:
        written = shown(literal.value) if isinstance(literal, Text) else print_operand(literal)
        raise QueryTypeMismatch(
            f"{_written(side)} is {described(side.kinds)}, {written} is {_DESCRIBED[kind]}",
            literal.span,
            hint=_advice(side, kind),
        )


def _advice(side: Side, kind: str) -> str:
    if kind == "text" and side.kinds & _NUMBERS:
        return "Numbers have no quotes."
    if kind == "number" and "text" in side.kinds:
        return "Text has quotes."
    return ""


def _check_text(side: Side, op: Operator, literal: Text) -> None:
    if not isinstance(side.reference, Field):
        return
    row = BY_NAME[side.reference.name]
    if not literal.value:
        raise QueryInvalid(
            f"{_written(side)} is never empty: write `{_written(side)} is missing`", literal.span
        )
    if row.choices:
        _check_equality(side, op, row.name)
        if literal.value not in row.choices:
            meant = nearest(literal.value, row.choices)
            raise QueryInvalid(
                f"{_written(side)} is never {shown(literal.value)}"
                + (f": did you mean {shown(meant)}?" if meant else ""),
                literal.span,
                hint=f"It is one of: {listed(row.choices, 8)}.",
            )


def _check_equality(side: Side, op: Operator, what: str) -> None:
    if op not in _EQUALITY:
        raise QueryTypeMismatch(
            f"there is no less or greater of {_written(side)} and {what}: only == and !=",
            side.name.span,
        )


def _plain(kinds: Kinds) -> frozenset[str]:
    """Return the types by which two names are compared."""
    return frozenset(
        "number" if kind in _NUMBERS else "text" if kind in _TEXTS else kind for kind in kinds
    )


def _written(side: Side) -> str:
    written = print_operand(side.name)
    return written if len(written) <= 60 else f"{written[:60]}…"
