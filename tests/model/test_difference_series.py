"""Where two series part, against comparing them point by point."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runref.model.difference import ADDED, CHANGED, REMOVED, same_value
from runref.model.record import MetricSummary
from runref.model.series_difference import (
    Points,
    columns_of,
    compare_metrics,
    find_parting,
)
from runref.model.values import decode_number

values = st.sampled_from([0, 0.0, -0.0, 1, 1.0, 0.5, "NaN", "Infinity", 2**60, float(2**60)])
points = st.lists(st.tuples(st.integers(0, 3), values), max_size=8)


def of(pairs: list[tuple[int, Any]]) -> Points:
    return Points([step for step, _ in pairs], [value for _, value in pairs])


def naive(left: list[Any], right: list[Any]) -> int | None:
    for at in range(max(len(left), len(right))):
        if at >= min(len(left), len(right)):
            return at
        (step, value), (other_step, other) = left[at], right[at]
        if step != other_step or not same_value(decode_number(value), decode_number(other)):
            return at
    return None


@given(points, points, st.sampled_from([0, 4095, 4096, 9000]))
def test_it_is_where_a_loop_over_the_points_finds_it(left: Any, right: Any, before: int) -> None:
    shared = [(step, step * 0.5 + 1) for step in range(before)]
    expected = naive(left, right)
    found = find_parting(of(shared + left), of(shared + right))
    assert (found.equal - before if found else None) == expected


@given(points, points)
def test_sides_swap(left: Any, right: Any) -> None:
    there, back = find_parting(of(left), of(right)), find_parting(of(right), of(left))
    assert (there is None) == (back is None)
    if there and back:
        assert (there.step, there.equal, there.last_step) == (
            back.step,
            back.equal,
            back.last_step,
        )
        assert {there.ended, back.ended} in ({""}, {"left", "right"})
        assert repr((there.left, there.right)) == repr((back.right, back.left))


@given(points)
def test_a_series_does_not_part_from_itself(pairs: Any) -> None:
    assert find_parting(of(pairs), of(list(pairs))) is None


def test_a_series_that_ends_says_after_which_step() -> None:
    longer = [(0, 1.0), (10, 2.0), (20, "NaN")]
    found = find_parting(of(longer[:2]), of(longer))
    assert found
    assert (found.step, found.equal, found.left, found.ended, found.last_step) == (
        20,
        2,
        None,
        "left",
        10,
    )
    assert found.right is not None
    assert math.isnan(found.right)


def summary(last: float, low: float = 0.0) -> MetricSummary:
    return MetricSummary(2, 1.0, last, low, 1.0, 0.5, 1, 0, 0)


def test_a_curve_that_comes_to_the_same_is_a_difference_all_the_same() -> None:
    rows = [
        [{"step": step, "elapsed": 0.1, "values": {"loss": value}} for step, value in pairs]
        for pairs in ([(0, 1.0), (1, 0.0), (2, 0.5)], [(0, 0.0), (1, 1.0), (2, 0.5)])
    ]
    series = columns_of(rows[0], 0, {}), columns_of(rows[1], 0, {})
    summaries = {"loss": summary(0.5)}, {"loss": summary(0.5)}
    (change,) = compare_metrics(summaries, series)
    assert change.parting is not None
    assert (change.kind, change.left, change.right, change.parting.step) == (CHANGED, 0.5, 0.5, 0)
    assert compare_metrics(summaries, (series[0], series[0])) == ()


def test_series_of_one_side_and_of_other_ranks() -> None:
    rows = [{"step": 0, "elapsed": 0.1, "values": {"loss": 0.5}}]
    left, right = columns_of(rows, 1, {}), columns_of(rows, 0, {})
    found = compare_metrics(({}, {"loss": summary(0.5)}), (left, right))
    assert [(each.name, each.kind, each.left, each.right) for each in found] == [
        ("loss", ADDED, None, 0.5),
        ("loss (rank 1)", REMOVED, 0.5, None),
    ]


def test_without_the_series_their_summaries_are_compared() -> None:
    same = {"a": summary(math.nan, math.nan), "b": summary(0.5)}
    other = {"a": summary(math.nan, math.nan), "b": summary(0.5, low=-1.0)}
    (change,) = compare_metrics((same, other), None)
    assert (change.name, change.parting) == ("b", None)
