"""The environment of this process, captured once while nothing it depends on changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from runref.capture.environment import capture_environment

_last: tuple[object, Mapping[str, Any]] | None = None


def this_environment(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what this process runs on; a sweep of many runs captures it once.

    Installing or removing a package changes the time of the folder that it goes to, and so the
    environment is captured anew; so it is when ``sys.path`` or an environment variable changes.
    """
    global _last  # noqa: PLW0603 - one process has one environment
    state = (tuple(sys.path), tuple(map(_changed, sys.path)), tuple(sorted(environ.items())))
    if _last is None or _last[0] != state:
        _last = (state, capture_environment(environ))
    return _last[1]


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns  # noqa: PTH116 - may be anything on sys.path
    except (OSError, ValueError):
        return 0
