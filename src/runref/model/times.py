"""Times as the format writes them: RFC 3339, UTC, microseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def format_time(moment: datetime) -> str:
    """Return an aware `moment` as ``2026-11-21T14:03:12.123456Z``."""
    utc = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def parse_time(text: str) -> datetime:
    """Undo `format_time`.

    Raises:
        ValueError: `text` is no such time.
    """
    moment = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc)
    if format_time(moment) != text:
        raise ValueError(f"{text!r} is no time like 2026-11-21T14:03:12.123456Z")
    return moment


def now() -> str:
    """Return the present time of the wall clock."""
    return format_time(datetime.now(timezone.utc))


def after(start: str, seconds: float) -> str:
    """Return the time `seconds` after `start`.

    Raises:
        ValueError: `start` is no time of the format.
        OverflowError: the time lies beyond the year 9999.
    """
    return format_time(parse_time(start) + timedelta(seconds=seconds))


def parse_duration(text: str) -> float:
    """Return the seconds of a duration: ``90s``, ``30m``, ``12h``, ``14d``, ``2w``.

    Raises:
        ValueError: `text` is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration like 90s, 30m, 12h, 14d or 2w")
    return float(match[1]) * _SECONDS[match[2]]
