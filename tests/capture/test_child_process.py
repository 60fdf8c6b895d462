"""Commands that really run, on pipes and on terminals, and are really killed."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runref.capture.console.child_process import CommandNotExecutable, CommandNotFound, run_command

pytestmark = pytest.mark.slow  # `make check` is for all day

PARENT = """
import json, os, sys
from pathlib import Path
from runref.capture.console.child_process import run_command

log, result, *argv = sys.argv[1:]
descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
ended = run_command(argv, sink=lambda data: os.write(descriptor, data))
Path(result).write_text(json.dumps(
    [ended.exit_code, ended.signal, ended.cpu_seconds, ended.peak_memory, ended.dropped]
))
"""
ON_A_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n" + PARENT


class Parent:
    """A process that runs a command as `runref run` does."""

    def __init__(self, folder: Path) -> None:
        self.log, self.result, self.ready = folder / "log", folder / "result", folder / "ready"
        os.mkfifo(self.ready)

    def argv(self, program: str, *, source: str = PARENT) -> list[str]:
        child = [sys.executable, "-c", program, str(self.ready)]
        return [sys.executable, "-c", source, str(self.log), str(self.result), *child]

    def start(self, program: str, **options: object) -> subprocess.Popen[bytes]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(self.argv(program), start_new_session=True, **options)

    def wait_until_ready(self) -> str:
        """Return what the command writes once it has got to the interesting point."""
        return self.ready.read_text()

    def ended(self) -> tuple[int, str]:
        code, name, *_ = json.loads(self.result.read_text())
        return code, name


@pytest.fixture
def parent(tmp_path: Path) -> Parent:
    return Parent(tmp_path)


def run(program: str, sink: Callable[[bytes], object] = lambda data: None, **options: object):
    return run_command([sys.executable, "-c", program], sink=sink, **options)


def test_what_is_printed_is_seen_at_once_and_kept(parent: Parent) -> None:
    program = """
import sys
print("first", flush=True)
assert input() == "go on"
sys.stderr.write("second\\n")
sys.stdout.buffer.write(b"\\xff\\x00\\r\\n")
sys.exit(3)
"""
    process = parent.start(program, stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"first\n"  # while the command still runs
    out, error = process.communicate(b"go on\n", timeout=60)
    assert (out, error) == (b"\xff\x00\r\n", b"second\n")
    assert sorted(parent.log.read_bytes().splitlines()) == sorted([b"first", b"second", b"\xff\0"])
    assert parent.ended() == (3, "")


def test_one_place_for_both_streams_keeps_the_order(parent: Parent) -> None:
    program = "import os\nfor n in range(2000): os.write(1 + n % 2, b'%d\\n' % n)"
    process = parent.start(program, stderr=subprocess.STDOUT)
    out, _ = process.communicate(timeout=60)
    assert out == b"".join(b"%d\n" % number for number in range(2000))
    assert parent.log.read_bytes() == out


def test_large_output_is_whole(parent: Parent) -> None:
    process = parent.start("import os\nfor _ in range(300): os.write(1, b'x' * 65536)")
    out, _ = process.communicate(timeout=60)
    assert len(out) == parent.log.stat().st_size == 300 * 65536


def test_a_reader_that_leaves_does_not_end_the_run(parent: Parent) -> None:
    program = "import os\nfor _ in range(100): os.write(1, b'x' * 65536)\nprint('done')"
    process = parent.start(program)
    with process:
        process.stdout.read(10)
        process.stdout.close()
    assert parent.ended() == (0, "")
    assert parent.log.read_bytes().endswith(b"xdone\n")


def test_a_sink_that_fails_does_not_end_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    ended = run("print('größe')", full)
    assert (ended.exit_code, ended.dropped) == (0, len("größe\n".encode()))
    assert capfd.readouterr().out == "größe\n"


def test_the_directory_and_environment_are_the_given_ones(tmp_path: Path) -> None:
    seen = bytearray()
    run("import os; print(os.getcwd(), dict(os.environ).get('A'))", seen.extend,
        cwd=tmp_path, env={"A": "b"})  # fmt: skip
    assert seen.decode() == f"{os.path.realpath(tmp_path)} b\n"


def test_what_was_used_is_told(parent: Parent) -> None:
    # By a parent that holds little: the kernel counts what a child's parent held at its start.
    program = "import time\nx = b'1' * (300 << 20)\nwhile time.process_time() < 0.3: pass"
    process = parent.start(program)
    process.communicate(timeout=60)
    *_, cpu_seconds, peak_memory, _ = json.loads(parent.result.read_text())
    assert 300 << 20 < peak_memory < 600 << 20
    assert 0.3 <= cpu_seconds < 30


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_killed_command_names_its_signal(number: signal.Signals) -> None:
    ended = run(f"import os; os.kill(os.getpid(), {int(number)})")
    assert (ended.exit_code, ended.signal) == (128 + number, number.name)


def test_a_real_time_signal_has_a_name() -> None:
    ended = run("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 2)")
    assert ended.signal == "SIGRTMIN+2"


HANDLER = """
import os, signal, sys, time
def told(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(7)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT):
    signal.signal(number, told)
with open(sys.argv[1], "w") as ready:
    ready.write("ready")
while True: signal.pause()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1", "SIGQUIT"])
def test_a_signal_to_us_reaches_the_command(parent: Parent, name: str) -> None:
    process = parent.start(HANDLER)
    parent.wait_until_ready()
    process.send_signal(getattr(signal, name))
    out, _ = process.communicate(timeout=60)
    assert out == f"got {name}\n".encode()
    assert parent.ended() == (7, "")


def test_an_ignored_hangup_stays_ignored(parent: Parent) -> None:
    argv = ["nohup", *parent.argv(HANDLER)]
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    parent.wait_until_ready()
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert out == b"got SIGTERM\n"


def test_handlers_are_as_they_were_afterwards() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGWINCH)
    before = [signal.getsignal(number) for number in numbers]
    descriptors = set(Path("/proc/self/fd").iterdir())
    run("pass")
    with pytest.raises(CommandNotFound):
        run_command(["no-such-program"], sink=lambda data: None)
    assert [signal.getsignal(number) for number in numbers] == before
    assert set(Path("/proc/self/fd").iterdir()) == descriptors
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("chatty", [False, True])
def test_descendants_that_stay_do_not_hold_us(parent: Parent, *, chatty: bool) -> None:
    talk = "while True: print('y' * 1000)" if chatty else "import time; time.sleep(600)"
    program = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {talk!r}])
with open(sys.argv[1], "w") as ready:
    ready.write(str(child.pid))
print("last words", flush=True)
"""
    began = time.monotonic()
    process = parent.start(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    grandchild = int(parent.wait_until_ready())
    try:
        assert process.wait(timeout=60) == 0
        assert time.monotonic() - began < 30
        assert b"last words\n" in parent.log.read_bytes()
        assert parent.ended() == (0, "")
    finally:
        try:
            os.kill(grandchild, signal.SIGKILL)
        except ProcessLookupError:
            assert chatty  # it wrote into the output that we had closed


def test_a_silent_wait_costs_no_time(parent: Parent) -> None:
    process = parent.start("import sys; open(sys.argv[1], 'w').write('ready'); input()",
                           stdin=subprocess.PIPE)  # fmt: skip
    parent.wait_until_ready()

    def ticks() -> int:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    select.select([], [], [], 0.5)  # the time over which a busy loop would show
    assert ticks() - before <= 2
    process.communicate(b"\n", timeout=60)


def test_a_missing_program_says_so() -> None:
    with pytest.raises(CommandNotFound) as caught:
        run_command(["no-such-program", "x"], sink=lambda data: None)
    assert "no-such-program" in caught.value.message
    assert caught.value.hint


def test_a_missing_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandNotFound, match="no directory"):
        run("pass", cwd=tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "mode", "error"),
    [
        ("#!/bin/sh\n", 0o644, CommandNotExecutable),
        ("\x00no program", 0o755, CommandNotExecutable),
        ("#!/no/such/interpreter\n", 0o755, CommandNotFound),
    ],
)
def test_a_program_that_cannot_start_says_why(
    tmp_path: Path, content: str, mode: int, error: type[CommandNotFound]
) -> None:
    script = tmp_path / "script"
    script.write_text(content)
    script.chmod(mode)
    with pytest.raises(error) as caught:
        run_command([str(script)], sink=lambda data: None)
    assert str(script) in caught.value.message
    assert caught.value.hint


class Terminal:
    """A terminal with a parent in its foreground, as a shell would have started it."""

    def __init__(self, parent: Parent, program: str, *, rows: int = 24, columns: int = 80) -> None:
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            parent.argv(program, source=ON_A_TERMINAL),
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def read_until(self, text: bytes) -> None:
        while text not in self.seen:
            self.seen += os.read(self.master, 65536)

    def close(self) -> None:
        """Read to the end and wait."""
        try:
            while data := os.read(self.master, 65536):
                self.seen += data
        except OSError:  # EIO: everyone has left the terminal
            pass
        self.process.wait(timeout=60)
        os.close(self.master)


def test_on_a_terminal_the_command_has_one_too(parent: Parent) -> None:
    program = """
import os, sys
print(os.isatty(0), os.isatty(1), os.isatty(2), *os.get_terminal_size(1))
sys.stderr.write("50%\\r\\x1b[31m100%\\n")
"""
    terminal = Terminal(parent, program, rows=33, columns=101)
    terminal.close()
    assert parent.log.read_bytes() == b"True True True 101 33\n50%\r\x1b[31m100%\n"
    assert terminal.seen == b"True True True 101 33\r\n50%\r\x1b[31m100%\r\n"


def test_only_the_stream_on_the_terminal_is_one(parent: Parent, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with (tmp_path / "err").open("wb") as error:
        argv = parent.argv("import os; print(os.isatty(1), os.isatty(2))")
        process = subprocess.Popen(argv, stdout=slave, stderr=error, start_new_session=True)
        os.close(slave)
        assert process.wait(timeout=60) == 0
        assert os.read(master, 100) == b"True False\r\n"
    os.close(master)


def test_a_new_window_size_reaches_the_command(parent: Parent) -> None:
    program = """
import os, signal, sys
print("ready", flush=True)
while os.get_terminal_size(1).columns != 132: signal.sigtimedwait({signal.SIGWINCH}, 0.01)
print("resized")
"""
    terminal = Terminal(parent, program)
    terminal.read_until(b"ready")
    terminal.resize(40, 132)
    terminal.read_until(b"resized")
    terminal.close()
    assert parent.ended() == (0, "")


def test_ctrl_c_reaches_the_command_once(parent: Parent) -> None:
    program = """
import signal, sys
count = 0
def told(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, told)
print("ready", flush=True)
while not count: signal.pause()
signal.sigtimedwait(set(), 0.3)
print("interrupted", count, "times", flush=True)
sys.exit(5)
"""
    terminal = Terminal(parent, program)
    terminal.read_until(b"ready")
    os.write(terminal.master, b"\x03")
    terminal.close()
    assert b"interrupted 1 times\n" in parent.log.read_bytes()
    assert parent.ended() == (5, "")


def test_the_end_of_the_terminal_reaches_the_command(parent: Parent) -> None:
    terminal = Terminal(parent, HANDLER)
    parent.wait_until_ready()
    os.close(terminal.master)
    terminal.process.wait(timeout=60)
    assert parent.log.read_bytes() == b"got SIGHUP\n"
    assert parent.ended() == (7, "")
