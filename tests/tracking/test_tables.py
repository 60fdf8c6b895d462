from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.tracking.tables import matrix_text, path_of, table_text

CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.slow
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_text_comes_back_as_it_was(rows: list[list[str]]) -> None:
    assert read(table_text(["a", "b"], rows)) == [["a", "b"], *rows]


@given(st.floats(allow_nan=False))
def test_floats_keep_all_their_digits(value: float) -> None:
    (_, (cell,)) = read(table_text(["x"], [[value]]))
    assert float(cell) == value


def test_cells_of_every_kind() -> None:
    rows = [
        [1, 0.1, None, True],
        {"d": "text", "a": np.float32(0.5)},
        np.array([1, 2, 3, 4]),
        [math.nan, -math.inf, "a,b", 'quo"ted\nlines'],
    ]
    assert read(table_text("abcd", rows))[1:] == [
        ["1", "0.1", "", "True"],
        ["0.5", "", "", "text"],
        ["1", "2", "3", "4"],
        ["NaN", "-Infinity", "a,b", 'quo"ted\nlines'],
    ]


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        ([], [], "at least one column"),
        (["a"], [[1], [1, 2]], "row 2 has 2 cells for 1 columns"),
        (["a"], [{"b": 1}], "row 1 has a cell for 'b', which is no column"),
    ],
)
def test_what_is_no_table(columns: list[str], rows: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table_text(columns, rows)


def test_a_matrix_has_its_classes_in_both_directions() -> None:
    text = matrix_text(["cat", "dog"], np.array([[5, 1], [0, 7]]))
    assert text == "true \\ predicted,cat,dog\ncat,5,1\ndog,0,7\n"
    assert matrix_text([0, 1], [[0.5, 0.5], [0, 1]]).splitlines()[1] == "0,0.5,0.5"


@pytest.mark.parametrize(
    ("labels", "matrix", "message"),
    [
        (["a", "b"], [[1, 2]], "1 x 2 does not fit 2 classes"),
        (["a"], [[1, 2]], "1 x 2 does not fit 1 classes"),
        ([], [], "0 x 0 does not fit 0 classes"),
        (["a"], [[-1]], "holds counts"),
        (["a"], [[math.nan]], "holds counts"),
    ],
)
def test_what_is_no_confusion_matrix(labels: list[str], matrix: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        matrix_text(labels, matrix)


def test_the_path_of_a_table_ends_in_csv_once() -> None:
    assert [path_of("val"), path_of("val/top.csv")] == ["tables/val.csv", "tables/val/top.csv"]
