"""What varies among several runs, as rows."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runref.model.difference import compare_mappings
from runref.model.variation import Varying, varying

values = st.sampled_from([0.0, -0.0, 1, True, "1", None, math.nan])
mappings = st.dictionaries(st.sampled_from("abc"), values)


@given(mappings, mappings)
def test_of_two_it_is_what_differs_between_them(left: Any, right: Any) -> None:
    rows = varying([{"p": left}, {"p": right}], ["p"])
    assert [row.name for row in rows] == [each.name for each in compare_mappings(left, right)]


@given(mappings, st.integers(1, 4))
def test_nothing_varies_among_equal_ones(mapping: Any, count: int) -> None:
    assert varying([{"p": dict(mapping)}] * count, ["p"]) == ()


def test_rows_come_by_section_and_name_and_hold_what_there_is() -> None:
    facts: list[Any] = [
        {"m": {"loss": 1}, "p": {"lr": 1, "b": 1}},
        {"m": {"loss": 1}, "p": {"lr": 2, "b": 1}},
        {"m": {"loss": 2}, "p": {"b": 1}},
    ]
    assert varying(facts, ["p", "m"]) == (
        Varying("p", "lr", {0: 1, 1: 2}),
        Varying("m", "loss", {0: 1, 1: 1, 2: 2}),
    )


def test_a_run_of_which_a_section_is_not_known_is_not_compared_in_it() -> None:
    facts: list[Any] = [{"e": {"numpy": "1"}}, {}, {"e": {"numpy": "1"}}]
    assert varying(facts, ["e"]) == ()
    facts[2] = {"e": {}}
    assert varying(facts, ["e"]) == (Varying("e", "numpy", {0: "1"}),)
