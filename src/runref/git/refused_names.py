"""Names that git refuses to have in a tree: ``git fsck --strict`` would call it damaged."""

from __future__ import annotations

import re

from runref.git.checkout import IGNORED_BY_HFS

# NTFS drops spaces and dots at the end, takes what follows a colon for a stream, and knows every
# name by a short one, too.
_GIT = re.compile(r"(?:\.git|git~1)[ .]*(?::.*)?", re.DOTALL)
_RULE_FILE = re.compile(
    r"(?:\.gitmodules|\.gitattributes|gitmod~[1-4]|gi7eba~[1-9]|gitatt~[1-4]|gi7d29~[1-9])"
    r"[ .]*(?::.*)?",
    re.DOTALL,
)


def refused(name: bytes, *, is_regular: bool) -> bool:
    """Whether git refuses an entry of this name.

    Args:
        name: One path component.
        is_regular: Whether it is a regular file: ``.gitmodules`` and ``.gitattributes`` may be
            nothing else.
    """
    if not (name.startswith(b".") or b"~" in name or b"\\" in name or b"\xe2" in name):
        return False
    text = name.decode("utf-8", "replace").translate(IGNORED_BY_HFS).lower()
    # A backslash separates folders on Windows.
    if any(_GIT.fullmatch(part) for part in text.split("\\")):
        return True
    return not is_regular and any(_RULE_FILE.fullmatch(part) for part in text.split("\\"))
