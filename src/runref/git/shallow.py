# Text paths, as in refs.py.
# ruff: noqa: PTH123
"""Where the history of a shallow clone ends."""

from __future__ import annotations


def shallow_commits(common_dir: str) -> frozenset[str]:
    """Return the commits whose parents a repository does without on purpose; usually none."""
    try:
        with open(f"{common_dir}/shallow", encoding="ascii", errors="replace") as file:
            return frozenset(file.read().split())
    except FileNotFoundError:
        return frozenset()
