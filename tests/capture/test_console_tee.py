from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from runref.capture.console.tee import ConsoleTee


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def read(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "console.log")
    yield log
    os.close(log.descriptor)


def console(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Put what stands for the console into place; in the test, as pytest changes it before."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    return out


def test_what_is_printed_is_seen_and_kept_in_order(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = console(monkeypatch)
    tee = ConsoleTee(log.descriptor)
    before = sys.stdout, sys.stderr
    tee.start()
    print("one")
    print("two", file=sys.stderr)
    sys.stdout.writelines(["thr", "ee\n"])
    assert sys.stdout.write("four") == 4
    tee.stop()
    print("five")
    assert (sys.stdout, sys.stderr) == before
    assert terminal.getvalue() == "one\nthree\nfourfive\n"
    assert log.read() == b"one\ntwo\nthree\nfour"
    assert tee.dropped == 0


def test_the_stream_behaves_as_the_one_below(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open("w", encoding="latin-1") as original:
        monkeypatch.setattr(sys, "stdout", original)
        tee = ConsoleTee(log.descriptor)
        tee.start()
        assert sys.stdout.encoding == "latin-1"
        assert sys.stdout.fileno() == original.fileno()
        assert sys.stdout.buffer is original.buffer
        assert sys.stdout.isatty() is False
        with pytest.raises(AttributeError):
            sys.stdout.no_such_thing()
        with pytest.raises(TypeError):
            sys.stdout.write(b"bytes")
        tee.stop()
    assert log.read() == b""


def test_text_of_any_kind_is_kept(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    console(monkeypatch)
    tee = ConsoleTee(log.descriptor)
    tee.start()
    sys.stdout.write("größe \udcff \ud800")
    sys.stdout.write("\udcff")
    tee.stop()
    assert log.read() == b"gr\xc3\xb6\xc3\x9fe \\udcff \\ud800\xff"


def test_a_log_that_fails_breaks_no_print(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = console(monkeypatch)
    full = os.open("/dev/full", os.O_WRONLY | os.O_APPEND)
    tee = ConsoleTee(full)
    tee.start()
    print("größe")
    tee.stop()
    os.close(full)
    assert terminal.getvalue() == "größe\n"
    assert tee.dropped == len("größe\n".encode())


def test_a_console_that_fails_is_still_logged(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = console(monkeypatch)
    tee = ConsoleTee(log.descriptor)
    tee.start()
    terminal.close()
    with pytest.raises(ValueError, match="closed file"):
        print("lost on screen", end="")
    tee.stop()
    assert log.read() == b"lost on screen"


def test_one_inside_the_other(log: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = console(monkeypatch)
    inner_log = Log(tmp_path / "inner.log")
    outer, inner = ConsoleTee(log.descriptor), ConsoleTee(inner_log.descriptor)
    outer.start()
    inner.start()
    print("both")
    inner.stop()
    print("outer")
    outer.stop()
    assert sys.stdout is terminal
    assert log.read() == b"both\nouter\n"
    assert inner_log.read() == b"both\n"
    os.close(inner_log.descriptor)


def test_stopped_in_the_wrong_order_the_original_is_back(
    log: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = console(monkeypatch)
    inner_log = Log(tmp_path / "inner.log")
    outer, inner = ConsoleTee(log.descriptor), ConsoleTee(inner_log.descriptor)
    outer.start()
    inner.start()
    outer.stop()
    print("inner")
    inner.stop()
    os.close(inner_log.descriptor)
    assert sys.stdout is terminal
    assert log.read() == b""
    assert inner_log.read() == b"inner\n"


def test_a_stream_put_on_top_stays_where_it_is(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = console(monkeypatch)

    class OnTop:
        def __init__(self, below: io.StringIO) -> None:
            self.below = below

        def write(self, text: str) -> int:
            return self.below.write(text.upper())

    tee = ConsoleTee(log.descriptor)
    tee.start()
    sys.stdout = on_top = OnTop(sys.stdout)
    print("a", end="")
    tee.stop()
    print("b", end="")
    assert sys.stdout is on_top
    assert terminal.getvalue() == "AB"
    assert log.read() == b"A"


def test_redirected_output_is_not_the_consoles(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    console(monkeypatch)
    tee = ConsoleTee(log.descriptor)
    tee.start()
    with redirect_stdout(io.StringIO()):
        print("elsewhere")
    print("here")
    tee.stop()
    assert log.read() == b"here\n"


def test_a_program_without_a_console_runs(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    tee = ConsoleTee(log.descriptor)
    tee.start()
    tee.stop()
    assert sys.stdout is None


def test_started_twice_and_stopped_twice_is_once(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = console(monkeypatch)
    tee = ConsoleTee(log.descriptor)
    tee.start()
    tee.start()
    print("x")
    tee.stop()
    tee.stop()
    assert sys.stdout is terminal
    assert log.read() == b"x\n"


def test_threads_and_forked_processes_write_whole_lines(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    console(monkeypatch)
    tee = ConsoleTee(log.descriptor)
    tee.start()

    def talk(name: str) -> None:
        for number in range(200):
            sys.stdout.write(f"{name} {number}\n")

    child = os.fork()
    if not child:
        talk("child")
        os._exit(0)
    threads = [threading.Thread(target=talk, args=(f"thread{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
    tee.stop()
    expected = {
        f"{name} {n}" for name in ("child", *(f"thread{i}" for i in range(4))) for n in range(200)
    }
    assert sorted(log.read().decode().splitlines()) == sorted(expected)
