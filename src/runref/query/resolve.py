"""From a syntax tree to a condition: names looked up, types checked, stored queries put in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NoReturn, cast

from runref.query import syntax
from runref.query.catalogue import Catalogue
from runref.query.comparing import Side, described, matching, one_of, with_literal, with_name
from runref.query.condition import (
    Always,
    And,
    Condition,
    HasDigest,
    IsEmpty,
    IsMissing,
    Membership,
    Not,
    Operator,
    Or,
)
from runref.query.errors import QueryInvalid, QueryTypeMismatch, UnknownName, shown
from runref.query.literals import prefix_of
from runref.query.names import Names, Target
from runref.query.parse import NESTING, TERMS, parse
from runref.query.printing import print_operand, quoted
from runref.query.reference import Collection
from runref.query.suggest import listed, nearest

_FLIPPED: Mapping[str, Operator] = {
    "==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=",
}  # fmt: skip
_DEPTH = 3 * NESTING
"""Levels of the condition: those of the text, with one of `and` and of `or` inside each."""


def resolve(
    node: syntax.Node,
    catalogue: Catalogue,
    *,
    now: datetime,
    queries: Mapping[str, str] = MappingProxyType({}),
) -> Condition:
    """Return what a query asks for, with every name known and every type checked.

    Args:
        node: The query.
        catalogue: The names that runs have.
        now: What ``now``, ``today`` and ``7d ago`` refer to; times without a zone are in its zone.
        queries: Stored queries by name.

    Raises:
        UnknownName: no run has something that the query names.
        QueryTypeMismatch: a name is compared with what it never is.
        QueryInvalid: anything else is wrong.
    """
    if now.tzinfo is None:
        raise ValueError("`now` needs a time zone")
    return _Resolver(Names(catalogue), now, queries).condition(node)


def resolve_name(name: syntax.Name, catalogue: Catalogue) -> Target:
    """Return what a name refers to: something that a run has one of, or a collection.

    Raises:
        UnknownName: no run has it.
        AmbiguousName: several things have that name.
    """
    return Names(catalogue).target(name)


class _Resolver:
    def __init__(self, names: Names, now: datetime, queries: Mapping[str, str]) -> None:
        self._names = names
        self._now = now
        self._queries = queries
        self._open: list[str] = []  # stored queries that are being put in
        self._depth = 0
        self._terms = 0

    def condition(self, node: syntax.Node) -> Condition:
        self._depth += 1
        if self._depth > _DEPTH:
            raise QueryInvalid(f"nested more than {_DEPTH} levels deep", node.span)
        found = self._condition(node)
        self._depth -= 1
        return found

    def _condition(self, node: syntax.Node) -> Condition:
        if isinstance(node, syntax.And):
            return And(tuple(map(self.condition, node.operands)))
        if isinstance(node, syntax.Or):
            return Or(tuple(map(self.condition, node.operands)))
        if isinstance(node, syntax.Not):
            return Not(self.condition(node.operand))
        if isinstance(node, syntax.Everything):
            return Always()
        if isinstance(node, syntax.Name):
            return self._stored(node)
        if isinstance(node, syntax.Missing):
            self._count(node, 1)
            return self._missing(node)
        if isinstance(node, syntax.In):
            self._count(node, len(node.right) if isinstance(node.right, tuple) else 1)
            return self._in(node)
        self._count(node, len(node.operators))
        return self._comparison(node)

    def _comparison(self, node: syntax.Comparison) -> Condition:
        if len(node.operators) > 1 and any("~" in each for each in node.operators):
            raise QueryInvalid("`~` stands between one name and one pattern", node.span)
        pairs = zip(node.operands, node.operators, node.operands[1:], strict=False)
        found = tuple(self._pair(left, op, right) for left, op, right in pairs)
        return found[0] if len(found) == 1 else And(found)

    def _pair(self, left: syntax.Operand, op: str, right: syntax.Operand) -> Condition:
        if "~" in op:
            if not isinstance(left, syntax.Name) or isinstance(right, syntax.Name):
                raise QueryInvalid(
                    '`~` stands between a name and a pattern: name ~ "^sweep-"',
                    left.span.to(right.span),
                )
            return matching(self._side(left, op), right, negated=op == "!~")
        operator = cast("Operator", op)
        if isinstance(left, syntax.Name):
            if isinstance(right, syntax.Name):
                return with_name(self._side(left, op), operator, self._right(right, op))
            return with_literal(self._side(left, op), operator, right, self._now)
        if isinstance(right, syntax.Name):
            return with_literal(self._side(right, op), _FLIPPED[op], left, self._now)
        raise QueryInvalid(
            "two values, and no name to look up",
            left.span.to(right.span),
            hint='Names have no quotes, or stand in brackets: metrics["val/acc"] > 0.9',
        )

    def _side(self, name: syntax.Name, written: str) -> Side:
        if _is_stored(name):
            raise QueryInvalid(
                f"{print_operand(name)} is a stored query: it stands alone", name.span
            )
        target = self._names.target(name)
        if isinstance(target, Collection):
            raise QueryTypeMismatch(
                f"{target.name} is a collection: `{written}` does not work on it",
                name.span,
                hint=f'Write `"…" in {target.name}`.',
            )
        return Side(name, target, self._names.kinds(target))

    def _right(self, name: syntax.Name, written: str) -> Side:
        try:
            return self._side(name, written)
        except UnknownName as error:
            word = name.parts[0].text
            if len(name.parts) == 1 and not error.hint.startswith("Write"):
                error.hint = f"Text has quotes: {quoted(word)}. {error.hint}".rstrip()
            raise

    def _in(self, node: syntax.In) -> Condition:
        if isinstance(node.right, tuple):
            if not isinstance(node.left, syntax.Name):
                raise QueryInvalid("a name is wanted before `in` and a list", node.left.span)
            side = self._side(node.left, "in")
            return one_of(side, node.right, self._now, negated=node.negated)
        target = self._names.target(node.right)
        if not isinstance(target, Collection):
            kinds = described(self._names.kinds(target))
            raise QueryTypeMismatch(
                f"{print_operand(node.right)} is {kinds}: nothing is in it",
                node.right.span,
                hint="`in` is for tags, inputs, outputs, code and lists; `~` looks into text.",
            )
        found = self._member(node.left, target)
        return Not(found) if node.negated else found

    def _member(self, left: syntax.Operand, collection: Collection) -> Condition:
        if not isinstance(left, syntax.Text):
            raise QueryTypeMismatch(
                f"what is looked for in {collection.name} is text, in quotes", left.span
            )
        if collection.name in ("inputs", "outputs") and left.value.startswith("sha256:"):
            return HasDigest(prefix_of(left, digest=True), collection)
        return Membership(left.value, collection)

    def _missing(self, node: syntax.Missing) -> Condition:
        if _is_stored(node.name):
            raise QueryInvalid("a stored query cannot be missing", node.name.span)
        target = self._names.target(node.name)
        found: Condition = IsEmpty(target) if isinstance(target, Collection) else IsMissing(target)
        return Not(found) if node.negated else found

    def _stored(self, node: syntax.Name) -> Condition:
        if not _is_stored(node):
            self._not_stored(node)
        name = ".".join(part.text for part in node.parts[1:])
        if name not in self._queries:
            meant = nearest(name, self._queries)
            raise UnknownName(
                f"unknown query {shown(name)}"
                + (f": did you mean {shown(meant)}?" if meant else ""),
                node.span,
                hint=f"Stored are: {listed(sorted(self._queries)) or 'none'}.",
            )
        if name in self._open:
            raise QueryInvalid(f"the stored query {shown(name)} refers to itself", node.span)
        self._count(node, 1)
        self._open.append(name)
        try:
            found = self.condition(parse(self._queries[name]))
        except QueryInvalid as error:
            told = f"in queries.{name[:60]}: {error.problem}"
            raise type(error)(told, error.span, hint=error.hint) from error
        self._open.pop()
        return found

    def _not_stored(self, node: syntax.Name) -> NoReturn:
        target = self._names.target(node)
        written = print_operand(node)
        if isinstance(target, Collection):
            example = f'"…" in {written}'
        elif "boolean" in self._names.kinds(target):
            example = f"{written} == true"
        else:
            example = f"{written} is not missing"
        raise QueryInvalid(
            f"{shown(written)} alone is no condition: compare it with a value", node.span,
            hint=f"As in `{example}`.",
        )  # fmt: skip

    def _count(self, node: syntax.Node, terms: int) -> None:
        self._terms += terms
        if self._terms > TERMS:
            raise QueryInvalid(f"more than {TERMS} comparisons and values", node.span)


def _is_stored(name: syntax.Name) -> bool:
    return len(name.parts) > 1 and name.parts[0].text == "queries"
