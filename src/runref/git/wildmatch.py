"""Git's glob language, as regular expressions over bytes.

Git matches the patterns of ``.gitignore`` and ``.gitattributes`` with its own ``wildmatch.c``,
which is neither :mod:`fnmatch` nor quite what the manual says. ``dulwich.wildmatch`` reads ``***``
and ``ab**/c`` differently from git 2.39, hence this module; ``tests/git/test_ignore.py`` shows it.
"""

from __future__ import annotations

import re

NEVER = b"(?!)"
"""A regular expression that matches nothing: what git makes of a malformed pattern."""

_SPECIAL = re.compile(rb"[*?\[\\]")
_CLASSES = {
    b"alnum": b"0-9A-Za-z",
    b"alpha": b"A-Za-z",
    b"blank": rb"\t ",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": b"0-9",
    b"graph": b"!-.0-~",
    b"lower": b"a-z",
    b"print": b" -.0-~",
    b"punct": rb"!-.:-@\[-`{-~",
    b"space": rb"\t\n\r ",
    b"upper": b"A-Z",
    b"xdigit": b"0-9A-Fa-f",
}


class _Malformed(Exception):
    """Git gives up on the pattern; it matches nothing."""


def literal_length(pattern: bytes) -> int:
    """How many bytes of a pattern stand for themselves, up to its first special character."""
    found = _SPECIAL.search(pattern)
    return found.start() if found else len(pattern)


def translate(pattern: bytes) -> bytes:
    """Translate a pattern to a regular expression for ``fullmatch``.

    ``*`` and ``?`` stay within one path component, ``**`` between slashes spans components.
    A malformed pattern becomes :data:`NEVER`.

    Args:
        pattern: Without the decorations of the file it stands in (``!``, a trailing ``/``).

    Returns:
        A regular expression without groups; compile it with ``re.DOTALL``.
    """
    out = []
    position = 0
    try:
        while position < len(pattern):
            fragment, position = _piece(pattern, position)
            out.append(fragment)
    except _Malformed:
        return NEVER
    return b"".join(out)


def _piece(pattern: bytes, position: int) -> tuple[bytes, int]:
    character = pattern[position : position + 1]
    if character == b"*":
        return _stars(pattern, position)
    if character == b"?":
        return b"[^/]", position + 1
    if character == b"[":
        return _bracket(pattern, position + 1)
    if character == b"\\":
        position += 1
        character = pattern[position : position + 1]
        if not character:
            raise _Malformed
    return re.escape(character), position + 1


def _stars(pattern: bytes, start: int) -> tuple[bytes, int]:
    end = start
    while pattern[end : end + 1] == b"*":
        end += 1
    begins = start == 0 or pattern[start - 1 : start] == b"/"
    after = pattern[end : end + 1]
    ends = after in {b"", b"/"} or pattern[end : end + 2] == b"\\/"
    if end - start == 1 or not (begins and ends):
        return b"[^/]*", end
    if after == b"/":
        return b"(?:.*/)?", end + 1
    return b".*", end


def _bracket(pattern: bytes, position: int) -> tuple[bytes, int]:
    negated = pattern[position : position + 1] in {b"!", b"^"}
    position += negated
    members: list[bytes] = []
    previous: int | None = None
    first = True
    while first or pattern[position : position + 1] != b"]":
        first = False
        previous, position = _member(pattern, position, previous, members)
    inside = b"".join(members)
    if negated:
        # A bracket never matches a slash, not even a negated one.
        return b"[^/" + inside + b"]", position + 1
    return (b"(?!/)[" + inside + b"]" if inside else NEVER), position + 1


def _member(
    pattern: bytes, position: int, previous: int | None, members: list[bytes]
) -> tuple[int | None, int]:
    """Take one member of a bracket; return what a ``-`` after it extends, and where to go on."""
    character = pattern[position : position + 1]
    if (
        character == b"-"
        and previous is not None
        and pattern[position + 1 : position + 2]
        not in {
            b"",
            b"]",
        }
    ):
        last, position = _plain(pattern, position + 1)
        if previous <= last:
            members.append(_code(previous) + b"-" + _code(last))
        return None, position
    if pattern[position : position + 2] == b"[:":
        closing = pattern.find(b"]", position + 2)
        if closing < 0:
            raise _Malformed
        name = pattern[position + 2 : closing]
        if name.endswith(b":"):
            if name[:-1] not in _CLASSES:
                raise _Malformed
            members.append(_CLASSES[name[:-1]])
            return None, closing + 1
    value, position = (ord(b"["), position + 1) if character == b"[" else _plain(pattern, position)
    members.append(_code(value))
    return value, position


def _plain(pattern: bytes, position: int) -> tuple[int, int]:
    if pattern[position : position + 1] == b"\\":
        position += 1
    if position >= len(pattern):
        raise _Malformed
    return pattern[position], position + 1


def _code(value: int) -> bytes:
    return b"\\x%02x" % value
