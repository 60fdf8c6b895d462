"""``runref ls``: which runs, in which order, as what."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.listed import add
from tests.store.conftest import Writer

ODD = ['loss/"x"', "a/b.c", "a b", "größe/😀", "Loss", "loss", "it's"]


@pytest.fixture
def writer(repo: Any) -> Writer:
    return Writer(repo.path)


@pytest.fixture
def names(cli: Any) -> Callable[..., list[str]]:
    """The names of the runs that a list shows, in its order."""

    def call(*argv: str) -> list[str]:
        done = cli("ls", "--json", *argv)
        assert done.status == 0, done.err
        return [run["name"] for run in done.json["runs"]]

    return call


@pytest.fixture
def some(writer: Writer) -> Writer:
    """Five runs: of one the metric is NaN, of one it is missing."""
    for number, (lr, acc) in enumerate([(0.1, 0.5), (0.01, "NaN"), (0.1, 0.9), (0.01, 0.7)]):
        add(writer, number, {"lr": lr, "opt": "adam"}, {"acc": acc}, tags=["t"] * (number == 2))
    add(writer, 4, {"opt": "sgd"})
    return writer


# which


def test_a_digest_that_was_asked_for_as_a_path_is_told(some: Writer, cli: Any) -> None:
    done = cli("ls", 'opt == "sgd" and ("deadbeef" in inputs or not "x" in outputs) and opt == "x"')
    assert done.status == 0
    assert "no run meets it" in done.err
    assert 'a digest is written "sha256:deadbeef" in inputs' in done.err
    for query in ('"dead.csv" in inputs', '"deadbeef" in tags', '"sha256:deadbeef" in inputs'):
        done = cli("ls", query)
        assert "no run meets it" in done.err
        assert "looks for a path" not in done.err


def test_a_query_filters(some: Writer, names: Any) -> None:
    assert names() == ["n4", "n3", "n2", "n1", "n0"]
    assert names("acc > 0.6") == ["n3", "n2"]
    assert names('lr < 0.05 and "t" not in tags') == ["n3", "n1"]
    assert names("acc is missing or acc == nan") == ["n4", "n1"]
    assert names('opt == "sgd"') == ["n4"]
    assert names("  ") == names()


WRONG = [
    ("acc > 0.6 and (lr", "", 0),
    ("ac > 0.6", 'unknown name "ac": did you mean "acc"?', 0),
    ("lr > 0 and ac > 0.6", 'unknown name "ac": did you mean "acc"?', 11),
    ('acc > "high"', "", 0),
    ("1; drop table runs", "", 0),
    ("(" * 3000, "", 0),
    ("acc > 0 and " * 900, "", 0),
    ("name ~ '('", "", 7),
]


@pytest.mark.slow
def test_a_wrong_query_is_an_error_that_points_at_the_place(
    some: Writer, cli: Any, validate: Any
) -> None:
    for query, message, column in WRONG:
        done = cli("ls", query)
        assert (done.status, done.out) == (2, "")
        assert message in done.err
        lines = done.err.splitlines()
        (caret,) = [number for number, line in enumerate(lines) if set(line.strip()) == {"^"}]
        assert len(lines[caret]) <= 120
        if column:
            shift = lines[caret - 1].index(query)
            assert lines[caret].index("^") == shift + column
        failed = cli("ls", "--json", query)
        assert (failed.status, failed.out) == (2, "")
        validate("error", {"error": failed.error})
        assert "Traceback" not in done.err


def test_a_stored_query_is_one_more_name(some: Writer, names: Any, cli: Any, repo: Any) -> None:
    repo.write(
        ".runref.yaml",
        "queries:\n  good: acc > 0.6\n  best: queries.good and acc > 0.8\n"
        "  ring: not queries.ring\n  bad: ac > 1\n",
    )
    assert names("queries.good") == ["n3", "n2"]
    assert names("queries.best or opt == 'sgd'") == ["n4", "n2"]
    assert names("not queries.good") == ["n4", "n1", "n0"]
    for query, told in (
        ("queries.ring", "refers to itself"),
        ("queries.goood", 'did you mean "good"?'),
        ("queries.bad", 'did you mean "acc"?'),
    ):
        done = cli("ls", query)
        assert done.status == 2
        assert told in done.err


def test_names_of_every_kind_can_be_asked_for(writer: Writer, names: Any, cli: Any) -> None:
    for number, name in enumerate(ODD):
        add(writer, number, {}, {name: number})
    for number, name in enumerate(ODD):
        quoted = json.dumps(name, ensure_ascii=False)
        assert names(f"metrics[{quoted}] >= 0") == [f"n{number}"], name
        assert names(f"metrics[{quoted}].max is not missing", "--sort", f"metrics[{quoted}]")
        column = f"metrics[{quoted}]"
        done = cli("ls", "--csv", "--columns", f"name,{column}", f"name == 'n{number}'")
        assert list(csv.reader(io.StringIO(done.out))) == [
            ["name", column],
            [f"n{number}", str(number)],
        ]
    head = next(csv.reader(io.StringIO(cli("ls", "--csv").out)))
    assert set(ODD) <= set(head)


def test_a_name_that_two_things_have_is_refused_until_it_is_told_apart(
    writer: Writer, names: Any, cli: Any
) -> None:
    add(writer, 0, {"loss": 3}, {"loss": 1})
    for argv in (("loss > 0",), ("--sort", "loss"), ("--columns", "loss")):
        done = cli("ls", *argv)
        assert done.status == 2
        assert "params.loss" in done.err
        assert "metrics.loss" in done.err
    assert names("params.loss == 3 and metrics.loss == 1") == ["n0"]
    (row,) = csv.DictReader(io.StringIO(cli("ls", "--csv").out))
    assert (row["loss"], row["metrics.loss"]) == ("3", "1")


@pytest.mark.slow
def test_an_empty_repository_has_no_runs_whatever_is_asked(cli: Any, validate: Any) -> None:
    for argv in ((), ("acc > 1",), ("--sort", "acc"), ("--columns", "acc"), ("--group-by", "lr")):
        done = cli("ls", *argv)
        assert (done.status, done.out) == (0, ""), argv
        assert "no run" in done.err
    document = cli("ls", "--json", "acc > 1").json
    validate("ls", document)
    assert document == {"runs": [], "total": 0, "unreadable": []}
    assert cli("ls", "--json", "--group-by", "lr").json["groups"] == []


def test_what_no_run_meets(some: Writer, cli: Any) -> None:
    done = cli("ls", "acc > 7")
    assert (done.status, done.out) == (0, "")
    assert "no run meets it" in done.err
    assert cli("ls", "acc > 7", "--json").json["total"] == 0


# in which order


def test_missing_and_nan_come_last_either_way(some: Writer, names: Any) -> None:
    assert names("--sort", "acc") == ["n0", "n3", "n2", "n4", "n1"]
    assert names("--sort", "-acc") == ["n2", "n3", "n0", "n4", "n1"]


def test_the_first_sort_counts_most_and_time_decides_the_rest(some: Writer, names: Any) -> None:
    assert names("--sort", "lr", "--sort", "-acc") == ["n3", "n1", "n2", "n0", "n4"]
    assert names("--sort", "-lr", "--sort", "acc") == ["n0", "n2", "n3", "n1", "n4"]
    assert names("--sort", "opt") == ["n3", "n2", "n1", "n0", "n4"]


def test_a_limit_tells_how_many_more_there_are(some: Writer, names: Any, cli: Any) -> None:
    assert names("--limit", "2", "--sort", "-acc") == ["n2", "n3"]
    assert cli("ls", "--json", "--limit", "2", "acc > 0").json["total"] == 3
    done = cli("ls", "--limit", "2", "acc > 0")
    assert "… 1 more: `runref ls --all`" in done.err
    assert "more" not in cli("ls", "--limit", "3", "acc > 0").err
    assert len(names("--all", "--limit", "1")) == 5


def test_what_a_run_has_several_of_is_nothing_to_sort_by(some: Writer, cli: Any) -> None:
    done = cli("ls", "--json", "--sort", "tags")
    assert (done.status, done.error["code"]) == (2, "cannot-sort")


# groups


def groups(cli: Any, *argv: str) -> list[dict[str, Any]]:
    done = cli("ls", "--json", "--group-by", *argv)
    assert done.status == 0, done.err
    return list(done.json["groups"])


@pytest.mark.slow
def test_groups_have_mean_std_and_count(some: Writer, cli: Any, validate: Any) -> None:
    found = groups(cli, "lr", "--columns", "acc")
    validate("ls", {"groups": found, "total": 3})
    assert [(each["by"]["lr"], each["runs"]) for each in found] == [(0.01, 2), (0.1, 2), (None, 1)]
    assert [each["values"]["acc"].get("count") for each in found] == [1, 2, 0]
    assert found[1]["values"]["acc"]["mean"] == pytest.approx(0.7)
    assert found[1]["values"]["acc"]["std"] == pytest.approx(0.08**0.5)
    assert found[0]["values"]["acc"]["std"] is None
    done = cli("ls", "--group-by", "lr", "--columns", "acc")
    head, *rows = done.out.splitlines()
    assert head.split()[0] == "lr"
    assert "acc mean ± std" in head
    assert [float(row.split()[2]) for row in rows[:2]] == [0.7, 0.7]
    assert rows[1].split()[3:] == ["±", "0.2828", "2"]
    assert [row.split()[:2] for row in rows[:2]] == [["0.01", "2"], ["0.1", "2"]]
    assert "±" not in rows[0] + rows[2]
    assert rows[2].split() == ["(none)", "1", "0"]
    assert "acc: 1 value NaN or no number, left out" in done.err
    markdown = cli("ls", "--markdown", "--group-by", "lr", "--columns", "acc").out
    assert markdown.splitlines()[4].startswith("| (none) | 1 |")
    table = csv.DictReader(io.StringIO(cli("ls", "--csv", "--group-by", "lr").out))
    assert [row["lr"] for row in table] == ["0.01", "0.1", ""]


def test_groups_of_several_names_all_aggregates_and_a_query(some: Writer, cli: Any) -> None:
    chosen = "min,max,median,sum,mean"
    found = groups(cli, "opt,lr", "--columns", "acc,duration", "--agg", chosen, "acc > 0")
    assert [tuple(each["by"].values()) for each in found] == [("adam", 0.01), ("adam", 0.1)]
    assert found[1]["values"]["acc"] == pytest.approx(
        {"min": 0.5, "max": 0.9, "median": 0.7, "sum": 1.4, "mean": 0.7}
    )
    rows = list(
        csv.DictReader(io.StringIO(
            cli("ls", "--csv", "--group-by", "opt", "--columns", "acc", "--agg", "max,count").out
        ))
    )  # fmt: skip
    assert rows == [
        {"opt": "adam", "runs": "4", "acc max": "0.9", "acc count": "3"},
        {"opt": "sgd", "runs": "1", "acc max": "", "acc count": "0"},
    ]


def test_groups_are_sorted_and_limited(some: Writer, cli: Any) -> None:
    keys = lambda *argv: [each["by"]["lr"] for each in groups(cli, "lr", *argv)]  # noqa: E731
    assert keys("--columns", "acc", "--sort", "-acc max", "--agg", "max") == [0.1, 0.01, None]
    assert keys("--columns", "acc", "--sort", "acc", "--agg", "max") == [0.01, 0.1, None]
    assert keys("--sort", "-lr") == [0.1, 0.01, None]
    assert keys("--sort", "runs", "--sort", "-lr") == [None, 0.1, 0.01]
    assert keys("--limit", "1") == [0.01]
    assert "… 2 more groups" in cli("ls", "--group-by", "lr", "--limit", "1").err
    done = cli("ls", "--group-by", "lr", "--sort", "opt")
    assert done.status == 2
    assert "cannot be sorted by 'opt'" in done.err


def test_what_cannot_be_grouped_or_reduced_is_said(some: Writer, cli: Any) -> None:
    assert cli("ls", "--json", "--group-by", "tags").error["code"] == "cannot-sort"
    assert "'mode' is none of mean" in cli("ls", "--group-by", "lr", "--agg", "mode").err
    done = cli("ls", "--group-by", "lr", "--columns", "opt,tags,acc")
    assert done.status == 0
    assert "opt has no numbers" in done.err
    assert "tags has no numbers" in done.err


def test_values_of_all_types_make_groups_of_their_own(writer: Writer, cli: Any) -> None:
    values = [1, 1.0, True, "1", None, "NaN", "NaN", [1], [2], [1], 2**70]
    for number, value in enumerate(values):
        add(writer, number, {"p": value})
    found = groups(cli, "p", "--agg", "count")
    counts = {json.dumps(each["by"]["p"]): each["runs"] for each in found}
    assert counts["1.0"] == 2
    assert counts['"NaN"'] == 2
    assert (counts["[1]"], counts["[2]"]) == (2, 1)
    assert counts["true"] == 1
    assert counts['"1"'] == 1
    assert sum(counts.values()) == len(values)
    done = cli("ls", "--group-by", "p")
    assert done.status == 0


# as what


def test_markdown_cannot_be_broken_by_what_runs_hold(writer: Writer, cli: Any) -> None:
    add(writer, 0, {"p|q": "a|b*c_d`e<f>[g]\\\nh"}, {"a|b": 0.5})
    done = cli("ls", "--markdown", "--columns", 'name,params["p|q"],metrics["a|b"]')
    head, rule, row = done.out.splitlines()
    for line in (head, rule, row):
        assert line.replace("\\|", "").count("|") == 4, line
    assert rule == "| --- | --- | ---: |"
    assert "a\\|b\\*c\\_d\\`e\\<f\\>\\[g\\]" in row
    assert (
        cli("ls", "--markdown", "--group-by", 'params["p|q"]')
        .out.splitlines()[1]
        .startswith("| ---")
    )


def test_two_forms_exclude_each_other(cli: Any) -> None:
    done = cli("ls", "--csv", "--markdown")
    assert done.status == 2
    assert "--csv and --markdown exclude each other" in done.err


def test_csv_can_be_read_back_with_all_digits(writer: Writer, cli: Any) -> None:
    text = 'say "a, b"\nc'
    add(writer, 0, {"x": 0.1 + 0.2, "n": 2**70, "t": text}, {"m": 1 / 3})
    (row,) = csv.DictReader(io.StringIO(cli("ls", "--csv").out))
    assert float(row["x"]) == 0.1 + 0.2
    assert int(row["n"]) == 2**70
    assert row["t"] == text
    assert float(row["m"]) == 1 / 3


def test_digits_of_a_column_are_those_that_tell_its_numbers_apart(writer: Writer, cli: Any) -> None:
    for number, (lr, loss) in enumerate([(3e-05, 0.123456), (0.1, 12.5)]):
        add(writer, number, {"lr": lr}, {"loss": loss})
    rows = [line.split() for line in cli("ls", "--columns", "lr,loss").out.splitlines()]
    assert rows == [["lr", "loss"], ["0.1", "12.50"], ["3e-05", "0.12"]]


# nothing is missing silently


def test_what_cannot_be_read_is_named_whatever_the_form(some: Writer, cli: Any) -> None:
    bad = "20261121-ffffffffffff"
    some.run(bad, {"run.yaml": b"not: [a record"})
    newer = "20261121-fffffffffffe"
    some.run(newer, {"run.yaml": b"format: 1\nid: something else\n"})
    for argv in ((), ("acc > 0",), ("--csv",), ("--markdown",), ("--group-by", "lr"), ("--json",)):
        done = cli("ls", *argv)
        assert done.status == 0
        assert f"unreadable: run {bad}" in done.err, argv
        assert "2 runs could not be read; the others are unaffected" in done.err
    document = cli("ls", "--json").json
    assert {each["id"] for each in document["unreadable"]} == {bad, newer}
    assert document["total"] == 5


def test_a_damaged_snapshot_that_a_query_asks_about_is_counted(
    some: Writer, cli: Any, names: Any
) -> None:
    code = {"tree": "0" * 39 + "1", "manifest": "sha256:" + "1" * 64, "files": 1}
    add(some, 9, code=code)
    done = cli("ls", '"train.py" in code')
    assert done.status == 0
    assert "1 snapshot could not be read: files in them count as missing" in done.err


def test_runs_of_an_older_format_stand_among_newer_ones(
    some: Writer, repo: Any, cli: Any, names: Any
) -> None:
    del some
    before = names()
    bundle = Path(__file__).parents[1] / "fixtures" / "format-1.bundle"
    repo.git("update-ref", "-d", "refs/runref/runs")
    repo.git("fetch", "-q", str(bundle), "refs/runref/runs:refs/runref/runs")
    add(Writer(repo.path), 5, {"lr": 1})
    assert "n5" in names("lr == 1")
    assert len(names("--all")) > 1
    assert names("--all") != before


# live runs

TRAINING = """\
import sys, runref
run = runref.init(name="live", params={"lr": 0.5, "list": [1]}, console=False)
run.log({"acc": 0.8, "only/live": 1})
print("training", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def live(repo: Any) -> Iterator[None]:
    """A process that trains until the test is over."""
    import subprocess

    repo.write("live.py", TRAINING)
    with subprocess.Popen(
        [sys.executable, "live.py"], cwd=repo.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"training\n"
        yield
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.slow
def test_live_runs_are_found_sorted_and_shown_like_others(
    some: Writer, live: None, names: Any, cli: Any, validate: Any
) -> None:
    assert names()[0] == "live"
    assert names("acc > 0.6") == ["live", "n3", "n2"]
    assert names("lr < 0.05") == ["n3", "n1"]
    assert names("status == 'running'") == ["live"]
    assert names("metrics['only/live'] == 1") == ["live"]
    assert names("acc > 0", "--sort", "-acc") == ["n2", "live", "n3", "n0"]
    assert names("--sort", "acc") == ["n0", "n3", "live", "n2", "n4", "n1"]
    assert names("--sort", "lr", "--limit", "2") == ["n3", "n1"]
    document = cli("ls", "--json", "--limit", "1", "acc > 0").json
    validate("ls", document)
    assert (document["total"], document["runs"][0]["live"]) == (4, True)
    done = cli("ls", "--columns", "name,lr,acc,only/live", "name == 'live'")
    name, *numbers = done.out.splitlines()[1].split()
    assert (name, [float(each) for each in numbers]) == ("live", [0.5, 0.8, 1])
    found = groups(cli, "opt", "--columns", "acc")
    assert [(each["by"]["opt"], each["runs"]) for each in found] == [
        ("adam", 4), ("sgd", 1), (None, 1),
    ]  # fmt: skip
    assert found[2]["values"]["acc"]["mean"] == 0.8
    found = groups(cli, "list", "--sort", "-list")
    assert [(each["by"]["list"], each["runs"]) for each in found] == [([1], 1), (None, 5)]


@pytest.mark.slow
def test_a_live_run_in_an_otherwise_empty_repository(live: None, names: Any) -> None:
    assert names("acc > 0.6", "--sort", "lr") == ["live"]
