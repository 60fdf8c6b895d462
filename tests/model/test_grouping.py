"""Groups hold every row once, and come to what a plain computation gives."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.grouping import AGGREGATES, group

keys = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([1.0, math.nan, math.inf, 0.5]),
    st.sampled_from(["", "1", "a"]), st.lists(st.integers(0, 1), max_size=2),
)  # fmt: skip
cells = st.one_of(
    st.none(), st.booleans(), st.just("text"), st.floats(-1e6, 1e6), st.integers(-9, 9),
    st.just(math.nan), st.just(2**70),
)  # fmt: skip


def exact(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


@given(st.lists(st.tuples(keys, keys, cells, cells), max_size=12))
def test_every_row_is_in_the_group_of_its_key(rows: list[tuple[Any, ...]]):
    found = group(rows, 2, list(AGGREGATES))
    assert sum(each.runs for each in found.groups) == len(rows)
    held = [tuple(map(exact, each.key)) for each in found.groups]
    assert len(set(held)) == len(held)
    assert set(held) == {tuple(map(exact, row[:2])) for row in rows}
    for each, key in zip(found.groups, held, strict=True):
        members = [row for row in rows if tuple(map(exact, row[:2])) == key]
        assert each.runs == len(members)
        for place, values in enumerate(each.values, 2):
            numbers = [row[place] for row in members if is_number(row[place])]
            assert values["count"] == len(numbers)
            if not numbers:
                assert values == {"count": 0}
                continue
            assert (values["min"], values["max"]) == (min(numbers), max(numbers))
            assert values["mean"] == pytest.approx(statistics.fmean(numbers), abs=1e-6)
            assert values["median"] == statistics.median(numbers)
            assert (values["std"] is None) == (len(numbers) == 1)
    if rows:
        present = [[row[place] for row in rows if row[place] is not None] for place in (2, 3)]
        left_out = [sum(not is_number(value) for value in column) for column in present]
        assert list(found.left_out) == left_out


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and not math.isnan(value)


@given(st.lists(st.tuples(keys, st.just(1)), max_size=12), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_rows(rows: list[tuple[Any, ...]], random: Any):
    shuffled = list(rows)
    random.shuffle(shuffled)
    counts = lambda each: {exact(one.key[0]): one.runs for one in each.groups}  # noqa: E731
    assert counts(group(rows, 1, ["count"])) == counts(group(shuffled, 1, ["count"]))


def test_keys_come_in_an_order_that_people_expect():
    values = ["b", None, 10, math.nan, 2, "a", -math.inf, 0.5]
    found = group([(value, 1) for value in values], 1, ["count"])
    assert [repr(each.key[0]) for each in found.groups] == [
        "-inf", "0.5", "2", "10", "nan", "'a'", "'b'", "None",
    ]  # fmt: skip


def test_infinities_have_no_spread_but_are_numbers():
    (found,) = group([("a", math.inf), ("a", 1.0)], 1, ["mean", "std", "max", "count"]).groups
    assert found.values[0]["mean"] == math.inf
    assert math.isnan(found.values[0]["std"] or 0)
    assert found.values[0]["max"] == math.inf
    assert found.values[0]["count"] == 2
    (both,) = group([("a", math.inf), ("a", -math.inf)], 1, ["mean", "sum", "median"]).groups
    assert all(math.isnan(value) for value in both.values[0].values())
    (large,) = group([("a", 1e308), ("a", 1e308)], 1, ["mean", "sum"]).groups
    assert large.values[0] == {"mean": 1e308, "sum": math.inf}
    (wide,) = group([("a", 2**2000), ("a", 1)], 1, list(AGGREGATES)).groups
    assert wide.values[0]["max"] == 2**2000
    assert wide.values[0]["median"] == math.inf
