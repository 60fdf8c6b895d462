"""From a syntax tree back to a text that is parsed as the same tree."""

from __future__ import annotations

from runref.query.syntax import (
    Ago,
    And,
    Comparison,
    Everything,
    In,
    Missing,
    Name,
    Node,
    Not,
    Number,
    Operand,
    Or,
    Text,
)


def print_query(node: Node) -> str:
    """Return a query whose syntax tree is `node`."""
    if isinstance(node, (And, Or)):
        word = " and " if isinstance(node, And) else " or "
        return word.join(_inner(each, (And, Or)) for each in node.operands)
    if isinstance(node, Not):
        return f"not {_inner(node.operand, (And, Or))}"
    if isinstance(node, Comparison):
        first, *rest = map(print_operand, node.operands)
        pairs = zip(node.operators, rest, strict=True)
        return " ".join([first, *(f"{operator} {operand}" for operator, operand in pairs)])
    if isinstance(node, In):
        word = "not in" if node.negated else "in"
        return f"{print_operand(node.left)} {word} {_container(node.right)}"
    if isinstance(node, Missing):
        return f"{print_operand(node.name)} is {'not ' if node.negated else ''}missing"
    return "" if isinstance(node, Everything) else print_operand(node)


def print_operand(operand: Operand) -> str:
    """Return a name or a value as it is written in a query."""
    if isinstance(operand, Name):
        first, *rest = operand.parts
        return first.text + "".join(
            f"[{quoted(part.text)}]" if part.quoted else f".{part.text}" for part in rest
        )
    if isinstance(operand, Text):
        return quoted(operand.value)
    if isinstance(operand, Number):
        return f"{operand.text} {operand.unit}" if operand.unit else operand.text
    if isinstance(operand, Ago):
        return f"{operand.duration.text} ago"
    return operand.text


def quoted(text: str) -> str:
    """Return a text in quotes, as it is written in a query."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _container(right: Name | tuple[object, ...]) -> str:
    if isinstance(right, Name):
        return print_operand(right)
    return f"({', '.join(map(print_operand, right))})"  # type: ignore[arg-type]


def _inner(node: Node, joined: tuple[type, ...]) -> str:
    text = print_query(node)
    return f"({text})" if isinstance(node, joined) else text
