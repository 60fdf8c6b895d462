"""Values as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runref.cli.output import printable
from runref.model.headline import format_number
from runref.model.times import parse_time


def format_value(value: Any) -> str:
    """Return a parameter's or metric's value as people read it, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, (int, float)):
        return format_number(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        inner = (f"{printable(str(name))}: {format_value(held)}" for name, held in value.items())
        return "{" + ", ".join(inner) + "}"
    return "[" + ", ".join(map(format_value, value)) + "]"


def format_duration(seconds: float) -> str:
    """Return ``0.42 s``, ``12.3 s``, ``4 min 05 s`` or ``2 h 10 min``."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_moment(time: str) -> str:
    """Return a time of the format in the reader's own time zone, to the minute."""
    return f"{parse_time(time).astimezone():%Y-%m-%d %H:%M}"


def format_size(size: int) -> str:
    """Return ``512 B``, ``4.2 KiB``, ``1.3 GiB``."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1023.95:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def count_of(count: int, noun: str) -> str:
    """Return ``1 run``, ``2 runs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
