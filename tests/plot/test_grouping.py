from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.plot.curves import Curve
from runref.plot.grouping import Spread, grouped

VALUES = st.floats(-1e6, 1e6) | st.just(math.nan)
CURVES = st.lists(
    st.lists(st.tuples(st.integers(0, 9), VALUES), max_size=12).map(
        lambda points: Curve("run", [step for step, _ in points], [value for _, value in points])
    ),
    max_size=6,
)


@given(CURVES, st.sampled_from(["std", "minmax"]))
def test_the_mean_lies_within_the_band(curves: list[Curve], spread: Spread) -> None:
    band = grouped("group", curves, spread)
    assert list(band.x) == sorted(set(band.x))
    for low, mean, high, count in zip(band.low, band.mean, band.high, band.count, strict=True):
        assert low <= mean <= high
        assert 1 <= count <= len(curves)


@given(CURVES)
def test_what_it_is_at_each_step(curves: list[Curve]) -> None:
    last = [{s: v for s, v in zip(c.x, c.values, strict=True) if not math.isnan(v)} for c in curves]
    band, around = grouped("group", curves, "minmax"), grouped("group", curves, "std")
    assert set(band.x) == {step for each in last for step in each}
    for at, step in enumerate(band.x):
        held = [each[step] for each in last if step in each]
        assert (band.low[at], band.high[at], band.count[at]) == (min(held), max(held), len(held))
        assert band.mean[at] == pytest.approx(statistics.fmean(held), abs=1e-6)
        deviation = statistics.stdev(held) if len(held) > 1 else 0
        assert around.high[at] - around.mean[at] == pytest.approx(deviation, abs=1e-6)


def test_smoothed_runs_are_averaged_and_the_raw_mean_is_kept() -> None:
    curves = [Curve("a", [0, 1], [1, 5], [1, 2], "r1"), Curve("b", [1], [7], [4], "r2")]
    band = grouped("group", curves)
    assert (list(band.mean), list(band.raw), list(band.runs)) == ([1, 3], [1, 6], ["r1", "r2"])


def test_large_values_have_a_spread() -> None:
    band = grouped("group", [Curve("a", [0], [1e200]), Curve("b", [0], [-1e200])])
    assert band.high[0] == pytest.approx(math.sqrt(2) * 1e200)
