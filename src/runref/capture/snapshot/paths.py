"""Paths inside a working tree: bytes, relative to its root; folders end in a slash."""

from __future__ import annotations

from collections.abc import Iterator


def folders_of(path: bytes) -> Iterator[bytes]:
    """The folders that a path lies in, each with a trailing slash, from the top."""
    end = path.find(b"/")
    while end >= 0:
        yield path[: end + 1]
        end = path.find(b"/", end + 1)
