"""The laws of merging: the order, the grouping and the number of merges make no difference."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.merge import HistoriesDisagree, Item, Kind, Side, merge

RUNS = [f"20261121-{number:012x}" for number in range(4)]
History = dict[Item, str]

items = st.builds(
    lambda run, kind, name: Item(kind, run, "" if kind is Kind.RUN else name),
    st.sampled_from(RUNS),
    st.sampled_from([Kind.RUN, Kind.ANNOTATION, Kind.ANNOTATION, Kind.TOMBSTONE]),
    st.sampled_from(["a.yaml", "b.yaml"]),
)


def honest(held: set[Item]) -> History:
    """What a real history holds: each thing with the one content it has everywhere."""
    gone = {item.run for item in held if item.kind is Kind.TOMBSTONE}
    return {
        item: f"oid of {item.kind.value} {item.run} {item.name}"
        for item in held
        if item.kind is Kind.TOMBSTONE or item.run not in gone
    }


histories = st.sets(items, max_size=8).map(honest)


def merged(ours: Mapping[Item, str], theirs: Mapping[Item, str]) -> History:
    """Return what two histories come to, from what a merge says of them."""
    both = merge(ours, theirs)
    shared = {item: oid for item, oid in ours.items() if item in theirs}
    gone = {*both.forgotten_here, *both.forgotten_there}
    assert not gone & {item.run for item in shared if item.kind is Kind.RUN}
    return shared | dict(both.from_ours) | dict(both.from_theirs)


@given(histories, histories)
def test_either_side_may_merge(ours: History, theirs: History) -> None:
    assert merged(ours, theirs) == merged(theirs, ours)


@given(histories, histories, histories)
def test_any_pair_may_merge_first(one: History, two: History, three: History) -> None:
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(histories, histories)
def test_merging_again_changes_nothing(ours: History, theirs: History) -> None:
    once = merged(ours, theirs)
    assert merged(once, theirs) == once
    assert merged(once, once) == once
    again = merge(once, theirs)
    assert not again.from_theirs
    assert not again.forgotten_here


@given(histories, histories)
def test_nothing_is_lost_but_what_was_forgotten(ours: History, theirs: History) -> None:
    gone = {item.run for item in {**ours, **theirs} if item.kind is Kind.TOMBSTONE}
    expected = {
        item: oid
        for item, oid in {**ours, **theirs}.items()
        if item.kind is Kind.TOMBSTONE or item.run not in gone
    }
    assert merged(ours, theirs) == expected


@given(histories, histories)
def test_differences_say_as_much_as_everything(ours: History, theirs: History) -> None:
    """Comparing trees tells only what differs, and which runs have a tombstone somewhere."""
    left = {item: oid for item, oid in ours.items() if item not in theirs}
    right = {item: oid for item, oid in theirs.items() if item not in ours}
    forgotten = {item.run for item in {**ours, **theirs} if item.kind is Kind.TOMBSTONE}
    assert merge(left, right, forgotten) == merge(ours, theirs)


@given(histories, histories)
def test_the_history_goes_on_that_has_forgotten_all(ours: History, theirs: History) -> None:
    mine, yours = (
        {item for item in held if item.kind is Kind.TOMBSTONE} for held in (ours, theirs)
    )
    expected = {
        (True, True): Side.EITHER,
        (True, False): Side.OURS,
        (False, True): Side.THEIRS,
        (False, False): Side.NEITHER,
    }[mine >= yours, yours >= mine]
    assert merge(ours, theirs).goes_on is expected


def test_a_run_that_differs_is_refused_from_either_side() -> None:
    run = Item(Kind.RUN, RUNS[0])
    for ours, theirs in (("a", "b"), ("b", "a")):
        with pytest.raises(HistoriesDisagree) as caught:
            merge({run: ours}, {run: theirs})
        assert RUNS[0] in caught.value.message
