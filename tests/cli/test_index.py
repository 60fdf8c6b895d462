"""``runref index``, and that lists do not care what became of it."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.cli.listed import add
from tests.store.conftest import Writer

from runref.cli.main import run
from runref.index.tables import VERSION


@pytest.fixture
def writer(repo: Any) -> Writer:
    made = Writer(repo.path)
    for number in range(3):
        add(made, number, {"lr": number}, {"acc": number / 4})
    return made


def status(cli: Any) -> Any:
    return cli("index", "status", "--json").json


@pytest.mark.slow
def test_status_tells_where_it_is_and_what_is_in_it(
    writer: Writer, cli: Any, validate: Any
) -> None:
    writer.run("20261121-ffffffffffff", {"run.yaml": b"not: [a record"})
    found = status(cli)
    validate("indexStatus", found)
    path = Path(found["path"])
    assert path.is_relative_to(os.environ["XDG_CACHE_HOME"])
    assert (found["size"], found["version"]) == (path.stat().st_size, VERSION)
    assert (found["runs"], found["unreadable"]) == (4, 1)
    lines = cli("index", "status").out.splitlines()
    assert lines[0] == f"file     {path}"
    assert lines[2:] == [f"version  {VERSION}", "runs     4, 1 of them unreadable"]


@pytest.mark.slow
def test_rebuild_reads_everything_again(writer: Writer, cli: Any, validate: Any) -> None:
    before = cli("ls", "--json").out
    path = Path(status(cli)["path"])
    with sqlite3.connect(path) as database:
        database.execute("delete from metrics")
    database.close()
    assert cli("ls", "--json", "acc > 0").json["total"] == 0  # nobody can see that
    done = cli("index", "rebuild", "--json")
    validate("indexRebuild", done.json)
    assert done.json == {"runs": 3, "unreadable": 0}
    assert cli("ls", "--json", "acc > 0").json["total"] == 2
    assert cli("ls", "--json").out == before
    assert cli("index", "rebuild").out == "indexed 3 runs\n"


DAMAGES = {
    "garbage": lambda path: path.write_bytes(b"garbage" * 1000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "version": lambda path: _execute(path, "pragma user_version = 99"),
    "older": lambda path: _execute(path, "pragma user_version = 1"),
    "no-root": lambda path: _execute(path, "delete from meta"),
    "other-root": lambda path: _execute(path, f"update meta set value = '{'1' * 40}'"),
    "document": lambda path: _execute(path, "update documents set record = x'00'"),
    "no-document": lambda path: _execute(path, "delete from documents"),
}


def _page(number: int) -> Any:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[number * 4096 : (number + 1) * 4096] = b"\xff" * 4096
        path.write_bytes(data)

    return damage


def _execute(path: Path, statement: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(statement)
    database.close()


@pytest.mark.slow
def test_every_page_may_be_damaged_whatever_is_asked(
    writer: Writer, cli: Any, tmp_path: Path
) -> None:
    path = Path(status(cli)["path"])
    whole = path.read_bytes()
    questions = [
        ("ls", "--json", "acc >= 0", "--sort", "lr"),
        ("sql", "--json", "select run, name, value from metrics order by 1, 2"),
    ]
    expected = [cli(*argv).out for argv in questions]
    pages = range(1, len(whole) // 4096)
    assert len(pages) > 20
    for number in pages:
        for argv, out in zip(questions, expected, strict=True):
            path.write_bytes(whole)
            _page(number)(path)
            done = cli(*argv)
            assert (done.status, done.out, done.err) == (0, out, ""), (number, argv)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_means_a_rebuild_that_nobody_sees(writer: Writer, cli: Any, damage: Any) -> None:
    path = Path(status(cli)["path"])
    argv = ("ls", "--json", "acc >= 0 and lr < 2", "--sort", "-acc")
    before = cli(*argv)
    assert before.json["total"] == 2
    damage(path)
    for _ in range(2):
        done = cli(*argv)
        assert (done.status, done.out, done.err) == (0, before.out, "")
    assert cli("sql", "--json", "select count(*) from metrics").json["rows"] == [[3]]


@pytest.mark.slow
@pytest.mark.usefixtures("open_tmp_path")
def test_without_a_file_the_index_is_in_memory(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    cache, temporary = tmp_path / "cache", tmp_path / "temporary"
    for folder in (cache, temporary):
        folder.mkdir()
        folder.chmod(0o555)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def look() -> None:
        if os.getuid() == 0:
            os.setuid(65534)  # root may write anywhere
        assert run(["ls", "--csv", "--columns", "name", "acc > 0"]) == 0
        assert run(["sql", "--csv", "select count(*) from runs"]) == 0
        assert run(["index", "status"]) == 0

    monkeypatch.chdir(writer.repository.root)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    child = multiprocessing.get_context("fork").Process(target=look)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    text = capfd.readouterr().out
    assert text.startswith("name\nn2\nn1\ncount(*)\n3\n")
    assert "in memory: no file can be written" in text
    assert not list(cache.iterdir())
