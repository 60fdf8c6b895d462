"""Reading what was recorded: queries, slices, series and data frames."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tests.cli.listed import add
from tests.store.conftest import Writer

import runref
from runref.api.frames import NoDataFrames
from runref.api.history import History, UnknownSeries, search_runs
from runref.query.errors import QueryInvalid


def lines(*values: tuple[int, str]) -> bytes:
    return "".join(
        f'{{"step":{step},"elapsed":{place}.5,"values":{{"acc":{value}}}}}\n'
        for place, (step, value) in enumerate(values)
    ).encode()


@pytest.fixture
def history(repo: Any) -> History:
    writer = Writer(repo.path)
    series = {"metrics.jsonl": lines((0, "0.25"), (2, '"NaN"'), (1, "1"))}
    add(writer, 0, {"lr": 0.1, "opt": "adam", "list": [1, 2]}, {"acc": 1}, files=series)
    add(writer, 1, {"lr": 0.2, "opt": 3, "big": 2**70}, {"acc": "NaN", "lr": 7}, tags=["a", "b"])
    add(writer, 2, {"opt": True}, {"acc": 0.9}, summary={"best": 1, "x": {"y": 2}}, name="ünï/😀")
    return runref.open(repo.path)


def names(runs: Any) -> list[str]:
    return [run.name for run in runs]


def test_runs_are_found_sorted_and_limited(history: History) -> None:
    assert names(history.runs()) == ["ünï/😀", "n1", "n0"]
    assert names(history.runs("acc > 0.5")) == ["ünï/😀", "n0"]
    assert names(history.runs("acc > 0.5", sort="-acc")) == ["n0", "ünï/😀"]
    assert names(history.runs(sort=["acc", "-started"])) == ["ünï/😀", "n0", "n1"]
    assert names(history.runs(sort="-params.lr", limit=1)) == ["n1"]
    for arguments in ({"query": "ac > 1"}, {"sort": "ac"}, {"query": "acc >"}):
        with pytest.raises(QueryInvalid):
            history.runs(**arguments)  # type: ignore[arg-type]


def test_runs_are_a_sequence_whose_slices_are_runs(history: History) -> None:
    runs = history.runs()
    assert (len(runs), repr(runs), repr(runs[:0])) == (3, "<3 runs>", "<0 runs>")
    assert names(runs[1:]) == ["n1", "n0"]
    assert names(runs[::-1]) == ["n0", "n1", "ünï/😀"]
    assert runs[-1].name == "n0"
    assert set(runs[:2].series("acc")) == set()
    with pytest.raises(IndexError):
        runs[3]


def test_series_of_many_runs_are_arrays_by_id(history: History) -> None:
    found = history.runs().series("acc")
    (run_id,) = found
    assert run_id == "20261121-000000000000"
    for _ in range(2):  # read, and remembered
        series = history.runs().series("acc")[run_id]
        assert repr(series) == "<series of 3 points, 1 at step 1>"
        assert series.step.tolist() == [0, 2, 1]
        assert series.time.tolist() == [0.5, 1.5, 2.5]
        assert series.value.tolist()[::2] == [0.25, 1.0]
        assert math.isnan(series.value[1])
        assert (series.step.dtype, series.value.dtype) == ("int64", "float64")
    assert history.runs().series("nothing") == {}
    with pytest.raises(UnknownSeries, match="has no series 'loss' on rank 0"):
        history.run("@").series("loss")


def test_an_empty_repository_has_no_runs(repo: Any) -> None:
    assert len(runref.open(repo.path).runs("acc > 1", sort="lr")) == 0
    assert runref.open(repo.path).runs().series("acc") == {}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_has_a_row_for_each_run(history: History, library: str) -> None:
    pytest.importorskip(library)
    frame = history.runs().dataframe(library)
    assert type(frame).__module__.startswith(library)
    column = lambda name: list(frame[name])  # noqa: E731
    assert frame.shape[0] == 3
    assert column("name") == ["ünï/😀", "n1", "n0"]
    assert column("tags") == ["", "a b", ""]
    assert {"acc", "opt", "lr", "metrics.lr", "best", "x.y", "list"} <= set(frame.columns)
    acc = column("acc")
    assert acc[0] == 0.9
    assert acc[1] is None or math.isnan(acc[1])
    assert str(column("started")[2])[:19] == "2026-11-21 10:00:00"
    assert column("started")[0] > column("started")[1]
    assert column("list")[2] == "[1, 2]"
    if library == "pandas":
        assert [type(each) for each in column("opt")] == [bool, int, str]
        assert column("big")[1] == 2**70
    assert [str(each).lower() for each in column("opt")] == ["true", "3", "adam"]
    assert float(column("big")[1]) == float(2**70)
    assert history.runs(limit=1)[:0].dataframe(library).shape[0] == 0


def test_a_library_that_is_missing_is_named(history: History) -> None:
    with pytest.raises(NoDataFrames, match="vaex is not installed"):
        history.runs().dataframe("vaex")


def test_search_runs_by_habit(history: History, repo: Any, monkeypatch: Any) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(repo.path)
    frame = search_runs("acc > 0.5", ["acc DESC"], 1)
    assert list(frame["name"]) == ["n0"]
    frame = runref.search_runs(order_by=["acc ASC"], path=Path(repo.path))
    assert list(frame["name"]) == ["ünï/😀", "n0", "n1"]
