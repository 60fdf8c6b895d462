from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.text_width import cut, width_of
from runref.plot.charts import (
    Bars,
    Chart,
    CurvesChart,
    HistogramChart,
    MatrixChart,
    Panel,
    ParallelChart,
    ScatterChart,
    TableChart,
)
from runref.plot.columns import column_of
from runref.plot.curves import Curve
from runref.plot.text import draw_text
from runref.plot.text.canvas import Canvas, Pen

NAN = math.nan
NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**400), 10**400)
NAMES = st.text(max_size=30)


def plain(chart: Chart, width: int = 40) -> list[str]:
    return draw_text(chart, width, unicode=False, colour=False)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    name = draw(NAMES)
    count = draw(st.integers(1, 6))
    numbers = draw(st.lists(NUMBERS, min_size=count, max_size=count))
    others = draw(st.lists(NUMBERS | NAMES, min_size=count, max_size=count))
    runs = [str(at) for at in range(count)]
    column, other = column_of(name, numbers), column_of(name, others)
    kind = draw(st.integers(0, 4))
    if kind == 0:
        curves = [
            Curve(f"{name}{at}", range(count), numbers) for at in range(draw(st.integers(0, 30)))
        ]
        log = draw(st.booleans())
        return CurvesChart([Panel(name, curves)], log_x=log, log_y=log, title=name)
    if kind == 1:
        return ScatterChart(runs, other, column, draw(st.sampled_from([None, other])), title=name)
    if kind == 2:
        return ParallelChart(runs, [column, other, column], [False] * 3, name)
    if kind == 3:
        return TableChart("run", name, [name, "b"], [[name, "2"]] * count, name)
    return MatrixChart(
        "run", name, [name] * count, [[0.5] * count] * count, [[1.0] * count] * count
    )


@given(charts(), st.integers(30, 120), st.booleans(), st.booleans())
def test_no_line_is_wider_than_the_screen(
    chart: Chart, width: int, unicode: bool, colour: bool
) -> None:
    for line in draw_text(chart, width, unicode=unicode, colour=colour):
        shown = re.sub("\x1b\\[\\d+m", "", line)
        assert width_of(shown) <= width or isinstance(chart, TableChart)
        assert "\x1b" not in shown
        assert colour or shown == line
        assert shown.isprintable()
        assert unicode or shown.isascii()


def test_a_curve_rises_from_left_to_right() -> None:
    chart = CurvesChart([Panel("loss", [Curve("run 4f1c", [0, 10], [0, 1])])], title="digits")
    lines = plain(chart)
    assert lines[0] == "digits: loss"
    assert lines[-2].strip() == "step"
    assert lines[-1] == "* run 4f1c"
    plot = [line.split("|")[-1].split("+")[-1] for line in lines[1:16]]
    assert plot[0].rstrip().endswith("*")
    assert plot[-1].startswith("*")
    columns = [row.index("*") for row in plot if "*" in row]
    assert columns == sorted(columns, reverse=True)


def test_curves_differ_in_their_symbols_or_their_colours() -> None:
    curves = [Curve("a", [0, 1], [0, 0]), Curve("b", [0, 1], [1, 1])]
    text = "\n".join(plain(CurvesChart([Panel("m", curves)])))
    assert "****" in text
    assert "oooo" in text
    coloured = "\n".join(
        draw_text(CurvesChart([Panel("m", curves)]), 40, unicode=True, colour=True)
    )
    assert "\x1b[34m" in coloured
    assert "\x1b[33m" in coloured


def test_gaps_are_not_joined() -> None:
    canvas = Canvas(11, 1, braille=False)
    canvas.line([0, 0.2, 0.4, 0.6, 1], [0.5, 0.5, NAN, 0.5, 0.5], Pen("*"))
    assert canvas.rows() == ["***   *****"]


def test_a_dot_is_one_of_eight() -> None:
    canvas = Canvas(1, 1, braille=True)
    canvas.point(0, 1, Pen("*"))
    assert canvas.rows() == ["⠁"]
    canvas.point(1, 0, Pen("*"))
    canvas.point(2, 0, Pen("*"))
    assert canvas.rows() == ["⢁"]


def test_bars_are_as_long_as_their_counts() -> None:
    column = column_of("acc", [1, 2, 2, 2, 2])
    lines = plain(HistogramChart(column, [1, 1.5, 2], [Bars("acc", [1, 4])]))
    assert [line.count("#") for line in lines[1:]] == [7, 27]
    assert lines[1].startswith("  1 - 1.5 1")
    stacked = [Bars("sgd", [1, 0]), Bars("adam", [0, 4])]
    lines = plain(HistogramChart(column, [1, 1.5, 2], stacked, "opt"))
    assert lines[2].count("o") == 27
    assert lines[-1].split() == ["*", "sgd", "o", "adam"]


def test_a_matrix_and_a_table() -> None:
    matrix = MatrixChart("r", "t.csv", ["cat", "dog"], [[5, 1], [0, 7]], [[0.8, 0.2], [0, 1]])
    assert plain(matrix)[1:] == ["        1   2", "1 cat   5   1", "2 dog   0   7"]
    table = TableChart("r", "t.csv", ["id", "text"], [["1", "a"], ["10", "b"]], "t.csv of run r")
    assert plain(table) == ["t.csv of run r", "id  text", " 1  a", "10  b"]


def test_both_ends_of_parallel_axes_are_named() -> None:
    columns = [column_of("lr", [1e-4, 0.1]), column_of("opt", ["sgd", "adam"])]
    lines = plain(ParallelChart(["a", "b"], columns, [True, False]))
    assert lines[0].split() == ["0.1", "sgd"]
    assert lines[-3].split() == ["lr", "(log)", "opt"]
    assert lines[-4].split() == ["0.0001", "adam"]


@given(st.text(max_size=20), st.integers(1, 20))
def test_cut_text_fits(text: str, width: int) -> None:
    assert width_of(cut(text, width)) <= width


@pytest.mark.parametrize("values", [[], [NAN], [math.inf], [5], [5, 5], [1e308, -1e308]])
def test_any_values_give_a_plot(values: list[float]) -> None:
    chart = CurvesChart([Panel("m", [Curve("a", range(len(values)), values)])])
    drawn = any(abs(value) <= 1e300 for value in values)
    assert plain(chart)[-1] == ("* a" if drawn else "* a (no finite value)")
