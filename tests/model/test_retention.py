"""Laws of retention: what goes, what stays, and that each has a reason."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from runref.model.retention import DAY, Candidate, Decision, Policy, decide

AGES = st.sampled_from([0.0, 1.0, DAY, 7 * DAY, 30 * DAY, 31 * DAY, 400 * DAY])
LIMITS = st.none() | AGES
VALUES = st.none() | st.floats(allow_nan=True, allow_infinity=True)

runs = st.lists(
    st.builds(
        Candidate,
        id=st.uuids().map(str),
        experiment=st.sampled_from(["", "a", "b"]),
        status=st.sampled_from(["finished", "failed", "interrupted"]),
        age=AGES,
        tagged=st.booleans(),
        value=VALUES,
        matches=st.booleans(),
        removed=st.none() | AGES,
    ),
    max_size=30,
    unique_by=lambda run: run.id,
)
policies = st.builds(
    Policy,
    older_than=LIMITS,
    failed=LIMITS,
    interrupted=LIMITS,
    removed=LIMITS,
    matching=st.booleans(),
    keep_best=st.integers(0, 5),
    smallest=st.booleans(),
    by=st.just("loss"),
    keep_tagged=st.booleans(),
)


def going(decisions: list[Decision]) -> set[str]:
    return {each.id for each in decisions if each.goes}


@given(runs, policies)
def test_every_run_has_one_decision_with_a_reason(found: list[Candidate], policy: Policy) -> None:
    decisions = decide(found, policy)
    assert [each.id for each in decisions] == [run.id for run in found]
    assert all(each.reason for each in decisions)


@given(runs, policies)
def test_nothing_goes_that_nothing_lets_go(found: list[Candidate], policy: Policy) -> None:
    gone = going(decide(found, policy))
    if not policy.lets_go:
        assert not gone
    for run in found:
        if run.id in gone:
            limits = [policy.older_than]
            limits += [policy.failed] if run.status == "failed" else []
            limits += [policy.interrupted] if run.status == "interrupted" else []
            old = any(limit is not None and run.age > limit for limit in limits)
            hidden = (
                run.removed is not None
                and policy.removed is not None
                and run.removed > policy.removed
            )
            assert run.matches
            assert old or hidden or policy.matching


@given(runs, policies)
def test_what_is_kept_stays(found: list[Candidate], policy: Policy) -> None:
    gone = going(decide(found, policy))
    if policy.keep_tagged:
        assert not gone & {run.id for run in found if run.tagged}
    for experiment in {run.experiment for run in found}:
        ranked = [
            run
            for run in found
            if run.experiment == experiment and run.value is not None and not math.isnan(run.value)
        ]
        ranked.sort(key=lambda run: run.value or 0.0, reverse=not policy.smallest)
        kept = [run for run in ranked if run.id not in gone]
        # Whoever goes is no better than any of the best that were to stay.
        assert len(kept) >= min(policy.keep_best, len(ranked))
        for run in ranked[: policy.keep_best]:
            better = [other for other in kept if other.value == run.value or other is run]
            assert better


@given(runs, policies)
def test_keeping_more_lets_no_other_go(found: list[Candidate], policy: Policy) -> None:
    gone = going(decide(found, policy))
    assert going(decide(found, replace(policy, keep_tagged=True))) <= gone
    assert going(decide(found, replace(policy, keep_best=policy.keep_best + 1))) <= gone
    assert going(decide(found, replace(policy, failed=None))) <= gone


@given(runs, policies)
def test_the_order_does_not_matter(found: list[Candidate], policy: Policy) -> None:
    assert set(decide(found, policy)) == set(decide(found[::-1], policy))


@given(runs, policies)
def test_what_went_leaves_nothing_more_to_go(found: list[Candidate], policy: Policy) -> None:
    gone = going(decide(found, policy))
    rest = [run for run in found if run.id not in gone]
    assert not going(decide(rest, policy))


def test_reasons_for_people() -> None:
    old = Candidate("x", "digits", "failed", 40 * DAY, value=0.5)
    policy = Policy(failed=30 * DAY, keep_best=1, by="val/acc", keep_tagged=True)
    best = "among the best 1 of digits by val/acc (failed, over 30 d old)"
    assert decide([old], policy) == [Decision("x", False, best, kept=True)]
    assert decide([replace(old, value=None)], policy) == [
        Decision("x", True, "failed, over 30 d old")
    ]
    assert decide([replace(old, value=None, tagged=True)], policy) == [
        Decision("x", False, "tagged (failed, over 30 d old)", kept=True)
    ]
    assert decide([replace(old, age=30 * DAY, value=None)], policy) == [
        Decision("x", False, "nothing lets it go")
    ]
