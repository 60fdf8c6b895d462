"""What can be wrong with a query, told with the place where it is."""

from __future__ import annotations

import unicodedata

from runref.errors import ExitStatus, RunrefError
from runref.query.syntax import Span

_SHOWN = 72
"""Characters of a query that an error shows."""


class QueryInvalid(RunrefError):
    """A query cannot be read, or asks for what cannot be.

    Attributes:
        problem: What is wrong, in one line.
        source: The query, or the stored query that it refers to.
        column: Where in it, counted from 1.
        span: The same with its end.
    """

    code = "query-invalid"
    exit_status = ExitStatus.USAGE

    def __init__(self, problem: str, span: Span, *, hint: str = "") -> None:
        super().__init__(f"{problem}\n{_pointed(span)}" if span.source else problem, hint=hint)
        self.problem = problem
        self.source = span.source
        self.column = span.start + 1
        self.span = span


class UnknownName(QueryInvalid):
    """No run has what a name names."""

    code = "unknown-name"


class AmbiguousName(QueryInvalid):
    """A bare name names several things."""

    code = "ambiguous-name"


class QueryTypeMismatch(QueryInvalid):
    """A name is compared with a value of a type that it never has."""

    code = "query-type-mismatch"


def shown(text: str, limit: int = 60) -> str:
    """Return a text in quotes, shortened, as error messages name it."""
    text = "".join(map(_printable, text))
    return f'"{text[:limit]}…"' if len(text) > limit else f'"{text}"'


def _pointed(span: Span) -> str:
    """Return the part of the query around a span, and a line that points at it."""
    start = max(0, min(span.start - _SHOWN // 2, len(span.source) - _SHOWN))
    end = start + _SHOWN
    before = "…" if start else ""
    after = "…" if end < len(span.source) else ""
    window = [_printable(each) for each in span.source[start:end]]
    blank = sum(map(_width, [before, *window[: span.start - start]]))
    marked = sum(map(_width, window[span.start - start : span.end - start]))
    return f"  {before}{''.join(window)}{after}\n  {' ' * blank}{'^' * max(1, marked)}"


def _printable(character: str) -> str:
    return character if character.isprintable() else "·"


def _width(character: str) -> int:
    """Return how many cells of a terminal a character takes."""
    if not character or unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
