from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.values import Number
from runref.model.verdict import (
    DIFFERENT,
    EQUIVALENT,
    FAILED,
    HELD,
    IDENTICAL,
    NOT_RUNNABLE,
    VERDICTS,
    WITHIN_TOLERANCE,
    Evidence,
    Points,
    Tolerance,
    can_be_judged,
    compare_series,
    judge,
)

values = (
    st.sampled_from([0.0, -0.0, 0, 1, 1.0, 1 + 1e-9, 1.001, math.nan, math.inf, -math.inf])
    | st.floats()
    | st.integers(-(2**1023) + 1, 2**1023 - 1)
)
points = st.lists(st.tuples(st.integers(0, 3), values), min_size=1, max_size=4).map(
    lambda pairs: Points([step for step, _ in pairs], [value for _, value in pairs])
)
evidences = st.builds(
    Evidence,
    ending=st.sampled_from(["finished", "finished", "failed with exit status 1"]),
    series=st.dictionaries(st.sampled_from(["loss", "acc"]), points),
    outputs=st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "sha256:1", "sha256:2"])),
)


def evidence(
    outputs: dict[str, str] | None = None, ending: str = "finished", **series: list[Number]
) -> Evidence:
    named = {name: Points(range(len(held)), held) for name, held in series.items()}
    return Evidence(ending, named, outputs or {})


@given(evidences)
def test_a_run_reproduces_itself(run: Evidence) -> None:
    judgement = judge(run, run)
    assert all(each.result == IDENTICAL for each in judgement.series)
    if not can_be_judged(run):
        assert judgement.verdict == NOT_RUNNABLE
    elif all(run.outputs.values()):
        assert judgement.verdict == IDENTICAL
    else:  # what was never hashed cannot be called identical
        assert judgement.verdict == EQUIVALENT


@given(evidences, evidences)
def test_every_judgement_has_a_verdict_and_reasons(left: Evidence, right: Evidence) -> None:
    judgement = judge(left, right)
    assert judgement.verdict in VERDICTS
    assert judgement.reasons
    assert {each.name for each in judgement.series} == left.series.keys() | right.series.keys()
    assert {each.path for each in judgement.outputs} == left.outputs.keys() | right.outputs.keys()
    for each in judgement.series:
        assert 0 <= each.equal <= each.points
        assert (each.first_difference is None) == (each.result in (IDENTICAL, "missing", "new"))


@given(evidences, evidences)
def test_series_are_judged_alike_from_both_sides(left: Evidence, right: Evidence) -> None:
    left, right = (Evidence("finished", each.series, {}) for each in (left, right))
    there, back = judge(left, right), judge(right, left)
    assert there.verdict == back.verdict
    turned = {"missing": "new", "new": "missing"}
    for one, other in zip(there.series, back.series, strict=True):
        assert one.result == turned.get(other.result, other.result)
        assert (one.points, one.equal, one.largest) == (other.points, other.equal, other.largest)
        assert repr((one.left, one.right)) == repr((other.right, other.left))


@given(values, values, st.floats(0, 1), st.floats(0, 1))
def test_a_tolerance_is_symmetric_allows_equality_and_keeps_nan_apart(
    left: Number, right: Number, relative: float, absolute: float
) -> None:
    tolerance = Tolerance(relative, absolute)
    assert tolerance.allows(left, right) == tolerance.allows(right, left)
    assert tolerance.allows(left, left)
    if math.isnan(left) != math.isnan(right) or math.isinf(left) != math.isinf(right):
        assert not tolerance.allows(left, right)


@pytest.mark.parametrize(
    ("tolerance", "left", "right", "allowed"),
    [
        # Powers of two, so that the boundary is exact.
        (Tolerance(0.0, 0.25), 1.0, 1.25, True),
        (Tolerance(0.0, 0.25), 1.0, math.nextafter(1.25, 2), False),
        (Tolerance(0.5, 0.0), 1.0, 2.0, True),
        (Tolerance(0.5, 0.0), 1.0, math.nextafter(2.0, 3), False),
        (Tolerance(0.5, 0.25), 1.0, 2.5, True),
        (Tolerance(0.5, 0.25), -1.0, -2.5, True),
        (Tolerance(0.5, 0.25), -1.0, 2.5, False),
        (Tolerance(0.0, 0.0), 0.0, -0.0, True),
        (Tolerance(0.0, 0.0), 1, 1.0, True),
        (Tolerance(1e9, 1e9), math.nan, math.nan, True),
        (Tolerance(1e9, 1e9), math.nan, 1.0, False),
        (Tolerance(1e9, 1e9), math.inf, math.inf, True),
        (Tolerance(1e9, 1e9), math.inf, 1.7e308, False),
        (Tolerance(1e9, 1e9), math.inf, -math.inf, False),
        (Tolerance(), 1.0, 1.0 + 9e-6, True),
        (Tolerance(), 1.0, 1.0 + 2e-5, False),
        (Tolerance(), 2**1022, 2**1022 + 1, True),
        (Tolerance(), 2**1022, -(2**1022), False),
    ],
)
def test_the_boundary_of_a_tolerance(
    tolerance: Tolerance, left: Number, right: Number, allowed: bool
) -> None:
    assert tolerance.allows(left, right) is allowed


A = {"model.pkl": "sha256:1"}
B = {"model.pkl": "sha256:2"}
UNHASHED = {"model.pkl": ""}
NAN = math.nan


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (evidence(loss=[1.0, NAN]), evidence(loss=[1.0, NAN]), IDENTICAL),
        (evidence(loss=[1]), evidence(loss=[1.0]), IDENTICAL),
        (evidence(A, loss=[1.0]), evidence(A, loss=[1.0]), IDENTICAL),
        (evidence(A), evidence(A), IDENTICAL),
        (evidence(loss=[1.0]), evidence(loss=[1.0 + 1e-9]), WITHIN_TOLERANCE),
        (evidence(loss=[0.0]), evidence(loss=[-0.0]), WITHIN_TOLERANCE),
        (evidence(A, loss=[1.0]), evidence(A, loss=[1.0 + 1e-9]), WITHIN_TOLERANCE),
        (evidence(A, loss=[1.0]), evidence(B, loss=[1.0]), EQUIVALENT),
        (evidence(A, loss=[1.0]), evidence(B, loss=[1.0 + 1e-9]), EQUIVALENT),
        (evidence(UNHASHED, loss=[1.0]), evidence(B, loss=[1.0]), EQUIVALENT),
        (evidence(UNHASHED, loss=[1.0]), evidence(UNHASHED, loss=[1.0]), EQUIVALENT),
        (evidence(A | {"b": ""}), evidence(A | {"b": "sha256:3"}), EQUIVALENT),
        (evidence(A), evidence(B), DIFFERENT),
        (evidence(loss=[1.0]), evidence(loss=[1.1]), DIFFERENT),
        (evidence(loss=[1.0]), evidence(loss=[NAN]), DIFFERENT),
        (evidence(loss=[1.0]), evidence(loss=[1.0, 1.0]), DIFFERENT),
        (evidence(loss=[1.0, 1.0]), evidence(loss=[1.0]), DIFFERENT),
        (evidence(loss=[1.0]), evidence(), DIFFERENT),
        (evidence(loss=[1.0]), evidence(loss=[1.0], acc=[1.0]), DIFFERENT),
        (evidence(A, loss=[1.0]), evidence(loss=[1.0]), DIFFERENT),
        (evidence(A, loss=[1.0]), evidence(UNHASHED, loss=[1.0]), DIFFERENT),
        (evidence(UNHASHED, loss=[1.0]), evidence(loss=[1.0]), DIFFERENT),
        (evidence(loss=[1.0]), evidence(A, loss=[1.0]), DIFFERENT),
        (evidence(A, loss=[1.0]), evidence(B, loss=[2.0]), DIFFERENT),
        (evidence(), evidence(), NOT_RUNNABLE),
        (evidence(UNHASHED), evidence(A), NOT_RUNNABLE),
        (evidence(loss=[1.0]), evidence(ending="failed", loss=[1.0]), FAILED),
        (
            evidence(ending="failed with exit status 2", loss=[1.0]),
            evidence(ending="failed with exit status 1", loss=[1.0]),
            FAILED,
        ),
        (evidence(ending="failed", loss=[1.0]), evidence(ending="failed", loss=[1.0]), IDENTICAL),
    ],
)
def test_the_verdict(left: Evidence, right: Evidence, verdict: str) -> None:
    assert judge(left, right).verdict == verdict


def test_steps_are_compared_too() -> None:
    left = Evidence("finished", {"loss": Points([0, 1], [1.0, 2.0])}, {})
    right = Evidence("finished", {"loss": Points([0, 2], [1.0, 2.0])}, {})
    assert judge(left, right).verdict == DIFFERENT
    (series,) = judge(left, right).series
    assert (series.equal, series.first_difference) == (1, 1)


def test_what_a_comparison_of_series_says() -> None:
    left = Points([0, 10, 20], [1.0, 2.0, NAN])
    right = Points([0, 10, 20, 30], [1.0, 2.5, NAN, 4.0])
    found = compare_series("loss", left, right, Tolerance())
    assert (found.points, found.equal, found.largest, found.first_difference) == (4, 2, 0.5, 10)
    assert math.isnan(found.left or 0)
    assert found.right == 4.0
    longer = compare_series("loss", Points([0], [1.0]), Points([0, 7], [1.0, 1.0]), Tolerance())
    assert longer.first_difference == 7
    only = compare_series("loss", None, right, Tolerance())
    assert (only.result, only.left, only.right, only.points) == ("new", None, 4.0, 4)


def test_the_tolerance_is_the_callers() -> None:
    left, right = evidence(loss=[1.0]), evidence(loss=[1.1])
    assert judge(left, right, Tolerance(relative=0.2)).verdict == WITHIN_TOLERANCE
    assert judge(left, right, Tolerance(absolute=0.2)).verdict == WITHIN_TOLERANCE


def test_reasons_say_what_was_compared_and_what_was_found() -> None:
    left = evidence(A | {"log": ""}, loss=[1.0, 2.0], acc=[0.5])
    right = evidence(B | {"log": "sha256:4"}, loss=[1.0, 2.5])
    assert judge(left, right).reasons == (
        "1 of 3 points of 2 series identical",
        "series acc missing",
        "series loss different",
        "0 of 2 outputs identical",
        "output log unknown",
        "output model.pkl different",
    )
    near = judge(evidence(loss=[1.0]), evidence(loss=[1.0 + 1e-9]))
    assert near.reasons == (
        "0 of 1 points of 1 series identical",
        "compared within relative 1e-05, absolute 1e-08",
    )
    failed = judge(evidence(loss=[1.0]), evidence(ending="failed with exit status 1"))
    assert failed.reasons == ("the original finished, the reproduction failed with exit status 1",)
    assert judge(evidence(), evidence()).reasons == ("neither series nor outputs to compare",)


def test_which_verdicts_hold() -> None:
    assert {IDENTICAL, WITHIN_TOLERANCE, EQUIVALENT} == HELD


def test_what_can_be_judged() -> None:
    assert can_be_judged(evidence(loss=[1.0]))
    assert can_be_judged(evidence(A))
    assert not can_be_judged(evidence(UNHASHED))
    assert not can_be_judged(evidence())
