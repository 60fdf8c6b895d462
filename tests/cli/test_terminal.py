"""On a terminal, in a pipe, under other locales: real processes on real pseudo-terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.signers import SshKeys

from runref.cli.commands.reproduce import _terminating

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

LIMIT_SECONDS = 60.0
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

WAITING = """\
import signal, sys, runref
run = runref.init()
run.log({"step": 1})
print("training", flush=True)
if len(sys.argv) < 2:
    signal.pause()
"""


class Terminal:
    """A command whose stdin, stdout and stderr are one pseudo-terminal."""

    def __init__(self, cwd: Path, *argv: str, **environ: str) -> None:
        self.pid, self._master = pty.fork()
        if not self.pid:
            os.chdir(cwd)
            os.execve(
                sys.executable,
                [sys.executable, "-m", "runref", *argv],
                {**os.environ, "TERM": "xterm", **environ},
            )
        self.shown = b""

    def until(self, text: bytes) -> None:
        """Read until the screen has shown `text`."""
        while text not in self.shown:
            assert self._read(), f"{text!r} never came: {self.shown!r}"

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def end(self) -> int:
        """Read to the end and return the exit status."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._master)
        return os.waitstatus_to_exitcode(status)

    @property
    def text(self) -> str:
        return ANSI.sub("", self.shown.decode()).replace("\r\n", "\n")

    def _read(self) -> bytes:
        ready, _, _ = select.select([self._master], [], [], LIMIT_SECONDS)
        assert ready, f"nothing came for {LIMIT_SECONDS} s: {self.shown!r}"
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: the other end is closed
            return b""
        self.shown += data
        return data


@pytest.fixture
def terminal(repo: Any) -> Callable[..., Terminal]:
    return lambda *argv, **environ: Terminal(repo.path, *argv, **environ)


@pytest.fixture
def waiting(repo: Any) -> Any:
    repo.write("train.py", WAITING)
    return repo


def test_ctrl_c_ends_a_run_as_interrupted(waiting: Any, cli: Any, terminal: Any) -> None:
    running = terminal("run", "--", "python", "train.py")
    running.until(b"training")
    running.press(b"\x03")
    assert running.end() == 130
    assert "Traceback" not in running.text.split("KeyboardInterrupt")[-1]
    run = cli("show", "--json", "@").json
    assert (run["status"], run["signal"]) == ("interrupted", "SIGINT")
    assert run["metrics"]["step"]["count"] == 1


def test_ctrl_c_during_a_reproduction_leaves_no_checkout(
    waiting: Any, cli: Any, terminal: Any, tmp_path: Path
) -> None:
    # The command reads what it is to do from a file that is no part of its code.
    waiting.write(
        "train.py",
        WAITING.replace(
            "len(sys.argv) < 2", f"__import__('os').path.exists({str(tmp_path / 'wait')!r})"
        ),
    )
    cli("run", "--", "python", "train.py")
    (tmp_path / "wait").touch()
    folder = tmp_path / "temporary"
    folder.mkdir()
    again = terminal("reproduce", "@", TMPDIR=str(folder))
    again.until(b"training")
    assert list(folder.glob("runref-*"))
    again.press(b"\x03")
    assert again.end() == 130
    assert "verdict     none: interrupted" in again.text
    assert list(folder.iterdir()) == []
    assert_no_verdict(cli, cli("show", "--json", "@~1").json["id"])


def assert_no_verdict(cli: Any, original: str) -> None:
    recorded = cli("show", "--json", "@").json
    assert recorded["status"] == "interrupted"
    assert recorded["reproduction"] is None
    assert recorded["note"] == f"interrupted reproduction of run {original}: no verdict"


def test_sigterm_during_a_reproduction_leaves_no_checkout(
    waiting: Any, cli: Any, tmp_path: Path, validate: Any
) -> None:
    waiting.write(
        "train.py",
        WAITING.replace(
            "len(sys.argv) < 2", f"__import__('os').path.exists({str(tmp_path / 'wait')!r})"
        ),
    )
    cli("run", "--", "python", "train.py")
    (tmp_path / "wait").touch()
    folder = tmp_path / "temporary"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "runref", "reproduce", "--json", "@"],
        cwd=waiting.path,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as again:
        assert again.stdout is not None
        assert again.stderr is not None
        while b"training" not in again.stderr.readline():
            pass
        again.send_signal(signal.SIGTERM)
        document = json.loads(again.stdout.read())
        assert again.wait(LIMIT_SECONDS) == 130
    assert list(folder.iterdir()) == []
    validate("reproduce", document)
    assert (document["verdict"], document["reasons"]) == ("", [])
    assert document["interrupted"]
    assert_no_verdict(cli, document["run"])


def test_sigterm_before_the_command_ends_the_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught, _terminating():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_live_run_is_listed_as_running(waiting: Any, cli: Any, terminal: Any) -> None:
    running = terminal("run", "-e", "live", "--", "python", "train.py")
    running.until(b"training")
    done = cli("ls")
    run_id = done.out.splitlines()[1].split()[0]
    assert "running" in done.out
    assert "status       running" in cli("show", run_id).out
    assert cli("show", "--console", run_id[9:13]).out == "training\n"
    for argv in (("reproduce", run_id), ("tag", "-a", "x", run_id), ("diff", run_id, run_id)):
        refused = cli(*argv, "--json")
        assert refused.error["code"] == "still-running"
        assert refused.status == 2
    running.press(b"\x03")
    assert running.end() == 130


def test_colours_only_on_a_terminal_and_not_with_no_color(
    repo: Any, cli: Any, terminal: Any
) -> None:
    cli("run", "--", "python", "-c", "raise SystemExit(1)")
    for argv in (("ls",), ("doctor",)):
        coloured = terminal(*argv)
        coloured.end()
        assert b"\x1b[" in coloured.shown
        plain = terminal(*argv, NO_COLOR="1")
        plain.end()
        assert b"\x1b[" not in plain.shown
        assert "\x1b[" not in cli(*argv).out


@pytest.mark.parametrize("width", [30, 40, 60, 200])
def test_a_table_fits_the_terminal(training: Any, cli: Any, terminal: Any, width: int) -> None:
    cli("run", "-e", "a-long-name-of-an-experiment", "--", "python", "train.py", "--lr", "0.1")
    cli("run", "-e", "日本語の長い実験の名前", "--", "python", "train.py", "--lr", "0.2")
    listed = terminal("ls", COLUMNS=str(width))
    assert listed.end() == 0
    from rich.cells import cell_len

    table = [line for line in listed.text.splitlines() if not line.startswith("…")]
    assert len(table) == 3
    assert max(map(cell_len, table)) <= width
    assert all(line[:4] in ("id  ", "2026") or line[:4].isdecimal() for line in table)
    assert ("do not fit" in listed.text) == (width < 200)
    uncut = cli("ls")
    assert "a-long-name-of-an-experiment" in uncut.out
    assert "日本語の長い実験の名前" in uncut.out


def test_in_a_pipe_that_nobody_reads(training: Any, cli: Any) -> None:
    cli("run", "--", "python", "train.py")
    for argv in (["show", "@"], ["ls", "--csv"], ["ls", "--json"], ["doctor"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [sys.executable, "-m", "runref", *argv],
            cwd=training.path,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_a_run_goes_on_when_nobody_reads_it(repo: Any, cli: Any) -> None:
    repo.write(
        "train.py",
        "import runref\nwith runref.init() as run:\n"
        "    for i in range(3): print('x' * 100000, flush=True); run.log({'i': i})",
    )
    reading, writing = os.pipe()
    os.close(reading)
    subprocess.run(
        [sys.executable, "-m", "runref", "run", "--", "python", "train.py"],
        cwd=repo.path,
        stdout=writing,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    assert cli("show", "--json", "@").json["metrics"]["i"]["last"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(("locale", "encoding"), [("C", ""), ("C.UTF-8", ""), ("C", "latin-1")])
def test_under_any_locale(training: Any, process: Any, locale: str, encoding: str) -> None:
    environ = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environ |= {"PYTHONIOENCODING": encoding} if encoding else {}
    done = process("run", "-e", "日本", "-o", "model.bin", "--", "python", "train.py", **environ)
    assert done.returncode == 0
    for argv in (("ls",), ("show", "@"), ("reproduce", "@"), ("diff", "@", "@~1"), ("ls", "--csv")):
        done = process(*argv, **environ)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_progress_bar_for_a_large_input(repo: Any, terminal: Any) -> None:
    repo.write(".gitignore", "large\n")
    with (repo.path / "large").open("wb") as file:
        file.truncate(2_300_000_000)
    started = time.monotonic()
    running = terminal("run", "-i", "large", "--", "python", "-c", "print('the program')")
    running.until(b"inputs")
    assert time.monotonic() - started > 1
    assert running.end() == 0
    assert "2.3 GB" in running.text
    before, _, after = running.shown.partition(b"the program")
    assert b"\xe2\x94" in before or b"inputs" in before
    assert b"inputs" not in after


@pytest.mark.slow
def test_a_progress_bar_while_a_large_input_is_brought_back(
    repo: Any, cli: Any, terminal: Any, tmp_path: Path
) -> None:
    repo.write(".gitignore", "large\n")
    repo.write("train.py", "import runref; runref.init().log({'x': 1}); print('the program')")
    with (repo.path / "large").open("wb") as file:
        file.truncate(2_300_000_000)
    cli("run", "-i", "large", "--", "python", "train.py")
    again = terminal("reproduce", "@", TMPDIR=str(tmp_path))
    assert again.end() == 0
    assert "2.3 GB" in again.text
    before, _, after = again.shown.partition(b"the program")
    assert before.count(b"\x1b[") > after.count(b"\x1b[")
    assert "inputs " in ANSI.sub("", before.decode())
    assert b"GB/s" not in after


def test_no_progress_bar_in_a_pipe_or_for_what_is_quick(
    repo: Any, terminal: Any, process: Any
) -> None:
    repo.write("data", "x" * 1000)
    quick = terminal("run", "-i", "data", "--", "true")
    quick.end()
    assert quick.text.startswith("run 2")
    assert process("run", "-i", "data", "--", "true").stderr.startswith("run 2")


def test_a_passphrase_is_asked_for_to_sign_a_run_and_never_to_record_one(
    repo: Any, cli: Any, terminal: Any, ssh_keys: SshKeys
) -> None:
    ssh_keys.set_up(repo)
    locked = ssh_keys.make("locked", passphrase="secret")
    ssh_keys.allow(locked)
    repo.git("config", "user.signingKey", str(locked.path))
    repo.git("config", "commit.gpgSign", "true")
    recording = terminal("run", "--", "true")
    assert recording.end() == 0
    assert "passphrase:" not in recording.text
    assert "incorrect passphrase" in recording.text
    repo.git("config", "commit.gpgSign", "false")
    signing = terminal("sign", "@")
    signing.until(b"passphrase:")
    signing.press(b"secret\r")
    assert signing.end() == 0
    assert cli("verify", "@").status == 0
