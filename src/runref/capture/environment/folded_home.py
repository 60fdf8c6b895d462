"""The user's home directory in paths that are recorded."""

from __future__ import annotations


def folded(path: str, home: str) -> str:
    """Return `path` with `home` at its start written ``~``.

    So that two members of a team with the same interpreter have the same environment, and a history
    that is shared does not name accounts.
    """
    home = home.rstrip("/")
    if home and (path == home or path.startswith(home + "/")):
        return "~" + path[len(home) :]
    return path
