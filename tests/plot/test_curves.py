from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.plot.curves import Curve, drawable, isolated, shortened, thinned

NAN = math.nan


def test_steps_and_values_belong_together() -> None:
    with pytest.raises(ValueError, match="2 steps for 1 values"):
        Curve("run", [1, 2], [0.5])


def test_what_cannot_be_drawn_is_a_gap() -> None:
    values = drawable([1, NAN, math.inf, -math.inf, 10**400, -1e301, 2.5])
    assert [math.isnan(value) for value in values] == [False, *[True] * 5, False]
    assert values[-1] == 2.5


@pytest.mark.parametrize(
    ("values", "alone"),
    [
        ([], []),
        ([1], [0]),
        ([NAN], []),
        ([1, 2], []),
        ([1, NAN, 2, 3, NAN, 4], [0, 5]),
        ([NAN, 1, NAN], [1]),
    ],
)
def test_values_between_gaps_are_found(values: list[float], alone: list[int]) -> None:
    assert isolated(values) == alone


@given(st.lists(st.floats(-10, 10) | st.just(NAN), max_size=200), st.integers(1, 10))
def test_thinning_keeps_ends_extremes_and_gaps(values: list[float], stretches: int) -> None:
    kept = thinned(values, stretches)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(5 * stretches, 0) or len(values) <= 5 * stretches
    if values:
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
    present = [value for value in values if not math.isnan(value)]
    shown = [values[at] for at in kept if not math.isnan(values[at])]
    if present:
        assert (min(shown), max(shown)) == (min(present), max(present))
    assert any(math.isnan(values[at]) for at in kept) == (len(present) < len(values))


@given(st.text(), st.integers(3, 60))
def test_a_shortened_label_fits_on_one_line(label: str, limit: int) -> None:
    short = shortened(label, limit)
    assert len(short) <= limit
    assert len(short.splitlines()) <= 1


def test_a_shortened_label_keeps_both_ends() -> None:
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcde…hijk"
    assert shortened("a\n  b", 10) == "a b"
