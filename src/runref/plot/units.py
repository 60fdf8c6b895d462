"""Numbers, durations and moments as axes and tables show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone

from runref.plot.columns import Kind

_UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))


def unit_of(seconds: Sequence[float]) -> tuple[float, str]:
    """Return how many seconds the unit has in which the largest duration is read best."""
    largest = max((each for each in seconds if math.isfinite(each)), default=0.0)
    fitting = [unit for unit in _UNITS if largest >= 2 * unit[0]]
    return fitting[-1] if fitting else _UNITS[0]


def moment(seconds: float, reach: float) -> str:
    """Return a time since 1970 in UTC, as exact as `reach` seconds from end to end ask for."""
    when = datetime.fromtimestamp(seconds, timezone.utc)
    if reach >= 3 * 86400:
        return f"{when:%Y-%m-%d}"
    if reach >= 3 * 60:
        return f"{when:%m-%d %H:%M}"
    return f"{when:%H:%M:%S}"


def shown(value: float, kind: Kind = "number") -> str:
    """Return a value as a tick or a cell shows it, in few characters."""
    if kind == "moment":
        return moment(value, 86400 * 3)
    if kind == "duration":
        size, unit = unit_of([abs(value)])
        return f"{value / size:.3g} {unit}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}"
