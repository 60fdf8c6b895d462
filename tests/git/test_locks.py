"""The lock: one holder among processes and threads, gone with its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runref.git.locks import LockBusy, exclusive

HOLDER = """
import sys
from pathlib import Path
from runref.git.locks import exclusive
with exclusive(Path(sys.argv[1]), wait=5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "deep/er/lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def is_busy_elsewhere(path):
    """Return whether another process finds the lock taken."""
    probe = subprocess.run(
        [sys.executable, "-c", HOLDER.replace("wait=5", "wait=0"), str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return "LockBusy" in probe.stderr


def test_another_process_keeps_us_out_until_it_ends(tmp_path, holder):
    path = tmp_path / "deep/er/lock"
    with pytest.raises(LockBusy, match="lock"), exclusive(path, wait=0):
        pass
    began = time.monotonic()
    with pytest.raises(LockBusy), exclusive(path, wait=0.2):
        pass
    assert 0.2 <= time.monotonic() - began < 5
    holder.send_signal(signal.SIGKILL)
    with exclusive(path, wait=10):
        pass
    assert path.exists()


def test_another_thread_keeps_us_out(tmp_path):
    path = tmp_path / "lock"
    held, leave = threading.Event(), threading.Event()

    def hold():
        with exclusive(path, wait=0):
            held.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    with pytest.raises(LockBusy), exclusive(path, wait=0.05):
        pass
    # The failed attempt must not have dropped the lock of the process either.
    assert is_busy_elsewhere(path)
    leave.set()
    thread.join()
    with exclusive(path, wait=0):
        pass


def test_a_lock_whose_holder_removed_it_is_taken_anew(tmp_path, holder):
    path = tmp_path / "deep/er/lock"
    entered = threading.Event()

    def wait_for_it():
        with exclusive(path, wait=20):
            assert path.exists()
            assert is_busy_elsewhere(path)
            entered.set()

    thread = threading.Thread(target=wait_for_it)
    thread.start()
    while not _is_open(path):
        assert thread.is_alive()
    path.unlink()
    holder.kill()
    thread.join(30)
    assert entered.is_set()


def _is_open(path):
    return any(each.resolve() == path for each in Path("/proc/self/fd").iterdir())


def test_it_is_not_reentrant_and_is_free_after_an_exception(tmp_path):
    path = tmp_path / "lock"

    def fail():
        with exclusive(path, wait=0):
            with pytest.raises(LockBusy), exclusive(tmp_path / "." / "lock", wait=0):
                pass
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    with exclusive(path, wait=0), exclusive(tmp_path / "other", wait=0):
        pass


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_hold_it_and_does_not_release_it(tmp_path):
    path = tmp_path / "lock"
    with exclusive(path, wait=0):
        child = os.fork()
        if not child:
            try:
                with exclusive(path, wait=0.05):
                    os._exit(1)
            except LockBusy:
                os._exit(0)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert is_busy_elsewhere(path)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_can_take_it_once_the_parent_lets_go(tmp_path):
    path = tmp_path / "lock"
    reader, writer = os.pipe()
    with exclusive(path, wait=0):
        child = os.fork()
        if not child:
            os.close(writer)
            os.read(reader, 1)  # ends when the parent has closed its side
            try:
                with exclusive(path, wait=5):
                    os._exit(0)
            finally:
                os._exit(1)
    os.close(writer)
    os.close(reader)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


COUNTER = """
import sys
from pathlib import Path
from runref.git.locks import exclusive
lock, counter = map(Path, sys.argv[1:])
for _ in range(50):
    with exclusive(lock, wait=60):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_many_processes_take_turns(tmp_path):
    (tmp_path / "counter").write_text("0")
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, str(tmp_path / "lock"), str(tmp_path / "counter")]
        )
        for _ in range(4)
    ]
    assert [worker.wait() for worker in workers] == [0] * 4
    assert (tmp_path / "counter").read_text() == "200"
