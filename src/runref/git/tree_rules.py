"""What git asks of a tree, and ``git fsck --strict`` looks at."""

from __future__ import annotations

from collections.abc import Sequence

from runref.git.format import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry
from runref.git.refused_names import refused

_MODES = frozenset({FILE, EXECUTABLE, SYMLINK, GITLINK, TREE})


def broken_rule(entries: Sequence[TreeEntry]) -> str:
    """Return what is wrong with a tree, as in ``it holds the name '..'``; empty for a good one."""
    last = b""
    for entry in entries:
        key = entry.name + b"/" if entry.is_tree else entry.name
        if entry.mode not in _MODES:
            return f"it gives {entry.name!r} the mode {entry.mode:o}"
        if not _may_stand(entry):
            return f"it holds the name {entry.name!r}"
        if key <= last:
            return f"it holds {entry.name!r} twice or out of order"
        last = key
    # A file and a folder of one name do not stand side by side where they are sorted.
    if len({entry.name for entry in entries}) < len(entries):
        return "it holds a file and a folder of one name"
    return ""


def _may_stand(entry: TreeEntry) -> bool:
    if entry.name in (b"", b".", b"..") or b"/" in entry.name:
        return False
    return not refused(entry.name, is_regular=entry.mode in (FILE, EXECUTABLE))
