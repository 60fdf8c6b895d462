"""``runref sql``: the index asked in SQL, which nothing can change."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from tests.cli.listed import add
from tests.store.conftest import Writer

from runref.index.views import VIEWS

FILE = {"path": "data/a.csv", "kind": "file", "digest": "sha256:" + "1" * 64, "size": 3}


@pytest.fixture
def runs(repo: Any) -> Writer:
    writer = Writer(repo.path)
    add(writer, 0, {"lr": 0.1, "big": 2**70}, {"val/acc": 0.5}, tags=["t"], inputs=[FILE])
    add(writer, 1, {"lr": 0.2}, {"val/acc": 0.9, "nan": "NaN"}, outputs=[FILE], experiment="")
    add(writer, 2, {"lr": "x|y"}, {"val/acc": 0.7}, summary={"best": 1})
    return writer


def test_the_example_of_the_issue(runs: Any, cli: Any) -> None:
    done = cli(
        "sql",
        "select experiment, max(value) from metrics where name='val/acc' group by 1",
    )
    assert [line.split() for line in done.out.splitlines()] == [
        ["experiment", "max(value)"], ["0.9"], ["digits", "0.7"],
    ]  # fmt: skip


def test_every_view_can_be_asked_and_lists_its_columns_in_the_help(runs: Any, cli: Any) -> None:
    help_text = " ".join(cli("sql", "--help").out.split())
    for view in VIEWS:
        done = cli("sql", "--json", f"select * from {view}")
        assert done.status == 0
        columns = done.json["columns"]
        assert view in help_text
        of_runs = view in ("runs", "removed_runs")
        assert columns[: 1 if of_runs else 4] == (
            ["id"] if of_runs else ["run", "experiment", "started", "status"]
        )
    count = lambda view: cli("sql", "--json", f"select count(*) from {view}").json["rows"][0][0]  # noqa: E731
    assert [count(view) for view in VIEWS if view != "packages"] == [3, 0, 4, 1, 4, 1, 1, 1]


@pytest.mark.slow
def test_forms(runs: Any, cli: Any, validate: Any) -> None:
    statement = "select name, value, x'00ff' as b, null as n from params order by 1, 2"
    document = cli("sql", "--json", statement).json
    validate("sql", document)
    assert document["columns"] == ["name", "value", "b", "n"]
    assert document["rows"][0] == ["big", str(2**70), "00ff", None]
    assert ["lr", 0.1, "00ff", None] in document["rows"]
    rows = list(csv.reader(io.StringIO(cli("sql", "--csv", statement).out)))
    assert rows[1] == ["big", str(2**70), "00ff", ""]
    lines = cli("sql", "--markdown", statement).out.splitlines()
    assert lines[0] == "| name | value | b | n |"
    assert "x\\|y" in lines[-1]
    assert cli("sql", "--json", "select value from metrics where name = 'nan'").json["rows"] == [
        [None]
    ]
    assert cli("sql", "--json", "select 9e999").json["rows"] == [["Infinity"]]
    nothing = cli("sql", "select id from runs where 0")
    assert (nothing.status, nothing.out) == (0, "")
    assert "no rows" in nothing.err
    assert cli("sql", "--csv", "select id from runs where 0").out == "id\n"
    assert cli("sql", "--csv", "--json", "select 1").status == 2


REFUSED = [
        "delete from runs",
        "update main.runs set id = ''",
        "drop table main.runs",
        "insert into main.meta values ('a', 'b')",
        "create table main.x (a)",
        "create temp table x (a)",
        "attach database 'other.sqlite3' as other",
        "pragma user_version = 7",
        "vacuum into 'copy.sqlite3'",
        "begin exclusive",
        "select 1; delete from runs",
        "select load_extension('x')",
        "selec 1",
        "select * from nothing",
        "select nothing from runs",
        "select ?",
        "select '\x00",
        "select cast(x'ff' as text)",
        "select " + "(" * 5000,
]  # fmt: skip


@pytest.mark.slow
def test_nothing_but_reading_and_exact_errors(
    runs: Any, cli: Any, validate: Any, repo: Any
) -> None:
    for statement in REFUSED:
        done = cli("sql", "--json", statement)
        assert (done.status, done.out) == (2, ""), statement
        validate("error", {"error": done.error})
        assert done.error["code"] == "sql-invalid"
        assert "runs, params" in done.error["hint"]
    assert cli("sql", "--json", "select count(*) from runs").json["rows"] == [[3]]
    assert not list(repo.path.glob("*.sqlite3"))


def test_runs_that_cannot_be_read_are_named(runs: Writer, cli: Any) -> None:
    bad = "20261121-ffffffffffff"
    runs.run(bad, {"run.yaml": b"not: [a record"})
    for form in ((), ("--json",), ("--csv",), ("--markdown",)):
        done = cli("sql", *form, "select id from runs")
        assert done.status == 0
        assert bad not in done.out
        assert f"unreadable: run {bad}" in done.err
        assert "1 run could not be read" in done.err


def test_an_empty_repository_can_be_asked(cli: Any) -> None:
    assert json.loads(cli("sql", "--json", "select count(*) from runs").out)["rows"] == [[0]]
    assert "no rows" in cli("sql", "select id from runs").err
