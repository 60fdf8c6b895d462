"""Times as the format writes them: RFC 3339, UTC, microseconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def format_time(moment: datetime) -> str:
    """Return an aware `moment` as ``2026-11-21T14:03:12.123456Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Undo `format_time`.

    Raises:
        ValueError: `text` is no such time.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def now() -> str:
    """Return the present time of the wall clock."""
    return format_time(datetime.now(timezone.utc))


def after(start: str, seconds: float) -> str:
    """Return the time `seconds` after `start`."""
    return format_time(parse_time(start) + timedelta(seconds=seconds))
