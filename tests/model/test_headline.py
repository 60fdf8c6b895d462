"""The numbers that stand for a run."""

from __future__ import annotations

import pytest

from runref.model.headline import format_number, main_metrics
from runref.model.record import MetricSummary


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123456, "0.1235"), (123456, "123456"), (1.0, "1"), (1e-9, "1e-09"), (float("nan"), "nan")],
)
def test_four_digits_of_what_is_not_counted(value: float, shown: str) -> None:
    assert format_number(value) == shown


def test_validation_comes_before_training() -> None:
    names = ("acc", "train/acc", "val/loss", "test/acc", "eval")
    metrics = {name: summary(float(place)) for place, name in enumerate(names)}
    assert main_metrics(metrics) == [("eval", 4.0), ("test/acc", 3.0), ("val/loss", 2.0)]
    assert main_metrics({}) == []


def summary(last: float) -> MetricSummary:
    return MetricSummary(3, 0.5, last, 0.5, last, 1.0, 2, 0, 2)
