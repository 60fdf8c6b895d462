"""The clock of a run: seconds since it started, which never go back."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from runref.model.times import parse_time
from runref.tracking.liveness import machine


def base_of(started: str, started_on: str, monotonic: float) -> float:
    """Return the value of this process's monotonic clock at which the run started.

    Processes of one machine share the clock (``CLOCK_MONOTONIC``); on another machine, the wall
    clocks have to be trusted once.
    """
    if started_on == machine():
        return monotonic
    passed = (datetime.now(timezone.utc) - parse_time(started)).total_seconds()
    return time.monotonic() - max(passed, 0.0)
