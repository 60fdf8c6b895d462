"""Run ids, and the one path that follows from each."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

from runref.errors import ExitStatus, RunrefError

_RUN_ID = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})-([0-9a-f]{12})")


class MalformedRunId(RunrefError):
    """A text is no run id."""

    code = "malformed-run-id"
    exit_status = ExitStatus.USAGE


def new_run_id(moment: datetime | None = None) -> str:
    """Return a fresh id: the UTC date of `moment` (default: now) and 12 random hex digits."""
    day = (moment or datetime.now(timezone.utc)).astimezone(timezone.utc)
    return f"{day:%Y%m%d}-{secrets.token_hex(6)}"


def is_run_id(text: str) -> bool:
    """Tell whether `text` is a whole run id."""
    return _RUN_ID.fullmatch(text) is not None


def run_path(run_id: str) -> tuple[str, str, str, str]:
    """Return the folders of a run below ``runs/``: ``YYYY-MM``, ``DD``, one hex digit, the id.

    Raises:
        MalformedRunId: `run_id` is no run id.
    """
    match = _RUN_ID.fullmatch(run_id)
    if match is None:
        raise MalformedRunId(f"{run_id!r} is not a run id", hint="A run id: 20261121-4f1c9b2e7a3d")
    year, month, day, random = match.groups()
    return f"{year}-{month}", day, random[0], run_id
