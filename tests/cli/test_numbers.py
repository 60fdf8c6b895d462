"""Numbers of a column as people would write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.cli.numbers import format_given, format_measured


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.91234, 0.5], ["0.9123", "0.5000"]),
        ([12.3456, 0.5], ["12.35", "0.50"]),
        ([1234.5678, 1.0], ["1235", "1"]),
        ([0.5123, 1e-9], ["0.5123", "1e-09"]),
        ([0.5123, None, math.nan, math.inf], ["0.5123", "", "nan", "inf"]),
        ([3, 2**70, True], ["3", str(2**70), "true"]),
        ([3.0, 4.0], ["3", "4"]),
        ([0.0, -0.2512], ["0.0000", "-0.2512"]),
        ([1e300], ["1e+300"]),
        ([], []),
        ([None], [""]),
    ],
)
def test_measured(values: list[object], expected: list[str]) -> None:
    assert format_measured(values) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, "0.1"), (3e-05, "3e-05"), (1e-4, "0.0001"), (0.1 + 0.2, "0.3"), (64, "64"),
     (True, "true"), (None, ""), ("a\x1bb", "a\\x1bb"), ([1, {"a": None}], "[1, {a: none}]")],
)  # fmt: skip
def test_given(value: object, expected: str) -> None:
    assert format_given([value]) == [expected]


# Close to the largest float, four digits round up to what reads as infinity.
floats = st.floats().filter(lambda value: math.isinf(value) or not abs(value) > 1e308)


@given(st.lists(floats | st.integers() | st.none() | st.text(max_size=3), max_size=5))
def test_every_value_has_a_text_close_to_it(values: list[object]) -> None:
    for texts in (format_measured(values), format_given(values)):
        assert len(texts) == len(values)
        assert all(text.isprintable() for text in texts)
    sizes = [abs(each) for each in values if isinstance(each, float) and math.isfinite(each)]
    for value, text in zip(values, format_measured(values), strict=True):
        if isinstance(value, float) and math.isfinite(value):
            assert math.isclose(float(text), value, rel_tol=1e-3, abs_tol=max(sizes) * 1e-3)
