"""``runref ls`` on real pseudo-terminals: the pager, ``--watch``, narrow and plain screens."""

from __future__ import annotations

import fcntl
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from tests.cli.listed import add
from tests.cli.test_terminal import Terminal
from tests.store.conftest import Writer

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day


@pytest.fixture
def writer(repo: Any) -> Writer:
    return Writer(repo.path)


@pytest.fixture
def many(writer: Writer) -> Writer:
    """More runs than a screen has lines, and one that cannot be read."""
    for number in range(30):
        add(writer, number, {"lr": number}, {"acc": number / 30})
    writer.run("20261121-ffffffffffff", {"run.yaml": b"not: [a record"})
    return writer


def shown(repo: Any, *argv: str, **environ: str) -> Terminal:
    terminal = Terminal(repo.path, *argv, **environ)
    assert terminal.end() == 0, terminal.shown
    return terminal


@pytest.fixture
def pager(tmp_path: Path) -> Path:
    """A pager that keeps what it is given."""
    program = tmp_path / "pager"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/paged\necho paged\n")
    program.chmod(0o755)
    return program


def test_a_long_list_goes_through_the_pager(many: Any, repo: Any, pager: Path) -> None:
    terminal = shown(repo, "ls", "--all", RUNREF_PAGER=str(pager), LINES="24", COLUMNS="200")
    kept = (pager.parent / "paged").read_text()
    assert len(kept.splitlines()) >= 31
    assert "\x1b[" in kept
    assert "n29" in kept
    assert "n29" not in terminal.text
    # What could not be read is named at the end, after the list.
    text = terminal.text
    assert text.index("paged") < text.index("1 run could not be read")


def test_a_short_list_does_not(many: Any, repo: Any, pager: Path) -> None:
    terminal = shown(repo, "ls", "--limit", "3", RUNREF_PAGER=str(pager), LINES="24")
    assert "n29" in terminal.text
    assert not (pager.parent / "paged").exists()
    assert terminal.text.index("n27") < terminal.text.index("more")


@pytest.mark.parametrize("name", ["cat", "", "no-such-pager --option"])
def test_a_pager_can_be_declined_or_missing(many: Any, repo: Any, name: str) -> None:
    terminal = shown(repo, "ls", "--all", RUNREF_PAGER=name, LINES="24", COLUMNS="200")
    assert len(terminal.text.splitlines()) >= 31


def test_documents_and_pipes_are_never_paged(
    many: Any, repo: Any, pager: Path, process: Any
) -> None:
    for form in ("--json", "--csv", "--markdown"):
        shown(repo, "ls", "--all", form, RUNREF_PAGER=str(pager), LINES="24")
    done = process("ls", "--all", RUNREF_PAGER=str(pager), LINES="24")
    assert len(done.stdout.splitlines()) == 31
    assert not (pager.parent / "paged").exists()


def test_a_pager_that_leaves_early_is_no_error(many: Any, repo: Any, tmp_path: Path) -> None:
    program = tmp_path / "pager"
    program.write_text("#!/bin/sh\nread line\n")
    program.chmod(0o755)
    terminal = shown(repo, "ls", "--all", RUNREF_PAGER=str(program), LINES="24")
    assert "Traceback" not in terminal.text


def test_no_color_holds_for_the_pager_too(many: Any, repo: Any, pager: Path) -> None:
    shown(repo, "ls", "--all", RUNREF_PAGER=str(pager), NO_COLOR="1", LINES="24")
    assert "\x1b" not in (pager.parent / "paged").read_text()


def test_an_sql_answer_is_paged_as_well(many: Any, repo: Any, pager: Path) -> None:
    shown(repo, "sql", "select id from runs", RUNREF_PAGER=str(pager), LINES="24")
    assert len((pager.parent / "paged").read_text().splitlines()) == 31


def test_a_narrow_terminal_keeps_ids_whole_and_names_what_does_not_fit(
    many: Any, repo: Any
) -> None:
    terminal = shown(repo, "ls", "--limit", "2", COLUMNS="40", LINES="24", NO_COLOR="1")
    rows = [line for line in terminal.text.splitlines() if line.startswith("2026")]
    assert len(rows) == 2
    assert rows[0].startswith("20261121-00000000001d")
    assert all(len(row) <= 40 for row in rows)
    assert "columns do not fit" in terminal.text


LIVE = """\
import sys, runref
run = runref.init(name="appeared", console=False)
print("training", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_watched_list_sees_runs_appear_until_ctrl_c(
    writer: Writer, repo: Any, encoding: str
) -> None:
    add(writer, 0, {"lr": 1}, {"größe": 1}, name="first")
    repo.write("live.py", LIVE)
    terminal = Terminal(
        repo.path, "ls", "--watch", COLUMNS="200", LINES="24", PYTHONIOENCODING=encoding
    )
    terminal.until(b"first")
    with subprocess.Popen(
        [sys.executable, "live.py"], cwd=repo.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        terminal.until(b"appeared")
        terminal.until(b"running")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
    terminal.until(b"finished")
    terminal.press(b"\x03")
    assert terminal.end() in (0, 130)
    assert "Traceback" not in terminal.text
    assert terminal.shown.count(b"\x1b[?1049h") == terminal.shown.count(b"\x1b[?1049l") == 1


def test_what_a_watched_list_tells_beside_the_table_stands_below_it(many: Any, repo: Any) -> None:
    terminal = Terminal(repo.path, "ls", "--watch", "--limit", "2", COLUMNS="200", LINES="24")
    terminal.until(b"could not be read")
    terminal.until(b"\x1b[J")
    first = terminal.shown[terminal.shown.index(b"\x1b[H") : terminal.shown.index(b"\x1b[J")]
    for told in (b"n28", b"28 more", b"1 run could not be read"):
        assert told in first
    terminal.press(b"\x03")
    assert terminal.end() in (0, 130)


def test_a_removed_run_leaves_a_watched_list(many: Any, repo: Any, process: Any) -> None:
    terminal = Terminal(repo.path, "ls", "--watch", "--limit", "2", COLUMNS="200", LINES="24")
    terminal.until(b"n28")
    assert b"n27" not in terminal.shown
    assert process("rm", "@").returncode == 0
    terminal.until(b"n27")
    terminal.press(b"\x03")
    assert terminal.end() in (0, 130)
    assert "Traceback" not in terminal.text


def test_a_watched_list_longer_than_the_screen_shows_its_beginning(many: Any, repo: Any) -> None:
    terminal = Terminal(repo.path, "ls", "--watch", "--all", COLUMNS="200", LINES="10")
    fcntl.ioctl(terminal._master, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 200, 0, 0))
    terminal.until(b"\x1b[J")
    first = terminal.shown[terminal.shown.index(b"\x1b[H") : terminal.shown.index(b"\x1b[J")]
    assert first.count(b"\n") < 10
    assert b"n29" in first
    terminal.press(b"\x03")
    assert terminal.end() in (0, 130)


def test_watching_takes_a_terminal(many: Any, process: Any) -> None:
    done = process("ls", "--watch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--watch needs a terminal" in done.stderr
    assert process("ls", "--watch", "--json").returncode == 2
