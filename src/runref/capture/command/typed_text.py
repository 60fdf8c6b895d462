"""Text from a command line to a typed value.

The rules are YAML 1.2's core schema, less what loses information: a number comes out as a number
only where no other text is likely to be meant.
"""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"([-+]?)\.?(inf|nan)", re.IGNORECASE)
_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~"), None),
}
_DEEPEST = 20
"""Lists nested deeper than this stay text."""


def typed(text: str) -> object:
    """Return the value that `text` writes.

    ``true``/``false`` and ``null`` (in YAML's three spellings), integers, floats (``1e-4``,
    ``inf``, ``.nan``) and lists of these in brackets; text in one pair of quotes without them;
    everything else, ``yes``, ``None``, ``007`` and dates included, as it stands.
    """
    return _typed(text, _DEEPEST)


def is_number(text: str) -> bool:
    """Return whether `text` writes a number, as ``-3`` and ``-1e-4`` do but ``-x`` does not."""
    return type(typed(text)) in (int, float)


def _typed(text: str, depth: int) -> object:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if (number := _number(text)) is not None:
        return number
    if text[:1] == "[" and text[-1:] == "]" and len(text) > 1 and depth:
        return _list(text, depth)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # more digits than Python converts: an identifier, not a number
            return None
    if _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    found = _NON_FINITE.fullmatch(text)
    return float(found[1] + found[2]) if found else None


def _list(text: str, depth: int) -> object:
    inner = text[1:-1]
    if not inner.strip():
        return []
    parts = _split(inner)
    if parts is None or any(not part for part in parts):
        return text
    return [_typed(part, depth - 1) for part in parts]


def _split(inner: str) -> list[str] | None:
    """Split at the commas that stand outside quotes and brackets; None where these do not match."""
    parts, start, level, quote = [], 0, 0, ""
    for at, letter in enumerate(inner):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[({":
            level += 1
        elif letter in "])}":
            level -= 1
            if level < 0:
                return None
        elif letter == "," and not level:
            parts.append(inner[start:at].strip())
            start = at + 1
    if quote or level:
        return None
    return [*parts, inner[start:].strip()]
