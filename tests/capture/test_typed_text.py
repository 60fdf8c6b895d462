from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.capture.command.typed_text import is_number, typed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-3", -3), ("+3", 3), ("0", 0), ("0.1", 0.1), (".5", 0.5), ("1.", 1.0),
        ("1e-4", 1e-4), ("-1E+3", -1000.0), ("inf", math.inf), ("-.inf", -math.inf),
        ("true", True), ("False", False), ("null", None), ("~", None),
        ("", ""), ("yes", "yes"), ("None", "None"), ("007", "007"), ("00.5", "00.5"),
        ("1_000", "1_000"), ("0x10", "0x10"), ("1e", "1e"), ("2026-11-21", "2026-11-21"),
        ("٣", "٣"), ("9" * 5000, "9" * 5000), (str(2**70), 2**70),
        ("[]", []), ("[1,2]", [1, 2]), ("[1, [2.5, a], 'b,c', null]", [1, [2.5, "a"], "b,c", None]),
        ("[1,,2]", "[1,,2]"), ("[1,2", "[1,2"), ("[1]]", "[1]]"), ("[1][2]", "[1][2]"),
        ("'a b'", "a b"), ('"3"', "3"), ("'", "'"), ("'a'b'", "'a'b'"), ("[{a:1},2]", ["{a:1}", 2]),
    ],
)  # fmt: skip
def test_text_is_typed_as_documented(text: str, value: object) -> None:
    found = typed(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number() -> None:
    assert math.isnan(typed("nan"))  # type: ignore[arg-type]
    assert is_number("-1e-4")
    assert not is_number("-x")
    assert not is_number("true")


@given(st.integers(min_value=-(10**4000), max_value=10**4000) | st.floats(allow_nan=False))
def test_a_number_comes_back_with_all_its_bits(number: float) -> None:
    assert typed(repr(number)) == number


@given(st.recursive(st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=4)))
def test_a_list_comes_back(value: object) -> None:
    assert typed(repr(value)) == value


@given(st.text(alphabet="[]{}'\",1a. ", max_size=40) | st.text())
def test_any_text_is_a_value(text: str) -> None:
    typed(text)


def test_a_deep_list_does_not_exhaust_the_stack() -> None:
    typed("[" * 10_000 + "]" * 10_000)
