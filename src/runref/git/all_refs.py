# Text paths, as in refs.py.
# ruff: noqa: PTH123
"""Every ref of a repository, for those who ask what anything still holds on to."""

from __future__ import annotations

import os

from runref.git.refs import read_loose

_FIELDS = 2  # of a line of packed-refs: hash and name


def all_refs(common_dir: str) -> dict[str, str]:
    """Return the hash that each ref below ``refs/`` names, by its full name.

    Symbolic refs name what others name already and are passed over.

    Raises:
        RefUnreadable: the system refused to read one.
        OSError: it refused to list a folder, or the packed refs.
    """
    found = _packed(common_dir)
    for folder, _, names in os.walk(f"{common_dir}/refs", onerror=_refuse):
        for name in names:
            path = f"{folder}/{name}"
            value = (read_loose(path) or b"").decode("ascii", "replace")
            if not name.endswith(".lock") and value and not value.startswith("ref:"):
                found[os.path.relpath(path, common_dir)] = value
    return found


def _packed(common_dir: str) -> dict[str, str]:
    try:
        with open(f"{common_dir}/packed-refs", "rb") as file:
            lines = [line.split() for line in file if line[:1] not in (b"#", b"^")]
    except FileNotFoundError:
        return {}
    fields = (line for line in lines if len(line) == _FIELDS)
    return {os.fsdecode(name): value.decode("ascii", "replace") for value, name in fields}


def _refuse(problem: OSError) -> None:
    raise problem
