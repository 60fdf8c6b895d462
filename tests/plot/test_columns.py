from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.plot.columns import Column, NotNumeric, column_of, natural, spans_decades
from runref.plot.histogram import bin_edges, counted
from runref.plot.scales import number_scale, scale_of
from runref.plot.tables import NotATable, fitted, read_matrix, read_table
from runref.plot.units import shown, unit_of

NAN = math.nan
NUMBERS = st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=50)
ABOVE = st.lists(st.floats(1e-100, 1e100), min_size=1, max_size=50)


def test_a_column_is_numbers_or_text() -> None:
    numbers = column_of("lr", [1, 0.5, None, NAN, math.inf, "", 10**400])
    assert (numbers.kind, list(numbers.values)) == ("number", [1.0, 0.5, *[None] * 5])
    text = column_of("opt", ["10x", 2, True, None, "2x"])
    assert (text.kind, list(text.values)) == ("text", ["10x", "2", "true", None, "2x"])
    assert text.categories == ["2", "2x", "10x", "true"]
    assert [n for n in text.numbers if n == n] == [2, 0, 3, 1]


def test_text_is_refused_where_numbers_are_needed() -> None:
    with pytest.raises(NotNumeric, match=r"opt is text \('adam', 'sgd'\)") as caught:
        column_of("opt", ["sgd", "adam"]).required("histogram")
    assert caught.value.code == "not-numeric"


def test_numbers_in_texts_sort_by_value() -> None:
    texts = ["run10", "run2", "1e-2", "1e-3", "0.1", "a"]
    assert sorted(texts, key=natural) == ["1e-3", "1e-2", "0.1", "a", "run2", "run10"]


@pytest.mark.parametrize(
    ("values", "wide"),
    [([1e-4, 1e-2], True), ([1, 99], False), ([0, 100], False), ([-1, 1e3], False), ([], False)],
)
def test_when_an_axis_is_logarithmic(values: list[float], wide: bool) -> None:
    assert spans_decades([*values, NAN]) == wide


@given(NUMBERS, st.none() | st.integers(1, 40))
def test_every_value_is_in_one_bin(values: list[float], bins: int | None) -> None:
    edges = bin_edges(values, bins)
    assert edges[0] <= min(values)
    assert edges[-1] >= max(values)
    assert all(low <= high for low, high in pairwise(edges))
    counts = counted(values, edges)
    assert sum(counts) == len(values)
    assert bins is None or len(counts) == bins
    assert len(counts) <= 100


@given(ABOVE)
def test_every_value_is_in_one_logarithmic_bin(values: list[float]) -> None:
    edges = bin_edges(values, log=True)
    assert 0 < edges[0] <= min(values)
    assert edges[-1] >= max(values)
    assert sum(counted(values, edges)) == len(values)


def test_bins_have_their_lower_edge() -> None:
    assert counted([0, 1, 1.5, 2], [0, 1, 2]) == [1, 3]
    assert counted([3, 3], bin_edges([3, 3])) == [2]


@given(NUMBERS)
def test_values_stand_between_the_ends_of_a_scale(values: list[float]) -> None:
    scale = number_scale(values)
    heights = [scale.height(value) for value in values]
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in heights)
    assert all(-0.001 <= scale.height(at) <= 1.001 for at, _ in scale.ticks())


@given(ABOVE)
def test_logarithmic_values_stand_between_the_ends(values: list[float]) -> None:
    scale = number_scale(values, log=True)
    assert all(-1e-6 <= scale.height(value) <= 1 + 1e-6 for value in values)
    assert math.isnan(scale.height(0))
    assert scale.ticks()


def test_ticks_are_round() -> None:
    assert [text for _, text in number_scale([0, 1]).ticks()] == [
        "0.0",
        "0.2",
        "0.4",
        "0.6",
        "0.8",
        "1.0",
    ]
    assert [text for _, text in number_scale([1e-4, 0.1], log=True).ticks()] == [
        "0.0001",
        "0.001",
        "0.01",
        "0.1",
    ]
    assert number_scale([3, 3]).ticks() == [(3, "3")]
    assert [t for _, t in number_scale([0, 7200], kind="duration").ticks(4)][-1] == "2.0 h"
    days = number_scale([1.79e9, 1.79e9 + 10 * 86400], kind="moment").ticks()
    assert days[0][1].startswith("2026-09-")
    names = scale_of(Column("o", "text", ["b", "a", "b"]), log=False)
    assert (names.ticks(), names.height(0.0), names.height(1.0)) == ([(0, "a"), (1, "b")], 0, 1)


def test_units() -> None:
    assert [unit_of([seconds])[1] for seconds in (1, 119, 120, 7200, 200_000)] == [
        "s",
        "s",
        "min",
        "h",
        "d",
    ]
    assert [shown(v) for v in (0, 3.0, 0.12345, 1e7, -2)] == ["0", "3", "0.1235", "1e+07", "-2"]
    assert shown(90 * 60, "duration") == "90 min"


def test_a_table_is_read_as_written() -> None:
    table = read_table(b'\xef\xbb\xbfid,text\n1,"a,b"\n\n2\n', "t.csv")
    assert (table.columns, table.rows) == (["id", "text"], [["1", "a,b"], ["2", ""]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "t.csv is empty"),
        (b"\xff\xfe\x00", "t.csv is no CSV file"),
        (b"a\n1,2\n", "row 2 has 2 cells, the first 1"),
    ],
)
def test_what_is_no_table(data: bytes, message: str) -> None:
    with pytest.raises(NotATable, match=message) as caught:
        read_table(data, "t.csv")
    assert caught.value.code == "not-a-table"


def test_a_matrix_and_its_shares() -> None:
    matrix = read_matrix(b"true \\ predicted,a,b\na,3,1\nb,0,0\n", "m.csv")
    assert (matrix.labels, matrix.counts) == (["a", "b"], [[3, 1], [0, 0]])
    assert matrix.shares() == [[0.75, 0.25], [0, 0]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,2\n", "rows are not named"),
        (b"x\n", "rows are not named"),
        (b"x,a\na,no\n", "'no' is no count"),
        (b"x,a\na,-1\n", "'-1' is no count"),
        (b"x,a\na,nan\n", "'nan' is no count"),
    ],
)
def test_what_is_no_matrix(data: bytes, message: str) -> None:
    with pytest.raises(NotATable, match=message):
        read_matrix(data, "m.csv")


def test_what_does_not_fit_is_counted() -> None:
    rows = [[str(at), "x" * 50, "y"] for at in range(5)]
    page = fitted(["id", "long", "more"], rows, rows_shown=3, width=50)
    assert (page.columns, len(page.rows), page.widths) == (["id", "long"], 3, [2, 40])
    assert page.right == [True, False]
    assert page.left_out == "and 2 more rows and 1 more columns"
    assert fitted(["a"], [], rows_shown=3, width=50).left_out == ""
