from __future__ import annotations

import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import pytest

from runref.plot.curves import Curve
from runref.plot.figures import PictureUnwritable, draw_curves, save
from runref.plot.formats import Format, UnknownFormat, format_of

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

SVG = "{http://www.w3.org/2000/svg}"


def curve(label: str, count: int = 30) -> Curve:
    return Curve(label, range(count), [1 / (step + 1) for step in range(count)])


def texts(path: Path) -> list[str]:
    return [node.text or "" for node in ET.parse(path).iter(f"{SVG}text")]


def drawn(curves: list[Curve], path: Path, **names: str) -> list[str]:
    save(draw_curves(curves, **{"metric": "loss", "x_label": "step"} | names), path, "svg")
    return texts(path)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_equal_curves_give_equal_bytes(kind: Format, tmp_path: Path) -> None:
    pictures = []
    for number in (1, 2):
        path = tmp_path / f"{number}.{kind}"
        save(draw_curves([curve("a"), curve("b", 1)], metric="m", x_label="x"), path, kind)
        pictures.append(path.read_bytes())
        mpl.rcParams["axes.facecolor"] = "black"  # a user's style changes nothing
    mpl.rcdefaults()
    assert pictures[0] == pictures[1]
    assert mpl.__version__.encode() not in pictures[0]


def test_a_png_has_150_dots_per_inch(tmp_path: Path) -> None:
    save(draw_curves([curve("a")], metric="m", x_label="x"), tmp_path / "a.png", "png")
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
    figure = draw_curves([curve(str(number)) for number in range(56)], metric="m", x_label="x")
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in figure.axes[0].lines}
    assert len(looks) == 56


def test_a_crowded_legend_stands_beside_the_axes() -> None:
    few = draw_curves([curve(str(number)) for number in range(6)], metric="m", x_label="x")
    many = draw_curves([curve(str(number)) for number in range(7)], metric="m", x_label="x")
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
    axes = draw_curves(curves, metric="m", x_label="x").axes[0]
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
        figure = draw_curves([Curve("run", steps, [1, 2, 3])], metric="m", x_label="x")
        ticks = figure.axes[0].get_xticks()
        assert all(float(tick).is_integer() for tick in ticks) == whole


def test_a_long_series_makes_no_large_picture() -> None:
    values = [math.sin(step * step) for step in range(200_000)]
    figure = draw_curves([Curve("run", range(len(values)), values)], metric="m", x_label="x")
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
        save(draw_curves([], metric="m", x_label="x"), tmp_path / "none" / "a.png", "png")
    assert caught.value.code == "picture-unwritable"


def test_no_window_system_and_no_pyplot() -> None:
    code = (
        "import sys, runref.plot.curves, runref.plot.formats\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from runref.plot.curves import Curve; from runref.plot.figures import draw_curves\n"
        "draw_curves([Curve('a', [1], [1])], metric='m', x_label='x')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    environ = {**os.environ, "MPLBACKEND": "TkAgg"}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environ)
