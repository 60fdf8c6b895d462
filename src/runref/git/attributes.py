"""What ``.gitattributes`` say of how git filters a file: by a program, and by its line endings.

``filter=lfs`` is what most of them are for. ``dulwich.attrs`` is not used: it knows no macros and
no quoted patterns, and its patterns come from ``dulwich.wildmatch`` (see
:mod:`runref.git.wildmatch`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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


Value = bytes | bool | None
"""``name=value``, ``name`` (true), ``-name`` (false), or ``!name`` (None): as if never said."""

_Attributes = list[tuple[bytes, Value]]
"""Names and values, the one that counts most first."""


_SIGNS: dict[bytes, Value] = {b"-": False, b"!": None}

_BUILT_IN: dict[bytes, _Attributes] = {
    b"binary": [(b"text", False), (b"merge", False), (b"diff", False)]
}
"""The macro that git defines itself."""


class _Rule(NamedTuple):
    match: re.Pattern[bytes]
    whole_path: bool
    attributes: _Attributes


class FilterAttributes:
    """The attributes of every file of one working tree."""

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
        # Only these files may define macros, and the strongest definition counts.
        self._macros: dict[bytes, _Attributes] = dict(_BUILT_IN)
        self._strongest = [rule for content in strongest for rule in self._parse(content)]
        self._chains: dict[bytes, tuple[tuple[int, list[_Rule]], ...]] = {}
        self._chain(b"")
        self._weakest = [rule for content in weakest for rule in self._parse(content)]

    def filter_of(self, path: bytes) -> bytes:
        """The name of the filter for a file; empty where there is none.

        Args:
            path: Relative to the root.
        """
        value = self.values_of(path).get(b"filter")
        return value if isinstance(value, bytes) else b""

    def values_of(self, path: bytes) -> dict[bytes, Value]:
        """All attributes that are said of a file.

        Args:
            path: Relative to the root.
        """
        folder, _, name = path.rpartition(b"/")
        chain = self._chain(folder + b"/" if folder else b"")
        values: dict[bytes, Value] = {}
        for base, rules in ((0, self._strongest), *chain, (0, self._weakest)):
            for rule in reversed(rules):
                if rule.match.fullmatch(path[base:] if rule.whole_path else name):
                    self._fill(values, rule.attributes)
        return values

    def _fill(self, values: dict[bytes, Value], attributes: _Attributes) -> None:
        for name, value in attributes:
            if name not in values:
                values[name] = value
                if value is True:
                    self._fill(values, self._macros.get(name, []))

    def _chain(self, folder: bytes) -> tuple[tuple[int, list[_Rule]], ...]:
        """The rules of the files for a folder, deepest first, each with its folder's length."""
        known = self._chains.get(folder)
        if known is not None:
            return known
        above = self._chain(folder[: folder.rfind(b"/", 0, -1) + 1]) if folder else ()
        content = read_inside(self._root + b"/" + folder + b".gitattributes")
        rules = list(self._parse(content, macros=not folder)) if content else []
        chain = ((len(folder), rules), *above) if rules else above
        self._chains[folder] = chain
        return chain

    def _parse(self, content: bytes, *, macros: bool = True) -> Iterator[_Rule]:
        definitions: dict[bytes, _Attributes] = {}
        for raw in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            line = raw.strip(b" \t\r")
            if not line or line.startswith((b"#", b"!")):
                continue
            if line.startswith(_MACRO):
                name, *attributes = line.removeprefix(_MACRO).split()
                definitions[name] = _read(attributes)
                continue
            text, attributes = _split(line)
            pattern = parse_pattern(text)
            # Such a pattern is for folders alone, and they have no filters.
            if not pattern.folders_only:
                regex = re.compile(pattern.regex, re.DOTALL)
                yield _Rule(regex, pattern.whole_path, _read(attributes))
        if macros:
            self._macros = definitions | self._macros


def _split(line: bytes) -> tuple[bytes, list[bytes]]:
    quoted = _QUOTED.fullmatch(line)
    if quoted:
        return _ESCAPE.sub(_unescape, quoted[1]), quoted[2].split()
    pattern, *attributes = line.split()
    return pattern, attributes


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPES.get(code, code)


def _read(attributes: list[bytes]) -> _Attributes:
    found: _Attributes = []
    for attribute in reversed(attributes):
        name, given, value = attribute.lstrip(b"-!").partition(b"=")
        if given:
            found.append((name, value))
        else:
            found.append((name, _SIGNS.get(attribute[:1], True)))
    return found
