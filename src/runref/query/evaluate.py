"""Whether a run meets a condition: what conditions mean, in the plainest way."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from runref.query import version
from runref.query.condition import (
    Always,
    And,
    Compare,
    Condition,
    HasDigest,
    HasPrefix,
    IsEmpty,
    IsMissing,
    IsNan,
    IsNone,
    Matches,
    Membership,
    Not,
    NumberValue,
    OneOf,
    Or,
    TextValue,
    TimeValue,
    Value,
    VersionValue,
)
from runref.query.fields import BY_NAME, Subject
from runref.query.offered import BOOLEAN, NUMBER, TEXT, kind_of, parameters_of, summary_of
from runref.query.pattern import matcher
from runref.query.reference import (
    CodeFile,
    Collection,
    EnvironmentValue,
    Field,
    Metric,
    Package,
    Parameter,
    Reference,
    SummaryValue,
)


class Missing(Enum):
    """What stands for a value that a run does not have."""

    MISSING = "missing"


MISSING = Missing.MISSING

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(condition: Condition, subject: Subject) -> bool:
    """Tell whether a run meets a condition."""
    if isinstance(condition, And):
        return all(evaluate(each, subject) for each in condition.operands)
    if isinstance(condition, Or):
        return any(evaluate(each, subject) for each in condition.operands)
    if isinstance(condition, Not):
        return not evaluate(condition.operand, subject)
    if isinstance(condition, Always):
        return condition.value
    if isinstance(condition, Compare):
        return _compare(condition, subject)
    if isinstance(condition, (Membership, HasDigest, IsEmpty)):
        return _in_collection(condition, subject)
    value = value_of(condition.reference, subject)
    if isinstance(condition, IsMissing):
        return value is MISSING
    return value is not MISSING and _holds(condition, value)


def value_of(reference: Reference | Collection, subject: Subject) -> Any:
    """Return what a run has there: a plain value, or `MISSING`.

    Versions, hashes and times are text, durations seconds, sizes bytes. Of tags it is their tuple,
    of inputs and outputs that of their paths; the paths of the code cannot be listed.
    """
    if isinstance(reference, Field):
        return _or_missing(BY_NAME[reference.name].read(subject))
    if isinstance(reference, Parameter):
        return parameters_of(subject.record).get(reference.path, MISSING)
    if isinstance(reference, SummaryValue):
        return summary_of(subject.record).get(reference.path, MISSING)
    if isinstance(reference, Metric):
        summary = subject.record.metrics.get(reference.name)
        return MISSING if summary is None else getattr(summary, reference.part)
    if isinstance(reference, Package):
        return _or_missing(subject.package(reference.name))
    if isinstance(reference, EnvironmentValue):
        return _or_missing(subject.environment(reference.path))
    if isinstance(reference, CodeFile):
        return _or_missing(subject.code_file(reference.path))
    return MISSING if reference.name == "code" else _collected(reference, subject)


def _or_missing(value: object) -> object:
    return MISSING if value is None else value


def _compare(condition: Compare, subject: Subject) -> bool:
    left = value_of(condition.left, subject)
    if left is MISSING:
        return False
    right = condition.right
    if isinstance(right, Value):
        pair = _against(left, right)
    else:
        other = value_of(right, subject)
        if other is MISSING:
            return False
        versions = _is_version(condition.left) or _is_version(right)
        pair = _versions(left, other) if versions else _alike(left, other)
    return pair is not None and _OPERATORS[condition.op](*pair)


def _against(left: object, value: Value) -> tuple[object, object] | None:
    """Return both sides as they are compared; none where the types do not agree."""
    if isinstance(value, VersionValue):
        return (version.sort_key(left), value.key) if isinstance(left, str) else None
    if isinstance(value, (TextValue, TimeValue)):
        kind = TEXT
    else:
        kind = NUMBER if isinstance(value, NumberValue) else BOOLEAN
    return (left, value.value) if kind_of(left) == kind and not _is_nan(left) else None


def _alike(left: object, right: object) -> tuple[object, object] | None:
    kind = kind_of(left)
    if kind != kind_of(right) or kind not in (NUMBER, TEXT, BOOLEAN):
        return None
    return None if _is_nan(left) or _is_nan(right) else (left, right)


def _versions(left: object, right: object) -> tuple[object, object] | None:
    if not (isinstance(left, str) and isinstance(right, str)):
        return None
    return version.sort_key(left), version.sort_key(right)


def _is_version(reference: Reference) -> bool:
    return isinstance(reference, Package) or (
        isinstance(reference, EnvironmentValue) and reference.version
    )


def _holds(condition: OneOf | HasPrefix | Matches | IsNone | IsNan, value: object) -> bool:
    """Tell whether a value that is not missing meets a condition about one value."""
    if isinstance(condition, IsNone):
        return (value is None) is not condition.negated
    if isinstance(condition, IsNan):
        return kind_of(value) == NUMBER and _is_nan(value) is not condition.negated
    if isinstance(condition, OneOf):
        pairs = [_against(value, each) for each in condition.values]
        if pairs[0] is None:  # all values are of one type
            return False
        return any(pair is not None and pair[0] == pair[1] for pair in pairs) != condition.negated
    if not isinstance(value, str):
        return False
    if isinstance(condition, HasPrefix):
        return value.startswith(condition.prefix, condition.start) != condition.negated
    return matcher(condition.pattern)(value) != condition.negated


def _in_collection(condition: Membership | HasDigest | IsEmpty, subject: Subject) -> bool:
    collection, record = condition.collection, subject.record
    if isinstance(condition, HasDigest):
        files = record.inputs if collection.name == "inputs" else record.outputs
        return any(file.digest.startswith(condition.prefix) for file in files)
    if collection.name == "code":
        if isinstance(condition, IsEmpty):
            return record.code is None
        return subject.code_file(condition.text) is not None
    held = _collected(collection, subject)
    return not held if isinstance(condition, IsEmpty) else condition.text in held


def _collected(collection: Collection, subject: Subject) -> tuple[str, ...]:
    if collection.name == "tags":
        return tuple(subject.tags)
    files = subject.record.inputs if collection.name == "inputs" else subject.record.outputs
    return tuple(file.path for file in files)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
