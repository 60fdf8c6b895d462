"""What is worked out before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.artifacts.transfer.plan import PushPlan, plan_push
from runref.artifacts.transfer.wanted import Needed

FILE = "sha256:" + "1" * 64


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


digests = st.integers(0, 9).map(digest)
sizes = st.integers(0, 3)
needs = st.builds(
    Needed,
    files=st.dictionaries(digests, sizes | st.none()),
    manifests=st.dictionaries(digests, st.lists(digests, unique=True).map(tuple)),
    absent=st.sets(digests),
)


@given(needs, st.dictionaries(digests, sizes), st.dictionaries(digests, sizes))
def test_every_content_has_one_fate(needed, present, held):
    plan = plan_push(needed, present, held.get)

    fates = [*plan.sizes, *plan.missing]
    assert len(fates) == len(set(fates))
    assert set(fates) <= needed.digests
    assert plan.already == len(needed.digests) - len(fates)
    assert {*plan.files, *plan.manifests} == plan.sizes.keys()
    assert set(plan.replaced) == plan.sizes.keys() & present.keys()
    for each, size in plan.sizes.items():
        assert size == held[each] != present.get(each)
    for each in plan.missing:
        assert each not in held or each in needed.absent
    largest_first = [plan.sizes[each] for each in plan.files]
    assert largest_first == sorted(largest_first, reverse=True)


@pytest.mark.parametrize(
    ("expected", "there", "here", "fate"),
    [
        (5, 5, 5, "already"),
        (5, 5, None, "already"),
        (5, 5, 4, "already"),  # what is here is cut off; the next who reads it says so
        (5, 4, 4, "already"),  # the record is wrong: the remote verified what it has
        (5, 4, 5, "replaced"),
        (5, 4, None, "missing"),
        (0, 5, None, "missing"),
        (5, None, 5, "sent"),
        (5, None, None, "missing"),
        (None, 5, None, "already"),
        (None, 4, 5, "replaced"),
    ],
)
def test_sizes_decide(expected, there, here, fate):
    present = {} if there is None else {FILE: there}
    plan = plan_push(Needed(files={FILE: expected}), present, lambda _digest: here)

    assert (
        plan.already,
        plan.missing == [FILE],
        plan.files == [FILE],
        plan.replaced == [FILE],
    ) == {
        "already": (1, False, False, False),
        "missing": (0, True, False, False),
        "sent": (0, False, True, False),
        "replaced": (0, False, True, True),
    }[fate]


def test_a_manifest_that_was_not_here_is_not_sent():
    plan = plan_push(Needed(absent={FILE}), {}, lambda _digest: 5)
    assert (plan.missing, plan.sizes) == ([FILE], {})


@given(st.lists(st.integers(0, 255), min_size=8, max_size=8), st.randoms())
def test_a_manifest_comes_after_those_it_names(masks, random):
    # A digest cannot be part of what it is the digest of: manifests name earlier ones only.
    manifests = {
        digest(number): (FILE, *(digest(each) for each in range(number) if mask >> each & 1))
        for number, mask in enumerate(masks)
    }
    plan = PushPlan(manifests=dict(random.sample(list(manifests.items()), len(manifests))))

    done: set[str] = {FILE}
    for ready in plan.rounds():
        assert all(done.issuperset(manifests[each]) for each in ready)
        done.update(ready)
    assert done == {FILE, *manifests}


def test_sizes_that_contradict_each_other_are_none():
    needed = Needed()
    for size in (3, 3, 4, 3):
        needed.add_file(FILE, size)
        needed.add_file(digest(2), 7)
    assert needed.files == {FILE: None, digest(2): 7}
