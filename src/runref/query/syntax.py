"""The syntax tree of a query: what was written, before any name is known.

Equality ignores where something stood, so that a tree equals that of its printed form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands: characters ``start`` to ``end`` (exclusive) of ``source``."""

    start: int
    end: int
    source: str = field(repr=False)

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of `other`."""
        return Span(self.start, other.end, self.source)


NOWHERE = Span(0, 0, "")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a name: between dots, or quoted between brackets."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A name: ``val/acc.max`` has two parts, ``metrics["val/acc"].max`` three."""

    parts: tuple[Part, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text."""

    value: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: ``3``, ``1e-2``, ``nan``, ``-inf``.

    Attributes:
        text: The number without its unit.
        unit: ``GiB``, ``KB``, ``B`` and their like for sizes in bytes; empty for a plain number.
    """

    text: str
    unit: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration as it was written, without spaces: ``1h30m``."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ago:
    """A moment before now: ``7d ago``."""

    duration: Duration
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that stands for a value: ``true false none today yesterday now``."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Literal: TypeAlias = Text | Number | Duration | Ago | Word
Operand: TypeAlias = Name | Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two or more operands with an operator between each two: ``0.1 < lr < 1``.

    Attributes:
        operands: One more than there are operators.
        operators: Each of ``== != < <= > >= ~ !~``.
    """

    operands: tuple[Operand, ...]
    operators: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class In:
    """``"baseline" in tags`` or ``lr not in (0.1, 0.01)``.

    Attributes:
        left: What is looked for.
        right: A collection's name, or the values of a list.
        negated: Whether ``not`` stands before ``in``.
    """

    left: Operand
    right: Name | tuple[Literal, ...]
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """``lr is missing``, or ``lr is not missing``."""

    name: Name
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``not`` before a condition."""

    operand: Node
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """Two or more conditions with ``and`` between them."""

    operands: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more conditions with ``or`` between them."""

    operands: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty query."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


Node: TypeAlias = Comparison | In | Missing | Not | And | Or | Name | Everything
"""A condition. A name alone is one where it names a stored query."""
