"""From how an input or output is named to the paths that are meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runref.model.record import is_url

_MAGIC = re.compile(r"[*?[]")
_ANY_DEPTH = "**"
_FILE = "file://"


def is_elsewhere(name: str) -> bool:
    """Tell whether a name is a URL that leads to another machine."""
    return is_url(name) and not _is_local(name)


def local_path(name: str) -> str:
    """Return the path that a name is, or stands for as in ``file:///data/train.csv``."""
    return unquote(urlsplit(name).path) if _is_local(name) else name


def _is_local(name: str) -> bool:
    return name[: len(_FILE)].lower() == _FILE


def is_pattern(name: str, folder: Path) -> bool:
    """Tell whether a name is a pattern: what exists under the name itself is meant literally."""
    return _MAGIC.search(name) is not None and not os.path.lexists(folder / name)


def paths_named(name: str, folder: Path) -> list[Path]:
    """Return the paths that a name leads to, sorted: itself, or what matches it as a pattern.

    ``*``, ``?`` and ``[…]`` match within a name, ``**`` any number of folders; no wildcard matches
    a dot at the beginning of a name. A slash at the end keeps to folders. As in shells, ``**`` does
    not follow links to folders, which may lead in circles.

    Args:
        name: A path, which need not exist, or a pattern; relative to `folder` or absolute.
        folder: Where a relative name begins.

    Raises:
        OSError: a folder that a pattern leads into cannot be read.
    """
    if not is_pattern(name, folder):
        return [folder / name]
    parts = Path(name).parts
    absolute = Path(name).is_absolute()
    found = set(_matching(Path(parts[0]), parts[1:]) if absolute else _matching(folder, parts))
    return sorted(path for path in found if path.is_dir() or not name.endswith("/"))


def _matching(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, *rest = parts
    if part == _ANY_DEPTH:
        yield from _matching(folder, rest)
        for below in _entries(folder, "*"):
            if below.is_dir() and not below.is_symlink():
                yield from _matching(below, parts)
            elif not rest:
                yield below
    elif _MAGIC.search(part):
        for each in _entries(folder, part):
            if not rest or each.is_dir():
                yield from _matching(each, rest)
    elif os.path.lexists(folder / part):
        yield from _matching(folder / part, rest)


def _entries(folder: Path, pattern: str) -> Iterator[Path]:
    matches = re.compile(translate(pattern)).match
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return  # gone meanwhile, or a file in the place of a folder
    for entry in entries:
        hidden = entry.name.startswith(".") and not pattern.startswith(".")
        if matches(entry.name) and not hidden:
            yield entry
