"""A resolved query: every name known, every value of the type that it is compared with.

Two-valued: a run meets a condition or not. A comparison with something that the run does not have
is false whatever the operator, `Not` is plain negation, and NaN meets no comparison but `IsNan`.
Types never mix: where a run holds text under a name that is compared with a number, it is false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneWordOf
from typing import TypeAlias

from runref.query.reference import Collection, Reference

Operator: TypeAlias = OneWordOf["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number that is not NaN: integers are exact, of up to 1023 bits. Also seconds and bytes."""

    value: int | float


@dataclass(frozen=True, slots=True)
class TextValue:
    """A text, compared by code point."""

    value: str


@dataclass(frozen=True, slots=True)
class BooleanValue:
    """True or false; compared by ``==`` and ``!=`` only."""

    value: bool


@dataclass(frozen=True, slots=True)
class TimeValue:
    """A time as the format writes it, whose text sorts as the time does."""

    value: str


@dataclass(frozen=True, slots=True)
class VersionValue:
    """A version as its sort key: `runref.query.version.sort_key`, compared by code point."""

    key: str


Value: TypeAlias = NumberValue | TextValue | BooleanValue | TimeValue | VersionValue


@dataclass(frozen=True, slots=True)
class Compare:
    """A reference against a value, or against another reference.

    Attributes:
        op: The operator.
        left: What the run holds.
        right: What it is compared with. Two references compare as numbers, texts or booleans where
            both hold the same; packages and versions of the environment by their sort keys.
    """

    op: Operator
    left: Reference
    right: Value | Reference


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether a reference equals one of some values, which are all numbers, texts or booleans.

    Attributes:
        reference: What the run holds.
        values: All of one type.
        negated: True where it holds a value of that type, not NaN, that equals none of them.
    """

    reference: Reference
    values: tuple[NumberValue, ...] | tuple[TextValue, ...] | tuple[BooleanValue, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class HasPrefix:
    """Whether an id, digest or object id begins with some lower-case digits.

    Attributes:
        reference: A field, or a file of the snapshot.
        prefix: What it begins with; for digests with ``sha256:``.
        negated: True where it is present and does not begin so.
        start: Characters to pass over first.
    """

    reference: Reference
    prefix: str
    negated: bool = False
    start: int = 0


@dataclass(frozen=True, slots=True)
class Matches:
    """Whether a regular expression is found in a text (`runref.query.pattern`).

    Attributes:
        reference: What the run holds.
        pattern: A pattern that `matcher` accepts.
        negated: True where it is a text and the pattern is not found.
    """

    reference: Reference
    pattern: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsMissing:
    """Whether the run does not have it. A field of empty text is missing, such a parameter not."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class IsNone:
    """Whether the value is none; negated: whether there is one that is not none."""

    reference: Reference
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNan:
    """Whether the value is NaN; negated: whether it is a number that is not NaN."""

    reference: Reference
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a collection holds a tag, or the path of an input, output or file of the code."""

    text: str
    collection: Collection


@dataclass(frozen=True, slots=True)
class HasDigest:
    """Whether an input or output has a digest that begins with `prefix` (``sha256:9f86``)."""

    prefix: str
    collection: Collection


@dataclass(frozen=True, slots=True)
class IsEmpty:
    """Whether a collection holds nothing; of the code: whether there is no snapshot."""

    collection: Collection


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of them; at most as many as a query has terms."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Always:
    """The same for every run: what the empty query resolves to."""

    value: bool = True


Condition: TypeAlias = (
    Compare
    | OneOf
    | HasPrefix
    | Matches
    | IsMissing
    | IsNone
    | IsNan
    | Membership
    | HasDigest
    | IsEmpty
    | Not
    | And
    | Or
    | Always
)
