"""The few numbers that stand for a run, in one line of a list or of a log."""

from __future__ import annotations

from collections.abc import Mapping

from runref.model.record import MetricSummary
from runref.model.values import Number

_METRICS_SHOWN = 3


def format_number(value: Number) -> str:
    """Return a number with the four digits that people read."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main_metrics(metrics: Mapping[str, MetricSummary]) -> list[tuple[str, Number]]:
    """Return the few last values that stand for a run: validation before training."""
    names = sorted(metrics, key=lambda name: (not name.startswith(("val", "test", "eval")), name))
    return [(name, metrics[name].last) for name in names[:_METRICS_SHOWN]]
