from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.plot.smoothing import smoothed

NAN = math.nan
FINITE = st.floats(-1e6, 1e6)
SERIES = st.lists(FINITE | st.sampled_from([NAN, math.inf, -math.inf]), max_size=60)
WEIGHT = st.floats(0, 0.999)


@given(SERIES)
def test_without_weight_nothing_changes(values: list[float]) -> None:
    for before, after in zip(values, smoothed(values, 0), strict=True):
        assert before == after or (math.isnan(before) and math.isnan(after))


@given(FINITE, WEIGHT, st.integers(1, 50))
def test_a_constant_stays_what_it_is(value: float, weight: float, count: int) -> None:
    assert smoothed([value] * count, weight) == [value] * count


@given(st.lists(FINITE, min_size=1, max_size=60), WEIGHT)
def test_an_average_lies_between_the_values_so_far(values: list[float], weight: float) -> None:
    result = smoothed(values, weight)
    assert result[0] == values[0]
    for count, value in enumerate(result, 1):
        assert min(values[:count]) <= value <= max(values[:count])


@given(SERIES, WEIGHT)
def test_gaps_stay_and_change_nothing(values: list[float], weight: float) -> None:
    result = smoothed(values, weight)
    gaps = [not math.isfinite(value) for value in values]
    assert [not math.isfinite(value) for value in result] == gaps
    kept = [value for value, gap in zip(values, gaps, strict=True) if not gap]
    assert [v for v, gap in zip(result, gaps, strict=True) if not gap] == smoothed(kept, weight)


def test_the_same_numbers_as_tensorboard() -> None:
    assert smoothed([1, 2, 4], 0.5) == pytest.approx([1, (0.25 + 1) / 0.75, (0.625 + 2) / 0.875])


@pytest.mark.parametrize("weight", [-0.1, 1, NAN])
def test_a_weight_out_of_range(weight: float) -> None:
    with pytest.raises(ValueError, match="not within"):
        smoothed([1], weight)
