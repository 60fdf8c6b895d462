"""The paths at which two JSON documents differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from runref.model.difference import ADDED, CHANGED, REMOVED, Change, same_value
from runref.model.line_difference import differing_blocks

_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_SHOWN = 200
"""Characters of a value that is shown with a path."""


class NotJson(ValueError):
    """A content is no JSON; the message says why, for people."""


def json_changes(left: bytes, right: bytes) -> Iterator[Change]:
    """Return the differences of two documents, a path each: ``a.b[3]["x.y"]``.

    Lists of one length are compared by place. Of others, elements that both have are matched first.
    Integers keep all their digits; NaN and infinities, which many programs write, are read.

    Raises:
        NotJson: one of them is none, or is nested too deeply.
    """
    return _changes(_parse(left), _parse(right))


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except RecursionError as error:
        raise NotJson("nested too deeply to be read as JSON") from error
    except ValueError as error:
        raise NotJson("no JSON on both sides") from error


def _changes(left: Any, right: Any) -> Iterator[Change]:
    todo = [("", left, right)]
    while todo:
        path, a, b = todo.pop()
        if isinstance(a, dict) and isinstance(b, dict):
            inner: list[Any] = []
            for name in sorted(a.keys() | b.keys()):
                place = _member(path, name)
                if name not in b:
                    yield Change(place, REMOVED, left=_shown(a[name]))
                elif name not in a:
                    yield Change(place, ADDED, right=_shown(b[name]))
                else:
                    inner.append((place, a[name], b[name]))
            todo += reversed(inner)
        elif isinstance(a, list) and isinstance(b, list):
            inner = []
            for name, was, now in _elements(a, b):
                if was is _NOTHING:
                    yield Change(f"{path}[{name}]", ADDED, right=_shown(now))
                elif now is _NOTHING:
                    yield Change(f"{path}[{name}]", REMOVED, left=_shown(was))
                else:
                    inner.append((f"{path}[{name}]", was, now))
            todo += reversed(inner)
        elif not same_value(a, b):
            yield Change(path or "the whole", CHANGED, _shown(a), _shown(b))


_NOTHING = object()


def _elements(left: list[Any], right: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    if len(left) == len(right):
        yield from zip(range(len(left)), left, right, strict=True)
        return
    a, b = ([json.dumps(each, sort_keys=True) for each in side] for side in (left, right))
    for block in differing_blocks(a, b):
        both = min(block.left_end - block.left_start, block.right_end - block.right_start)
        for at in range(both):
            yield block.left_start + at, left[block.left_start + at], right[block.right_start + at]
        for at in range(block.left_start + both, block.left_end):
            yield at, left[at], _NOTHING
        for at in range(block.right_start + both, block.right_end):
            yield at, _NOTHING, right[at]


def _member(path: str, name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f"{path}.{name}" if path else name
    return f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def _shown(value: Any) -> Any:
    """Return a scalar as it is, and anything else as text that is not too long."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
