"""From the text of a query to its syntax tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from runref.query.errors import QueryInvalid, shown
from runref.query.syntax import (
    Ago,
    And,
    Comparison,
    Duration,
    Everything,
    In,
    Literal,
    Missing,
    Name,
    Node,
    Not,
    Number,
    Operand,
    Or,
    Part,
    Span,
    Text,
    Word,
)
from runref.query.tokens import DURATION, SIZES, Token, tokens

NESTING = 50
"""Levels of parentheses and of ``not``, those of stored queries included."""
TERMS = 10_000
"""Comparisons and values of lists, those of stored queries included."""

_COMPARE = frozenset({"==", "!=", "<", "<=", ">", ">=", "~", "!~"})


def parse(text: str) -> Node:
    """Return the syntax tree of a query; the empty query asks for everything.

    Raises:
        QueryInvalid: `text` is no query; the message shows where.
    """
    return _Parser(text).query()


def parse_name(text: str) -> Name:
    """Return the name that `text` is, as a key to sort by.

    Raises:
        QueryInvalid: `text` is no single name.
    """
    names = parse_names(text)
    if len(names) > 1:
        raise QueryInvalid("one name is wanted here", names[1].span)
    return names[0]


def parse_names(text: str) -> tuple[Name, ...]:
    """Return the names that `text` lists with commas between them.

    Raises:
        QueryInvalid: `text` is no list of names.
    """
    return _Parser(text).names()


def split_names(text: str) -> list[str]:
    """Return the names that `text` lists with commas between them, each as it is written.

    Raises:
        QueryInvalid: `text` is no list of names.
    """
    return [text[name.span.start : name.span.end] for name in parse_names(text)]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._terms = 0

    def query(self) -> Node:
        if self._ended():
            return Everything(self._next.span)
        node = self._or()
        if not self._ended():
            self._unexpected("`and`, `or` or the end")
        return node

    def names(self) -> tuple[Name, ...]:
        names = [self._name()]
        while self._skip("sign", ","):
            names.append(self._name())
        if not self._ended():
            self._unexpected("a comma or the end")
        return tuple(names)

    def _or(self) -> Node:
        return self._joined("or", self._and, Or)

    def _and(self) -> Node:
        return self._joined("and", self._not, And)

    def _joined(self, word: str, operand: Callable[[], Node], kind: type[And] | type[Or]) -> Node:
        operands = [operand()]
        while self._skip("keyword", word):
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return kind(tuple(operands), operands[0].span.to(operands[-1].span))

    def _not(self) -> Node:
        word = self._next
        if not self._skip("keyword", "not"):
            return self._primary()
        self._deeper(word)
        operand = self._not()
        self._depth -= 1
        return Not(operand, word.span.to(operand.span))

    def _primary(self) -> Node:
        bracket = self._next
        if not self._skip("sign", "("):
            return self._condition()
        self._deeper(bracket)
        node = self._or()
        if not self._skip("sign", ")"):
            if self._next.kind == "end":
                raise QueryInvalid("this parenthesis is never closed", bracket.span)
            self._unexpected("`and`, `or` or `)`")
        self._depth -= 1
        return node

    def _condition(self) -> Node:
        left = self._operand("a condition")
        if self._next.kind == "sign" and self._next.text in _COMPARE:
            return self._comparison(left)
        if self._skip("keyword", "in"):
            return self._in(left, negated=False)
        if self._next.kind == "keyword" and self._next.text == "not":
            self._advance()
            if not self._skip("keyword", "in"):
                self._unexpected("`in` after `not`")
            return self._in(left, negated=True)
        if self._skip("keyword", "is"):
            return self._is(left)
        if isinstance(left, Name):
            self._count(left.span)
            return left
        raise QueryInvalid("a value alone is no condition: compare it with a name", left.span)

    def _comparison(self, left: Operand) -> Comparison:
        operands, operators = [left], []
        while self._next.kind == "sign" and self._next.text in _COMPARE:
            operators.append(self._advance().text)
            operands.append(self._operand("a value or a name"))
            self._count(operands[-1].span)
        span = left.span.to(operands[-1].span)
        return Comparison(tuple(operands), tuple(operators), span)

    def _in(self, left: Operand, *, negated: bool) -> In:
        self._count(left.span)
        opening = self._next
        if opening.kind == "sign" and opening.text in ("(", "["):
            self._advance()
            values = self._list(opening, {"(": ")", "[": "]"}[opening.text])
            end = self._tokens[self._at - 1].span
            return In(left, values, negated, left.span.to(end))
        if opening.kind != "word":
            self._unexpected('a list such as `("a", "b")`, or one of `tags inputs outputs code`')
        name = self._name()
        return In(left, name, negated, left.span.to(name.span))

    def _list(self, opening: Token, closing: str) -> tuple[Literal, ...]:
        values: list[Literal] = []
        while not self._skip("sign", closing):
            value = self._operand("a value")
            if isinstance(value, Name):
                raise QueryInvalid(
                    f"a list holds values, and this is a name: text needs quotes, "
                    f"{shown(_written(value))}",
                    value.span,
                )
            self._count(value.span)
            values.append(value)
            if self._ended():
                raise QueryInvalid("this list is never closed", opening.span)
            if not self._skip("sign", ",") and not self._is_sign(closing):
                self._unexpected(f"a comma or `{closing}`")
        if not values:
            raise QueryInvalid("an empty list: nothing is in it", opening.span)
        return tuple(values)

    def _is(self, left: Operand) -> Missing:
        self._count(left.span)
        negated = self._skip("keyword", "not")
        word = self._next
        if word.text != "missing" or word.kind != "word":
            advice = "`missing` is what may follow `is`; write `==` to compare"
            raise QueryInvalid(advice, word.span)
        self._advance()
        if not isinstance(left, Name):
            raise QueryInvalid("only what has a name can be missing", left.span)
        return Missing(left, negated, left.span.to(word.span))

    def _operand(self, wanted: str) -> Operand:
        token = self._next
        if token.kind == "word":
            return self._name()
        if token.kind == "text":
            return Text(self._advance().text, token.span)
        if token.kind == "number":
            return self._number()
        if token.kind == "duration":
            return self._duration(Duration(self._advance().text, token.span))
        if token.kind == "value":
            return Word(self._advance().text, token.span)
        return self._unexpected(wanted)

    def _number(self) -> Number | Duration | Ago:
        token, unit = self._advance(), self._next
        if unit.kind == "word" and unit.text in SIZES:
            self._advance()
            return Number(token.text, unit.text, token.span.to(unit.span))
        together = token.text + unit.text
        if unit.kind == "word" and DURATION.fullmatch(together):
            self._advance()
            return self._duration(Duration(together, token.span.to(unit.span)))
        return Number(token.text, "", token.span)

    def _duration(self, duration: Duration) -> Duration | Ago:
        word = self._next
        if self._skip("word", "ago"):
            return Ago(duration, duration.span.to(word.span))
        return duration

    def _name(self) -> Name:
        first = self._next
        if first.kind != "word":
            self._unexpected("a name")
        self._advance()
        parts = [Part(each) for each in first.text.split(".")]
        last = first.span
        while self._is_sign("["):
            self._advance()
            key = self._next
            if key.kind != "text":
                self._unexpected('a name in quotes, as in `metrics["val/acc"]`')
            parts.append(Part(self._advance().text, quoted=True))
            last = self._next.span
            if not self._skip("sign", "]"):
                self._unexpected("`]`")
            tail = self._next
            if tail.span.start == last.end and tail.text.startswith(".") and tail.kind != "text":
                self._advance()
                parts += [Part(each) for each in tail.text[1:].split(".")]
                last = tail.span
        return Name(tuple(parts), first.span.to(last))

    def _ended(self) -> bool:
        return self._next.kind == "end"

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _advance(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _is_sign(self, text: str) -> bool:
        return self._next.kind == "sign" and self._next.text == text

    def _skip(self, kind: str, text: str) -> bool:
        found = self._next.kind == kind and self._next.text == text
        self._at += found
        return found

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > NESTING:
            raise QueryInvalid(f"nested more than {NESTING} levels deep", token.span)

    def _count(self, span: Span) -> None:
        self._terms += 1
        if self._terms > TERMS:
            raise QueryInvalid(f"more than {TERMS} comparisons and values", span)

    def _unexpected(self, wanted: str) -> NoReturn:
        token = self._next
        if token.kind == "end":
            found = "the query ends"
        elif self._is_sign(")"):
            found = "this `)` closes nothing" if not self._depth else "found `)`"
        else:
            written = token.span.source[token.span.start : token.span.end]
            found = f"found {shown(written, 30)}" if token.kind != "text" else "found a text"
        raise QueryInvalid(f"{found}, where {wanted} is expected", token.span)


def _written(name: Name) -> str:
    return name.span.source[name.span.start : name.span.end]
