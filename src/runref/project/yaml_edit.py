"""Changing one value of a YAML text and leaving the rest as its author wrote it.

The text is composed into nodes that know where they stand; what is new is put between the lines, or
into the braces, that are there. YAML has more ways to write a mapping than are dealt with here:
whoever uses this reads the result again and compares it with what was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from runref.model.codec import dump_yaml

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_COLON = re.compile(r"\s*:")
_COMMA = re.compile(r"\s*,")
_INDENT = 2


class UnclearText(ValueError):
    """A YAML text is written in a way that cannot be changed piece by piece."""


def with_value(text: str, path: Sequence[str], value: object) -> str:
    """Return `text` with `value` under the keys of `path`, replacing what is there.

    Raises:
        UnclearText: it is not clear where it belongs.
        yaml.YAMLError: the text is no YAML.
    """
    holders = [_compose(text)]
    for key in path[:-1]:
        if pair := _pair(holders[-1], key):
            holders.append(pair[1])
    depth = len(holders) - 1
    key, holder = path[depth], holders[-1]
    for above in reversed(path[depth + 1 :]):
        value = {above: value}
    pair = _pair(holder, key)
    if pair and _is_mapping(pair[1]) and not holder.flow_style:
        start, end = _lines_of(text, pair)
        return _with_lines(text[:start] + text[end:], start, pair[0].start_mark.column, key, value)
    if pair:
        rendered = _flow(value) if holder.flow_style else _scalar(value)
        return text[: pair[1].start_mark.index] + rendered + text[_end_of(pair[1]) :]
    if holder is None:  # nothing but comments
        return _with_lines(text, len(text), 0, key, value)
    if not _is_mapping(holder):
        raise UnclearText(f"line {holder.start_mark.line + 1} holds no mapping")
    if holder.flow_style:
        return _with_pair(text, holders, key, value)
    column = holder.value[0][0].start_mark.column
    return _with_lines(text, _below(text, _end_of(holder), column - 1), column, key, value)


def without_value(text: str, path: Sequence[str]) -> str:
    """Return `text` without the last key of `path`, and without a group that it was alone in.

    Comments below the key that are indented deeper belong to it. Where a group has comments of its
    own, it stays, with nothing in it.

    Raises:
        UnclearText: it is not clear what belongs to it, or it is not there.
        yaml.YAMLError: the text is no YAML.
    """
    holder, pairs = _compose(text), []
    for key in path:
        pair = _pair(holder, key)
        if pair is None:
            raise UnclearText(f"there is no {'.'.join(path)}")
        pairs.append((holder, pair))
        holder = pair[1]
    holder, pair = pairs[-1]
    if holder.flow_style:
        start, end = _place_in_braces(text, holder, pair)
        return text[:start] + text[end:]
    start, end = _lines_of(text, pair)
    if len(holder.value) > 1 or len(pairs) == 1:
        return text[:start] + text[end:]
    return _without_group(text, pairs[-2][1][0], start, end)


def _compose(text: str) -> Any:
    import yaml

    # The loader in Python, as that in C counts bytes in its marks.
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _is_mapping(node: Any) -> bool:
    import yaml

    return isinstance(node, yaml.MappingNode)


def _pair(holder: Any, key: str) -> tuple[Any, Any] | None:
    pairs = holder.value if _is_mapping(holder) else ()
    return next((pair for pair in pairs if pair[0].value == key), None)


def _with_pair(text: str, holders: Sequence[Any], key: str, value: object) -> str:
    """Return `text` with one more pair in the braces of the last of `holders`."""
    holder = holders[-1]
    start, end = holder.start_mark.index, holder.end_mark.index
    pair = f"{_flow(key)}: {_flow(value)}"
    if holder.value:
        place = _end_of(holder.value[-1][1])
        return f"{text[:place]}, {pair}{text[place:]}"
    if text[start:end] != "{}" or len(holders) < 2 or holders[-2].flow_style:
        return f"{text[: start + 1]}{pair}{text[start + 1 :]}"
    # Empty braces say only that there is nothing; what comes now stands on lines of its own.
    above: int = holders[-2].value[0][0].start_mark.column
    before = text[:start].rstrip(" ")
    place = _below(text, end, above) - end + len(before)
    return _with_lines(before + text[end:], place, above + _INDENT, key, value)


def _place_in_braces(text: str, holder: Any, pair: tuple[Any, Any]) -> tuple[int, int]:
    """Return where a pair begins and ends, together with the comma that goes when it does."""
    place = holder.value.index(pair)
    start, end = pair[0].start_mark.index, _end_of(pair[1])
    if place + 1 < len(holder.value):
        return start, holder.value[place + 1][0].start_mark.index
    if place:
        return _end_of(holder.value[place - 1][1]), end
    comma = _COMMA.match(text, end)
    return start, comma.end() if comma else end


def _without_group(text: str, group: Any, start: int, end: int) -> str:
    """Return `text` without the only entry of a group, and without a group that is nothing else."""
    colon = _COLON.match(text, group.end_mark.index)
    if colon is None:
        raise UnclearText(f"line {group.start_mark.line + 1} is no simple key")
    before, between = text[: colon.end()], text[colon.end() : start]
    if between.strip():
        return f"{before} {{}}{between}{text[end:]}"
    before, after = text[: _line_start(text, group.start_mark.index)], text[end:]
    newline = _newline_of(text)
    if not after and before.endswith(newline * 2):
        before = before.removesuffix(newline)  # it stood apart from what is the end now
    return before + after


def _lines_of(text: str, pair: tuple[Any, Any]) -> tuple[int, int]:
    """Return where the lines of an entry begin and end, comments that belong to it included."""
    key, value = pair
    start = _line_start(text, key.start_mark.index)
    if text[start : key.start_mark.index].strip(" "):
        raise UnclearText(f"line {key.start_mark.line + 1} does not begin with its key")
    return start, _below(text, _end_of(value), key.start_mark.column)


def _end_of(node: Any) -> int:
    """Return where the last character of a node ends; its own mark may be comments later."""
    import yaml

    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.index
    return end


def _below(text: str, end: int, column: int) -> int:
    """Return where the line begins below `end` and below comments indented deeper than `column`."""
    # A text of several lines ends where the next line begins; everything else ends within its own.
    place = end if _line_start(text, end) == end else _next_line(text, end)
    found = place
    while place < len(text):
        below = _next_line(text, place)
        line = text[place:below]
        content = line.lstrip(" ")
        if content.startswith("#") and len(line) - len(content) > column:
            found = below
        elif content.strip():
            break
        place = below
    return found


def _with_lines(text: str, place: int, column: int, key: str, value: object) -> str:
    newline = _newline_of(text)
    lines = [" " * column + line for line in dump_yaml({key: value}).decode().splitlines()]
    before, after = text[:place], text[place:]
    if _line_start(text, place) != place:
        before += newline
    if before.strip() and not column and len(lines) > 1 and not before.endswith(newline * 2):
        before += newline  # a group stands apart
    return before + newline.join(lines) + newline + after


def _flow(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _scalar(value: object) -> str:
    rendered = dump_yaml({"x": value}).decode().removeprefix("x: ").rstrip()
    if "\n" in rendered:
        raise UnclearText("a single value stands where a group of values belongs")
    return rendered


def _newline_of(text: str) -> str:
    found = _LINE_BREAK.search(text)
    return found[0] if found else "\n"


def _line_start(text: str, place: int) -> int:
    return max((found.end() for found in _LINE_BREAK.finditer(text, 0, place)), default=0)


def _next_line(text: str, place: int) -> int:
    found = _LINE_BREAK.search(text, place)
    return found.end() if found else len(text)
