"""Which filter ``.gitattributes`` gives a file (``filter=lfs`` is what most of them are for).

Only the ``filter`` attribute is read. ``dulwich.attrs`` is not used: it knows no macros and no
quoted patterns, and its patterns come from ``dulwich.wildmatch`` (see :mod:`runref.git.wildmatch`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from runref.git.ignore import read_inside
from runref.git.patterns import parse_pattern

_MACRO = b"[attr]"
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"[ \t\r\n]*(.*)', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


class _Rule(NamedTuple):
    match: re.Pattern[bytes]
    whole_path: bool
    filter: bytes


class FilterAttributes:
    """The ``filter`` attribute of every file of one working tree."""

    def __init__(
        self, root: bytes, *, weakest: Iterable[bytes] = (), strongest: Iterable[bytes] = ()
    ) -> None:
        """Read the attributes of a working tree.

        Args:
            root: The working tree.
            weakest: Contents of files that any ``.gitattributes`` overrides (the user's own).
            strongest: Contents of files that override them all (``info/attributes``).
        """
        self._root = root
        self._macros: dict[bytes, bytes] = {}
        self._weakest = [rule for content in weakest for rule in self._parse(content)]
        self._chains: dict[bytes, tuple[tuple[int, list[_Rule]], ...]] = {}
        self._chain(b"")
        self._strongest = [rule for content in strongest for rule in self._parse(content)]

    def filter_of(self, path: bytes) -> bytes:
        """The name of the filter for a file; empty where there is none.

        Args:
            path: Relative to the root.
        """
        folder, _, name = path.rpartition(b"/")
        chain = self._chain(folder + b"/" if folder else b"")
        for base, rules in ((0, self._strongest), *chain, (0, self._weakest)):
            for rule in reversed(rules):
                if rule.match.fullmatch(path[base:] if rule.whole_path else name):
                    return rule.filter
        return b""

    def _chain(self, folder: bytes) -> tuple[tuple[int, list[_Rule]], ...]:
        known = self._chains.get(folder)
        if known is not None:
            return known
        above = self._chain(folder[: folder.rfind(b"/", 0, -1) + 1]) if folder else ()
        content = read_inside(self._root + b"/" + folder + b".gitattributes")
        rules = list(self._parse(content)) if content else []
        chain = ((len(folder), rules), *above) if rules else above
        self._chains[folder] = chain
        return chain

    def _parse(self, content: bytes) -> Iterator[_Rule]:
        """The rules of one file that say something about ``filter``."""
        for raw in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            line = raw.strip(b" \t\r")
            if not line or line.startswith((b"#", b"!")):
                continue
            if line.startswith(_MACRO):
                name, _, rest = line.removeprefix(_MACRO).strip().partition(b" ")
                value = _filter_in(rest.split(), self._macros)
                if value is not None:
                    self._macros[name] = value
                continue
            text, attributes = _split(line)
            value = _filter_in(attributes, self._macros)
            pattern = parse_pattern(text)
            if value is not None and not pattern.folders_only:
                yield _Rule(re.compile(pattern.regex, re.DOTALL), pattern.whole_path, value)


def _split(line: bytes) -> tuple[bytes, list[bytes]]:
    quoted = _QUOTED.fullmatch(line)
    if quoted:
        return _ESCAPE.sub(_unescape, quoted[1]), quoted[2].split()
    pattern, *attributes = line.split()
    return pattern, attributes


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPES.get(code, code)


def _filter_in(attributes: list[bytes], macros: Mapping[bytes, bytes]) -> bytes | None:
    """The filter that a list of attributes names (empty: no filter); ``None`` if it has none."""
    value = None
    for attribute in attributes:
        name, _, given = attribute.lstrip(b"-!").partition(b"=")
        if name == b"filter":
            value = given
        elif attribute in macros:
            value = macros[attribute]
    return value
