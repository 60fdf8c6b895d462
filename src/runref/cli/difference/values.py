"""Two values side by side, so that a reader sees what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runref.cli.text import format_value
from runref.model.difference import same_value
from runref.model.values import NON_FINITE

_SHOWN = 100
"""Characters of a value that are shown."""
_BEFORE = 30
"""Characters that are kept before the first one that differs."""
_DIGEST = 19
"""Characters of a digest that are shown: ``sha256:`` and 12 digits."""


def shown(value: object) -> str:
    """Return one value on one line, cut where it is long."""
    return _cut(_short(value), 0)


def pair(left: object, right: object) -> tuple[str, str]:
    """Return two values that differ: with their types where these do, and digits enough."""
    texts = _short(left), _short(right)
    if texts[0] == texts[1]:
        texts = _exact(left), _exact(right)
    kinds = _kind(left), _kind(right)
    start = _first_difference(*texts)
    cut = _cut(texts[0], start), _cut(texts[1], start)
    if kinds[0] == kinds[1]:
        return cut
    quoted = [
        f'"{text}"' if kind == "text" else text for text, kind in zip(cut, kinds, strict=True)
    ]
    return f"{quoted[0]} ({kinds[0]})", f"{quoted[1]} ({kinds[1]})"


def texts_of(values: Mapping[int, object]) -> dict[int, str]:
    """Return the texts of several values, such that only equal ones look equal."""
    short = {at: _short(value) for at, value in values.items()}
    if _tells_apart(short, values):
        return {at: _cut(text, 0) for at, text in short.items()}
    exact = {at: _exact(value) for at, value in values.items()}
    if len({_kind(value) for value in values.values()}) > 1:
        exact = {at: f"{text} ({_kind(values[at])})" for at, text in exact.items()}
    start = min(_first_difference(exact[min(exact)], text) for text in exact.values())
    return {at: _cut(text, start) for at, text in exact.items()}


def _tells_apart(texts: Mapping[int, str], values: Mapping[int, object]) -> bool:
    known: dict[str, object] = {}
    return all(
        same_value(known.setdefault(_cut(text, 0), values[at]), values[at])
        for at, text in texts.items()
    )


def _short(value: object) -> str:
    text = format_value(value)
    return text[:_DIGEST] if text.startswith("sha256:") else text


def _exact(value: object) -> str:
    return repr(value) if isinstance(value, float) else format_value(_whole(value))


def _whole(value: Any) -> Any:
    """Return a nested value whose floats are text with all their digits."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _whole(each) for name, each in value.items()}
    return value


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)) or value in _NUMBERS:
        return "number"
    if isinstance(value, str):
        return "text"
    if value is None:
        return "none"
    return "mapping" if isinstance(value, Mapping) else "list"


_NUMBERS = tuple(NON_FINITE)
"""What the format writes for numbers that JSON lacks; text may say the same."""


def _first_difference(left: str, right: str) -> int:
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return at
    return min(len(left), len(right))


def _cut(text: str, start: int) -> str:
    if len(text) <= _SHOWN:
        return text
    begin = max(0, min(start - _BEFORE, len(text) - _SHOWN))
    end = begin + _SHOWN
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"


def change_of(left: object, right: object) -> str:
    """Return the step from one number to the other in brackets; empty where there is none."""
    numbers = (int, float)
    if isinstance(left, bool) or isinstance(right, bool):
        return ""
    if not isinstance(left, numbers) or not isinstance(right, numbers) or same_value(left, right):
        return ""
    try:
        step = float(right) - float(left)
    except OverflowError:
        return ""
    return f"  ({step:+.4g})" if step else ""
