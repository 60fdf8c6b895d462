from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

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
from runref.plot.columns import Column, column_of
from runref.plot.curves import Curve
from runref.plot.drawing import PictureUnwritable, draw, save
from runref.plot.formats import Format, UnknownFormat, format_of
from runref.plot.grouping import grouped

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

SVG = "{http://www.w3.org/2000/svg}"


def curve(label: str, count: int = 30) -> Curve:
    return Curve(label, range(count), [1 / (step + 1) for step in range(count)])


def texts(path: Path) -> list[str]:
    return [node.text or "" for node in ET.parse(path).iter(f"{SVG}text")]


def draw_curves(curves: Sequence[Curve], metric: str = "loss", **options: Any) -> Figure:
    return draw(CurvesChart([Panel(metric, curves)], **options))


def drawn(curves: list[Curve], path: Path, **options: Any) -> list[str]:
    save(draw_curves(curves, **options), path, "svg")
    return texts(path)


def column(name: str, *values: object) -> Column:
    return column_of(name, values)


CHARTS: dict[str, Chart] = {
    "curves": CurvesChart([Panel("a", [curve("x"), curve("y", 1)]), Panel("b", [curve("x")])]),
    "bands": CurvesChart([Panel("a", (), [grouped("g", [curve("x"), curve("y")])])]),
    "scatter": ScatterChart(
        ["1", "2", "3"],
        column("lr", 0.1, 0.01, 1),
        column("acc", 0.5, 0.7, 0.9),
        column("opt", "sgd", None, "adam"),
        log_x=True,
    ),
    "colour": ScatterChart(
        ["1", "2", "3"],
        column("opt", "b", "a", "b"),
        column("acc", 0.5, 0.7, 0.9),
        column("lr", 0.1, None, 10),
    ),
    "parallel": ParallelChart(
        ["1", "2"],
        [column("lr", 1e-4, 0.1), column("opt", "sgd", "adam"), column("acc", None, 0.9)],
        [True, False, False],
    ),
    "histogram": HistogramChart(
        column("acc", 1, 2, 2), [1, 1.5, 2], [Bars("sgd", [1, 0]), Bars("adam", [0, 2])], "opt"
    ),
    "confusion": MatrixChart("1", "t.csv", ["a", "b"], [[3, 1], [0, 0]], [[0.75, 0.25], [0, 0]]),
    "table": TableChart("1", "t.csv", ["id", "$x$"], [["1", "<&>"], ["2", ""]], "title"),
}


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
@pytest.mark.parametrize("name", CHARTS)
def test_equal_charts_give_equal_bytes(name: str, kind: Format, tmp_path: Path) -> None:
    pictures = []
    for number in (1, 2):
        path = tmp_path / f"{number}.{kind}"
        save(draw(CHARTS[name]), path, kind)
        pictures.append(path.read_bytes())
        mpl.rcParams["axes.facecolor"] = "black"  # a user's style changes nothing
    mpl.rcdefaults()
    assert pictures[0] == pictures[1]
    assert mpl.__version__.encode() not in pictures[0]


def svg_texts(chart: Chart, folder: Path) -> list[str]:
    save(draw(chart), folder / "a.svg", "svg")
    return texts(folder / "a.svg")


def test_a_png_has_150_dots_per_inch(tmp_path: Path) -> None:
    save(draw_curves([curve("a")]), tmp_path / "a.png", "png")
    assert mpl.image.imread(tmp_path / "a.png").shape[:2] == (675, 1080)


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    names = ["_private $x^2$", "学習率 naïve", "a<b>&c"]
    shown = drawn([curve(name) for name in names], tmp_path / "a.svg", metric="$m_1$", title="$t$")
    assert {"$m_1$", "$t$", "step"} <= set(shown)
    assert {text.lstrip("\N{ZERO WIDTH SPACE}") for text in shown} >= set(names)


@pytest.mark.parametrize("count", [1, 6, 7, 50, 56, 57, 120])
def test_every_run_is_in_the_legend_or_counted(count: int, tmp_path: Path) -> None:
    labels = [f"run-{number}" for number in range(count)]
    shown = drawn([curve(label) for label in labels], tmp_path / "a.svg")
    named = [text for text in shown if text.startswith("run-")]
    more = [text for text in shown if text.endswith(" more")]
    if count <= 56:
        assert named == labels
        assert more == []
    else:
        assert named == labels[:55]
        assert more == [f"and {count - 55} more"]


def test_the_runs_up_to_the_legends_end_look_different() -> None:
    figure = draw_curves([curve(str(number)) for number in range(56)])
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in figure.axes[0].lines}
    assert len(looks) == 56


def test_a_crowded_legend_stands_beside_the_axes() -> None:
    few = draw_curves([curve(str(number)) for number in range(6)])
    many = draw_curves([curve(str(number)) for number in range(7)])
    assert few.axes[0].get_legend() is not None
    assert few.legends == []
    assert many.axes[0].get_legend() is None
    assert len(many.legends) == 1


def test_a_single_point_is_a_dot_and_a_gap_is_a_gap() -> None:
    curves = [
        Curve("point", [3], [0.5]),
        Curve("gaps", range(6), [1, math.nan, 2, 3, math.inf, 4]),
        Curve("whole", [0, 1], [1, 2]),
    ]
    axes = draw_curves(curves).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[3], [0, 5]]
    gaps = list(axes.lines[2].get_ydata())
    assert [index for index, value in enumerate(gaps) if math.isnan(value)] == [1, 4]
    assert [handle.get_marker() for handle in axes.get_legend().legend_handles] == [
        "o",
        "None",
        "None",
    ]


@pytest.mark.parametrize(
    "values", [[], [math.nan], [math.inf, math.nan], [1e308, -1e308, 10**400], [0, 1e299, -1e299]]
)
def test_no_values_make_it_crash(values: list[float], tmp_path: Path) -> None:
    shown = drawn([Curve("run", range(len(values)), values)], tmp_path / "a.svg")
    finite = any(abs(value) <= 1e300 for value in values)
    assert ("run" if finite else "run (no finite value)") in shown


def test_no_runs_at_all(tmp_path: Path) -> None:
    assert "loss" in drawn([], tmp_path / "a.svg")


def test_steps_that_are_whole_have_whole_ticks() -> None:
    for steps, whole in (([0, 1, 2], True), ([0.1, 0.2, 0.3], False)):
        figure = draw_curves([Curve("run", steps, [1, 2, 3])])
        ticks = figure.axes[0].get_xticks()
        assert all(float(tick).is_integer() for tick in ticks) == whole


def test_a_long_series_makes_no_large_picture() -> None:
    values = [math.sin(step * step) for step in range(200_000)]
    figure = draw_curves([Curve("run", range(len(values)), values)])
    shown = list(figure.axes[0].lines[0].get_ydata())
    assert len(shown) <= 10_000
    assert (min(shown), max(shown)) == (min(values), max(values))


def test_the_format_is_the_names_ending() -> None:
    assert [format_of(Path(name)) for name in ("a.png", "b.c.SVG", "x/y.pdf")] == [
        "png",
        "svg",
        "pdf",
    ]
    for name in ("a.gif", "png", "a."):
        with pytest.raises(UnknownFormat) as caught:
            format_of(Path(name))
        assert caught.value.code == "unknown-picture-format"
        assert ".png, .svg, .pdf" in caught.value.hint


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(PictureUnwritable, match="No such file") as caught:
        save(draw_curves([]), tmp_path / "none" / "a.png", "png")
    assert caught.value.code == "picture-unwritable"


def test_no_window_system_and_no_pyplot() -> None:
    code = (
        "import sys\n"
        "import runref.plot.text\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from runref.plot.curves import Curve; from runref.plot.charts import CurvesChart, Panel\n"
        "from runref.plot.drawing import draw\n"
        "draw(CurvesChart([Panel('m', [Curve('a', [1], [1])])]))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    environ = {**os.environ, "MPLBACKEND": "TkAgg"}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environ)


def test_each_metric_has_axes_of_its_own_and_runs_keep_their_colours() -> None:
    x, y, z = (Curve(name, [0, 1], [1, 2], run=name) for name in "xyz")
    figure = draw(CurvesChart([Panel("a", [x, y]), Panel("b", [y, z]), Panel("c", [z])]))
    assert [axes.get_ylabel() for axes in figure.axes] == ["a", "b", "c"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "step"]
    colours = [[line.get_color() for line in axes.lines] for axes in figure.axes]
    assert colours[0][1] == colours[1][0]
    assert colours[1][1] == colours[2][0] != colours[0][0]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["x", "y", "z"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 13])
def test_every_column_of_panels_names_the_x_axis(count: int) -> None:
    figure = draw(CurvesChart([Panel(str(n), [curve("x")]) for n in range(count)]))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    columns = 1 if count <= 3 else 2 if count <= 8 else 3
    assert len(shown) == count
    assert sum(axes.get_xlabel() == "step" for axes in shown) == min(columns, count)


def test_the_raw_line_is_seen_pale_behind_the_smoothed_one() -> None:
    smooth = Curve("run", [0, 1, 2], [0, 4, 2], [0, 3, 2.5])
    raw, above = draw_curves([smooth], smoothing=0.6).axes[0].lines
    assert (list(raw.get_ydata()), list(above.get_ydata())) == ([0, 4, 2], [0, 3, 2.5])
    assert raw.get_alpha() < 0.5
    assert raw.get_zorder() < above.get_zorder()
    assert raw.get_color() == above.get_color()


def test_a_band_lies_around_its_mean() -> None:
    band = grouped("g (n=2)", [Curve("a", [0, 1], [1, 2]), Curve("b", [0, 1], [3, 6])], "minmax")
    axes = draw(CurvesChart([Panel("m", (), [band])])).axes[0]
    assert list(axes.lines[0].get_ydata()) == [2, 4]
    corners = axes.collections[0].get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (1, 6)


def test_what_is_not_above_zero_is_no_part_of_logarithmic_axes() -> None:
    figure = draw_curves([Curve("run", [0, 1, 2], [1, 0, 3])], log_x=True, log_y=True)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[2]]


def test_time_has_the_unit_that_fits(tmp_path: Path) -> None:
    hours = CurvesChart([Panel("m", [Curve("run", [0, 7200], [1, 2])])], "time")
    assert "time since the start (h)" in svg_texts(hours, tmp_path)
    wall = CurvesChart([Panel("m", [Curve("run", [1.79e9, 1.79e9 + 7200], [1, 2])])], "wall")
    assert {"time (UTC)", "2026-Sep-21"} <= set(svg_texts(wall, tmp_path))


def test_points_are_coloured_by_text_or_number(tmp_path: Path) -> None:
    text = draw(CHARTS["scatter"])
    assert [each.get_text() for each in text.legends[0].get_texts()] == ["adam", "sgd", "(none)"]
    number = draw(CHARTS["colour"])
    (points,) = number.axes[0].collections
    colours = [tuple(each) for each in points.get_facecolors()]
    assert len(set(colours)) == 3
    assert colours[1][:3] == pytest.approx((0xB0 / 255,) * 3)  # grey where there is none
    assert {"a", "b", "opt", "lr"} <= set(svg_texts(CHARTS["colour"], tmp_path))


def test_a_line_for_each_run_across_the_axes(tmp_path: Path) -> None:
    lines = draw(CHARTS["parallel"]).axes[0].lines
    heights = [list(line.get_ydata()) for line in lines if len(line.get_xdata()) == 3]
    assert heights[0][:2] == [0, 1]
    assert math.isnan(heights[0][2])
    assert heights[1] == [1, 0, 0.5]
    shown = set(svg_texts(CHARTS["parallel"], tmp_path))
    assert {"0.0001", "0.1", "sgd", "adam", "0.9", "acc"} <= shown


def test_bars_are_as_high_as_their_counts() -> None:
    figure = draw(CHARTS["histogram"])
    bars = figure.axes[0].patches
    assert [(bar.get_y(), bar.get_height()) for bar in bars] == [(0, 1), (0, 0), (1, 0), (0, 2)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sgd", "adam"]


def test_a_matrix_has_its_counts_and_shades(tmp_path: Path) -> None:
    (image,) = draw(CHARTS["confusion"]).axes[0].images
    assert image.get_array().tolist() == [[0.75, 0.25], [0, 0]]
    shown = svg_texts(CHARTS["confusion"], tmp_path)
    assert {"3", "1", "true", "predicted", "a", "b"} <= set(shown)


def test_many_classes_have_no_zeros_and_thousands_no_counts(tmp_path: Path) -> None:
    def matrix(count: int) -> MatrixChart:
        names = [f"c{n}" for n in range(count)]
        rows = [[7.0 * (a == b) for a in range(count)] for b in range(count)]
        return MatrixChart("1", "t.csv", names, rows, rows)

    assert "7" in svg_texts(matrix(50), tmp_path)
    assert "0" not in svg_texts(matrix(50), tmp_path)
    assert "7" not in svg_texts(matrix(61), tmp_path)


def test_a_long_table_counts_what_is_not_shown(tmp_path: Path) -> None:
    rows = [[str(number), "text"] for number in range(200)]
    shown = svg_texts(TableChart("1", "t.csv", ["id", "text"], rows), tmp_path)
    assert "and 140 more rows" in shown
    assert "59" in shown
    assert "60" not in shown
    assert {"$x$", "<&>"} <= set(svg_texts(CHARTS["table"], tmp_path))


@pytest.mark.parametrize(
    ("name", "count"), [*((name, 1) for name in CHARTS), ("curves", 5), ("curves", 50)]
)
def test_no_text_lies_outside_the_picture(name: str, count: int, tmp_path: Path) -> None:
    if name == "curves":
        chart: Chart = CurvesChart([Panel("a", [curve(f"run-{n}") for n in range(count)])])
    else:
        chart = CHARTS[name]
    save(draw(chart), tmp_path / "a.svg", "svg")
    root = ET.parse(tmp_path / "a.svg").getroot()
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for node in root.iter(f"{SVG}text"):
        x, y = _place(node)
        assert -1 <= x <= width + 1, node.text
        assert -1 <= y <= height + 1, node.text


def _place(node: ET.Element) -> tuple[float, float]:
    moved = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", node.get("transform", ""))
    if moved:
        return float(moved[1]), float(moved[2])
    return float(node.get("x", 0)), float(node.get("y", 0))


@pytest.mark.parametrize(("count", "named"), [(3, 3), (40, 40), (41, 21), (100, 34)])
def test_so_many_texts_are_named_as_have_room(count: int, named: int, tmp_path: Path) -> None:
    texts = column("seed", *(f"s{number}" for number in range(count)))
    numbers = column("acc", *range(count))
    shown = svg_texts(ScatterChart(["r"] * count, texts, numbers), tmp_path)
    assert sum(re.fullmatch(r"s\d+", text) is not None for text in shown) == named


def test_names_of_low_panels_are_short(tmp_path: Path) -> None:
    long = "a/very/long/name/" * 6
    alone = svg_texts(CurvesChart([Panel(long, [curve("x")])]), tmp_path)
    beside = svg_texts(CurvesChart([Panel(long, [curve("x")])] * 2), tmp_path)
    assert max(len(text) for text in alone if text.startswith("a/very")) == 46
    assert max(len(text) for text in beside if text.startswith("a/very")) == 26
