"""From the text of a query to its tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

from runref.query.errors import QueryInvalid, shown
from runref.query.syntax import Span

LONGEST = 65_536
"""Characters of a query."""

Kind: TypeAlias = Literal["word", "keyword", "value", "number", "duration", "text", "sign", "end"]

KEYWORDS = frozenset({"and", "or", "not", "in", "is"})
VALUES = frozenset({"true", "false", "none", "today", "yesterday", "now"})
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[wdhms]))+")

SIZES = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
    "kB": 1000,
}
"""Bytes of each unit."""

_SPACE = re.compile(r"\s+")
_SIGN = re.compile(r"==|!=|<=|>=|!~|[<>=~()\[\],]")
_WORD = re.compile(r"""[^\s\x00-\x1f\x7f"'()\[\],<>=!~&|“”„]+""")
_TEXT = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)\'""", re.DOTALL)
_ESCAPE = re.compile(r"""\\([\\"'])""")
_NON_FINITE = frozenset({"nan", "inf", "-inf", "+inf"})
_RESERVED = KEYWORDS | VALUES | _NON_FINITE
_ADVICE = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "<>": "write `!=`",
    "=~": "write `~`",
    "===": "write `==`",
    "=<": "write `<=`",
    "=>": "write `>=`",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: ``word`` is (a part of) a name; ``value`` a word that stands for a value.
        text: As written; of a ``text`` what it says; ``=`` is ``==``.
        span: Where it stands.
    """

    kind: Kind
    text: str
    span: Span


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of a query, and an ``end``.

    Raises:
        QueryInvalid: it is too long, or holds what is no token; names the column.
    """
    if len(source) > LONGEST:
        raise QueryInvalid(
            f"the query has {len(source)} characters; at most {LONGEST} fit", Span(0, 0, "")
        )
    at = 0
    while at < len(source):
        if space := _SPACE.match(source, at):
            at = space.end()
            continue
        token = _token(source, at)
        yield token
        at = token.span.end
    yield Token("end", "", Span(at, at, source))


def _token(source: str, at: int) -> Token:
    if match := _WORD.match(source, at):
        lower = match[0].lower()
        if lower in _RESERVED and match[0] not in _RESERVED:
            span = Span(at, match.end(), source)
            raise QueryInvalid(
                f"{shown(match[0])} is no word of the language: did you mean `{lower}`?",
                span,
                hint='A name that is written so needs quotes: `params["AND"]`.',
            )
        return Token(_kind(match[0]), match[0], Span(at, match.end(), source))
    _refuse_foreign(source, at)
    if match := _SIGN.match(source, at):
        text = "==" if match[0] == "=" else match[0]
        return Token("sign", text, Span(at, match.end(), source))
    if source[at] in "\"'":
        return _text(source, at)
    raise QueryInvalid(f"{shown(source[at])} means nothing here", Span(at, at + 1, source))


def _kind(word: str) -> Kind:
    if word in KEYWORDS:
        return "keyword"
    if word in VALUES:
        return "value"
    if word in _NON_FINITE or NUMBER.fullmatch(word):
        return "number"
    return "duration" if DURATION.fullmatch(word) else "word"


def _text(source: str, at: int) -> Token:
    match = _TEXT.match(source, at)
    if match is None:
        raise QueryInvalid("this text has no end: a quote is missing", Span(at, at + 1, source))
    inner = match[1] if match[1] is not None else match[2]
    return Token("text", _ESCAPE.sub(r"\1", inner), Span(at, match.end(), source))


def _refuse_foreign(source: str, at: int) -> None:
    for sign in ("===", "<>", "=~", "=<", "=>"):
        if source.startswith(sign, at):
            _foreign(source, at, sign, _ADVICE[sign])
    if source[at] in "&|":
        sign = source[at] * 2 if source.startswith(source[at] * 2, at) else source[at]
        _foreign(source, at, sign, _ADVICE[source[at]])
    if source[at] == "!" and not source.startswith(("!=", "!~"), at):
        _foreign(source, at, "!", _ADVICE["!"])
    if source[at] in "“”„":
        _foreign(source, at, source[at], 'write straight quotes: "…"')


def _foreign(source: str, at: int, sign: str, advice: str) -> NoReturn:
    raise QueryInvalid(
        f"`{sign}` is not in the language: {advice}", Span(at, at + len(sign), source)
    )


def is_word(text: str) -> bool:
    """Tell whether `text` can stand in a name without quotes, after a dot."""
    return _WORD.fullmatch(text) is not None
