"""``runref plot`` with runs that were really recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runref.cli.plotting.arguments import NothingToPlot, told_apart
from runref.cli.plotting.inline_image import escape_sequence, protocol_of

RUNS = """\
import runref
nan, inf = float("nan"), float("inf")
PARAMS = [(0.1, "sgd", 0), (0.01, "adam", 1), (0.001, "adam", 2)]
for number, (lr, optimizer, seed) in enumerate(PARAMS):
    params = {"lr": lr, "optimizer": optimizer, "seed": seed, "same": 4}
    run = runref.init(experiment="digits", params=params, console=False)
    for step in range(4):
        run.log({"loss": 1 / (1 + step) + lr, "val/acc": step / 4, "flat": -1})
    if number == 0:
        run.log({'we"ird/na.me 🙂': 1, "Loss": 2, "odd": 5}, step=9)
        for step, value in ((3, 1), (3, nan), (2, 4), (1, inf)):
            run.log({"odd": value}, step=step)
        run.log({"nothing": nan}, step=0)
        run.log_confusion_matrix("val", ["cat", "dog"], [[5, 1], [0, 7]])
        run.log_table("worst", ["id", "loss"], [[7, 0.25], [8, None]])
        run.log_table("ragged", ["a"], [[1, 2]])
    run.finish()
"""


@pytest.fixture
def runs(repo: Any) -> Any:
    subprocess.run(
        [sys.executable, "-c", RUNS], cwd=repo.path, check=True, stderr=subprocess.DEVNULL
    )
    return repo


@pytest.fixture
def plot(runs: Any, cli: Any, validate: Any) -> Any:
    """Return the data of a figure, after checking it against the schema."""

    def call(*argv: str) -> Any:
        done = cli("plot", "--json", *argv)
        assert done.status == 0, done.err
        validate("plot", done.json)
        return done.json

    return call


def curves(document: Any) -> list[list[Any]]:
    return [[c["values"] for c in panel["curves"]] for panel in document["panels"]]


@pytest.mark.slow
def test_several_metrics_have_a_panel_each(plot: Any, cli: Any, tmp_path: Path) -> None:
    document = plot("val/acc", "loss")
    assert (document["figure"], document["written"], document["x"]) == ("curves", None, "step")
    assert [panel["metric"] for panel in document["panels"]] == ["val/acc", "loss"]
    assert curves(document)[0] == [[0, 0.25, 0.5, 0.75]] * 3
    svg = tmp_path / "c.svg"
    done = cli("plot", "val/acc", "loss", "-o", str(svg))
    assert done.out == f"wrote {svg}: val/acc, loss of 3 runs\n"
    assert {">val/acc<", ">loss<"} <= set(_found(svg))


def _found(svg: Path) -> list[str]:
    return [f">{part.partition('<')[0]}<" for part in svg.read_text("utf-8").split(">")]


@pytest.mark.slow
def test_words_are_metrics_or_runs(plot: Any, cli: Any) -> None:
    ids = [line.split()[0] for line in cli("ls", "--columns", "id").out.splitlines()[1:]]
    digits = ids[2][9:15]
    for argv in (("loss", digits), (digits, "loss"), ("loss", "-r", digits), ("loss", "@~2")):
        (panel,) = plot(*argv)["panels"]
        assert [curve["run"] for curve in panel["curves"]] == [ids[2]]
    assert len(plot("loss", "@", "@~1", "@")["panels"][0]["curves"]) == 2
    assert len(plot("loss", "loss")["panels"]) == 1


def test_a_known_metric_is_no_run() -> None:
    assert told_apart(["dead", "beef", "@"], ["dead"]) == (["dead"], ["beef", "@"])
    with pytest.raises(NothingToPlot, match="'lss'") as caught:
        told_apart(["lss"], ["loss", "acc"])
    assert caught.value.hint == "Did you mean 'loss'? Metrics of the runs: loss, acc."


@pytest.mark.slow
def test_names_that_look_odd_are_names(plot: Any, cli: Any) -> None:
    assert curves(plot('we"ird/na.me 🙂')) == [[[1]]]
    assert curves(plot("Loss")) == [[[2]]]
    done = cli("plot", 'we"ird/na.me 🙂', "@", "@~2")
    assert "has no 'we\"ird/na.me 🙂'" in done.err
    assert done.err.count("run ") == 1


@pytest.mark.slow
def test_curves_are_in_the_order_in_which_they_were_logged(plot: Any) -> None:
    (panel,) = plot("odd")["panels"]
    (curve,) = panel["curves"]
    assert curve["x"] == [9, 3, 3, 2, 1]
    assert curve["values"] == [5, 1, "NaN", 4, "Infinity"]


@pytest.mark.slow
def test_smoothing_keeps_the_raw_values(plot: Any) -> None:
    curve = plot("val/acc", "@", "--smooth", "0.5")["panels"][0]["curves"][0]
    assert curve["values"] == [0, 0.25, 0.5, 0.75]
    assert curve["smooth"][:2] == [0, pytest.approx(0.125 / 0.75)]


@pytest.mark.slow
def test_time_counts_from_the_start_and_the_clock_from_1970(plot: Any, cli: Any) -> None:
    since = plot("loss", "@", "--x", "time")["panels"][0]["curves"][0]["x"]
    wall = plot("loss", "@", "--x", "wall")["panels"][0]["curves"][0]["x"]
    assert 0 <= since[0] <= since[-1] < 60
    assert [round(a - b, 3) for a, b in zip(wall, since, strict=True)] == [
        pytest.approx(wall[0] - since[0], abs=0.01)
    ] * 4


@pytest.mark.slow
def test_groups_have_a_mean_and_a_band(plot: Any, cli: Any) -> None:
    bands = plot("loss", "--group-by", "optimizer", "--band", "minmax")["panels"][0]["bands"]
    assert [band["label"] for band in bands] == ["optimizer=adam (n=2)", "optimizer=sgd (n=1)"]
    assert (bands[0]["low"][0], bands[0]["high"][0]) == (1.001, 1.01)
    assert bands[0]["mean"][0] == pytest.approx(1.0055)
    assert [band["count"] for band in bands] == [[2] * 4, [1] * 4]
    some = plot("loss", "--group-by", "Loss", "--band", "minmax")["panels"][0]["bands"]
    assert [band["label"] for band in some] == ["Loss=2 (n=1)", "Loss=(none) (n=2)"]
    unknown = cli("plot", "loss", "--group-by", "nope", "--json")
    assert unknown.error["code"] == "unknown-name"


@pytest.mark.slow
def test_what_a_logarithmic_axis_leaves_out_is_told(runs: Any, cli: Any) -> None:
    done = cli("plot", "val/acc", "--log-y")
    assert "val/acc: 3 values at or below zero cannot stand on a logarithmic axis" in done.err
    assert cli("plot", "loss", "--log-y").err == ""


@pytest.mark.slow
def test_a_point_for_each_run(plot: Any) -> None:
    document = plot("--scatter", "lr", "val/acc.max", "--log-x", "--color", "optimizer")
    assert document["figure"] == "scatter"
    assert document["x"] == {"name": "lr", "kind": "number", "values": [0.001, 0.01, 0.1]}
    assert document["y"]["values"] == [0.75] * 3
    assert document["color"]["values"] == ["adam", "adam", "sgd"]
    assert plot("--scatter", "duration", "loss")["x"]["kind"] == "duration"
    assert plot("--scatter", "started", "loss")["x"]["kind"] == "moment"
    assert plot("--scatter", "lr", "loss", "@")["runs"] != document["runs"]


@pytest.mark.slow
def test_runs_without_a_value_are_named(runs: Any, cli: Any) -> None:
    done = cli("plot", "--scatter", "lr", "Loss")
    assert "2 runs (" in done.err
    assert "have no number or text in 'Loss'" in done.err


@pytest.mark.slow
def test_lines_across_columns(plot: Any) -> None:
    document = plot("--parallel", "lr,optimizer,seed,val/acc.max")
    assert [each["name"] for each in document["columns"]] == [
        "lr",
        "optimizer",
        "seed",
        "val/acc.max",
    ]
    assert document["log"] == [True, False, False, False]
    lacking = plot("--parallel", "lr,Loss")
    assert lacking["columns"][1]["values"] == [None, None, 2]


@pytest.mark.slow
def test_a_histogram(plot: Any) -> None:
    document = plot("--histogram", "lr", "--bins", "2", "--color", "optimizer")
    assert [(bars["label"], sum(bars["counts"])) for bars in document["bars"]] == [
        ("adam", 2),
        ("sgd", 1),
    ]
    assert len(document["edges"]) == 3
    logarithmic = plot("--histogram", "lr", "--bins", "3", "--log-x")
    assert logarithmic["edges"] == pytest.approx(
        [0.001, 10 ** (-3 + 2 / 3), 10 ** (-3 + 4 / 3), 0.1]
    )
    assert plot("--histogram", "same")["bars"] == [{"label": "same", "counts": [3]}]


@pytest.mark.slow
def test_a_confusion_matrix_and_tables(plot: Any, cli: Any) -> None:
    document = plot("--confusion", "val", "@~2")
    assert (document["labels"], document["counts"]) == (["cat", "dog"], [[5, 1], [0, 7]])
    assert (document["rows"], document["columns"]) == ("true", "predicted")
    assert plot("--confusion", "tables/val.csv", "@~2") == document
    table = plot("--table", "worst", "@~2")
    assert (table["columns"], table["rows"]) == (["id", "loss"], [["7", "0.25"], ["8", ""]])
    shown = cli("plot", "--table", "val", "@~2").out.splitlines()
    assert shown[1].split() == ["true", "\\", "predicted", "cat", "dog"]


@pytest.mark.slow
def test_any_csv_file_among_the_outputs_is_a_table(repo: Any, cli: Any, plot: Any) -> None:
    cli("run", "-o", "out.csv", "--", "sh", "-c", "printf 'a,b\\n1,2\\n' > out.csv")
    assert plot("--table", "out.csv", "@")["rows"] == [["1", "2"]]
    cli("run", "-o", "out.csv", "--", "sh", "-c", "printf '\\377\\0' > out.csv")
    done = cli("plot", "--json", "--table", "out.csv", "@")
    assert (done.status, done.error["code"]) == (2, "not-a-table")


FIGURES = [
    ("loss", "--smooth", "0.6"),
    ("loss", "--group-by", "optimizer"),
    ("--scatter", "lr", "loss", "--color", "optimizer"),
    ("--parallel", "lr,loss"),
    ("--histogram", "loss"),
    ("--confusion", "val", "@~2"),
    ("--table", "worst", "@~2"),
]


@pytest.mark.slow
def test_every_figure_is_drawn_and_printed(runs: Any, cli: Any, tmp_path: Path) -> None:
    for argv in FIGURES:
        target = tmp_path / "a.png"
        assert cli("plot", *argv, "-o", str(target)).out.startswith(f"wrote {target}: ")
        assert target.read_bytes().startswith(b"\x89PNG")
        target.unlink()
        printed = cli("plot", *argv)
        assert (printed.status, printed.err) == (0, "")
        assert len(printed.out.splitlines()) >= 3
        assert "\x1b" not in printed.out


@pytest.mark.slow
def test_a_pipe_without_unicode_gets_ascii(runs: Any, process: Any) -> None:
    for argv in FIGURES:
        done = process("plot", *argv, PYTHONIOENCODING="ascii", COLUMNS="60")
        assert done.returncode == 0
        assert done.stdout.isascii()
        assert max(map(len, done.stdout.splitlines())) <= 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("nope",), "nothing-to-plot", "no chosen run has the metric 'nope'"),
        (("los",), "nothing-to-plot", "'los'"),
        (("loss", "Loss", "@"), "nothing-to-plot", "no chosen run has the metric 'Loss'"),
        (("loss", "0000"), "unknown-run", "0000"),
        (("flat", "--log-y"), "nothing-to-plot", "none is above zero"),
        (("--scatter", "lr", "nope"), "unknown-name", 'unknown name "nope"'),
        (("--scatter", "lr", "nothing"), "nothing-to-plot", "that can be drawn"),
        (("--scatter", "flat", "loss", "--log-x"), "nothing-to-plot", "none is above zero"),
        (("--scatter", "lr", "optimizer"), "not-numeric", "optimizer is text"),
        (("--scatter", "optimizer", "lr", "--log-x"), "not-numeric", "optimizer is text"),
        (("--histogram", "optimizer"), "not-numeric", "optimizer is text"),
        (("--confusion", "worst", "@~2"), "not-a-table", "no confusion matrix"),
        (("--confusion", "nope", "@"), "nothing-to-plot", "no table 'nope'"),
        (("--table", "ragged", "@~2"), "nothing-to-plot", "row 1 has 2 cells"),
        (("loss", "-o", "a.gif"), "unknown-picture-format", "a.gif"),
        ((), "usage", "Name a metric"),
        (("@",), "usage", "Name a metric"),
        (("loss", "--histogram", "lr"), "usage", "'loss' cannot name a run"),
        (("--histogram", "lr", "--table", "x"), "usage", "two figures"),
        (("--parallel", "lr"), "usage", "at least two"),
        (("--table", "worst"), "usage", "of one run"),
        (("loss", "--color", "lr"), "usage", "--color says nothing"),
        (("--histogram", "lr", "--smooth", "0.5"), "usage", "--smooth says nothing"),
        (("--parallel", "lr,loss", "--x", "time"), "usage", "--x says nothing"),
        (("loss", "--smooth", "1"), "usage", "not in the range"),
        (("loss", "--group-by", "lr", "--x", "time"), "usage", "leave out --x"),
        (("loss", "--band", "std"), "usage", "without --group-by"),
    ],
)
def test_errors(runs: Any, cli: Any, argv: tuple[str, ...], code: str, message: str) -> None:
    done = cli("plot", "--json", *argv)
    assert (done.status, done.error["code"], done.out) == (2, code, "")
    assert message in done.error["message"]


@pytest.mark.slow
def test_the_limit_is_told(runs: Any, cli: Any, plot: Any) -> None:
    done = cli("plot", "loss", "--limit", "2")
    assert "the newest 2 of 3 runs; --limit N takes more" in done.err
    assert len(plot("--histogram", "lr", "--limit", "1")["column"]["values"]) == 1


def test_no_runs_at_all(repo: Any, cli: Any) -> None:
    done = cli("plot", "--json", "--histogram", "lr")
    assert (done.status, done.error["code"]) == (2, "nothing-to-plot")


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, None),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
    ],
)
def test_which_terminals_show_images(environ: dict[str, str], protocol: str | None) -> None:
    assert protocol_of(environ) == protocol


def test_images_are_sent_in_the_terminals_way() -> None:
    import base64
    import re

    png = bytes(range(256)) * 40
    kitty = escape_sequence(png, "kitty", 80)
    pieces = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", kitty)
    assert base64.b64decode("".join(data for _, data in pieces)) == png
    assert pieces[0][0] == "a=T,f=100,q=2,c=80,m=1"
    assert [how for how, _ in pieces[1:]] == [*["m=1"] * (len(pieces) - 2), "m=0"]
    assert max(len(data) for _, data in pieces) <= 4096
    iterm = escape_sequence(png, "iterm2", 80)
    assert iterm.startswith("\x1b]1337;File=inline=1;size=10240;width=80;preserveAspectRatio=1:")
    assert base64.b64decode(iterm.partition(":")[2].removesuffix("\x07")) == png


@pytest.mark.slow
def test_the_series_are_those_of_the_first_rank_that_logged(repo: Any, plot: Any) -> None:
    program = """\
import os, runref
from runref.tracking.run_directory import RUN_VARIABLE
with runref.init(console=False) as run:
    os.environ[RUN_VARIABLE] = str(run.directory.path)
    os.environ.update(RANK="1", WORLD_SIZE="2", LOCAL_RANK="1")
    import subprocess, sys
    line = "import runref; runref.init(console=False).log({'alone': 3})"
    subprocess.run([sys.executable, "-c", line], check=True)
"""
    subprocess.run([sys.executable, "-c", program], cwd=repo.path, check=True)
    assert curves(plot("alone", "@")) == [[[3]]]
