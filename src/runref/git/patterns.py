"""Lists of patterns in the language of ``.gitignore``: the last one that matches decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from runref.git.wildmatch import literal_length, translate

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class PathPattern(NamedTuple):
    """One pattern of a ``.gitignore`` or ``.gitattributes``, without its ``!``.

    Attributes:
        regex: For ``fullmatch`` on the name, or on the path below the folder of the file.
        whole_path: It holds a slash, so it is matched against the path, not the name.
        folders_only: It ended in a slash.
    """

    regex: bytes
    whole_path: bool
    folders_only: bool


def parse_pattern(pattern: bytes) -> PathPattern:
    """Read one pattern as git's ``parse_path_pattern`` and ``match_pathname`` do."""
    folders_only = pattern.endswith(b"/")
    if folders_only:
        pattern = pattern[:-1]
    whole_path = b"/" in pattern
    if whole_path:
        pattern = pattern.removeprefix(b"/")
    # Git compares the literal beginning first and globs only the rest, so that `ab**/c` has a `**`
    # at the beginning of what is globbed.
    literal = literal_length(pattern)
    regex = re.escape(pattern[:literal]) + translate(pattern[literal:])
    return PathPattern(regex, whole_path, folders_only)


class PatternList:
    """The patterns of one ignore file.

    They become one regular expression for names and one for paths, so that one match tells which
    pattern decides.
    """

    def __init__(self, content: bytes, *, ignore_case: bool = False) -> None:
        names: list[tuple[int, PathPattern]] = []
        paths: list[tuple[int, PathPattern]] = []
        self.lines = tuple(_lines(content))
        for number, line in enumerate(self.lines):
            pattern = parse_pattern(line.removeprefix(b"!"))
            (paths if pattern.whole_path else names).append((number, pattern))
        flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
        self._names = _LastMatch(names, flags)
        self._paths = _LastMatch(paths, flags)

    def decide(self, name: bytes, path: bytes, *, is_folder: bool) -> bytes | None:
        """The pattern that decides about an entry; ``None`` when none matches.

        Args:
            name: Last component of the path.
            path: Below the folder that the list is for.
            is_folder: Whether the entry is a folder (a symbolic link to one is none).

        Returns:
            The line; it excludes the entry unless it begins with ``!``.
        """
        last = max(
            self._names.find(name, is_folder=is_folder),
            self._paths.find(path, is_folder=is_folder),
        )
        return None if last < 0 else self.lines[last]


class _LastMatch:
    """Finds the last of several numbered patterns that matches."""

    def __init__(self, patterns: Sequence[tuple[int, PathPattern]], flags: int) -> None:
        last_first = patterns[::-1]
        self._folders = _Alternatives(last_first, flags)
        self._files = _Alternatives([p for p in last_first if not p[1].folders_only], flags)

    def find(self, text: bytes, *, is_folder: bool) -> int:
        return (self._folders if is_folder else self._files).find(text)


class _Alternatives:
    """The number of the first pattern that matches, -1 for none."""

    def __init__(self, patterns: Sequence[tuple[int, PathPattern]], flags: int) -> None:
        self._numbers = [number for number, _ in patterns]
        joined = b"|".join(b"(" + pattern.regex + b")" for _, pattern in patterns)
        self._match = re.compile(joined, flags).fullmatch

    def find(self, text: bytes) -> int:
        found = self._match(text) if self._numbers else None
        if found is None or found.lastindex is None:
            return -1
        return self._numbers[found.lastindex - 1]


def _lines(content: bytes) -> Iterable[bytes]:
    for line in content.removeprefix(_BYTE_ORDER_MARK).split(b"\n"):
        if not line or line.startswith(b"#"):
            continue
        # Git reads each line as a C string, so a NUL ends it.
        pattern = _without_trailing_spaces(line.removesuffix(b"\r").partition(b"\0")[0])
        if pattern.strip(b"/") not in {b"", b"!"}:
            yield pattern


def _without_trailing_spaces(line: bytes) -> bytes:
    kept = line.rstrip(b" ")
    backslashes = len(kept) - len(kept.rstrip(b"\\"))
    # An odd run of backslashes quotes the first of the spaces.
    return kept + b" " if backslashes % 2 and len(kept) < len(line) else kept
