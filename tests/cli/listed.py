"""Runs for lists, written straight into the ref: hundreds of them take no time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.store.conftest import Writer


def metric(last: Any, **parts: Any) -> dict[str, Any]:
    """A summary of a metric that was logged once, but for `parts`."""
    held = dict.fromkeys(("first", "last", "min", "max", "mean"), last)
    return {"count": 1, **held, "last_step": 0, "step_of_min": 0, "step_of_max": 0, **parts}


def add(
    writer: Writer,
    number: int,
    params: Mapping[str, Any] = {},
    metrics: Mapping[str, Any] = {},
    **fields: Any,
) -> str:
    """Record a run; those of larger numbers are newer. Returns its id."""
    run_id = f"20261121-{number:012x}"
    started = f"2026-11-21T10:{number // 60:02d}:{number % 60:02d}.000000Z"
    held = {
        name: value if isinstance(value, dict) else metric(value) for name, value in metrics.items()
    }
    writer.run(
        run_id,
        params={name: {"value": value} for name, value in params.items()},
        metrics=held,
        started=started,
        **{"name": f"n{number}", "experiment": "digits", **fields},
    )
    return run_id
