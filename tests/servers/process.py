"""Programs that tests start: found, kept to a folder, ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from tests.servers.reaper import Reaper

# Read once: every test runs without the variables of runref.
REQUIRED = os.environ.get("RUNREF_REQUIRE_SERVERS") == "1"


def program(name: str, package: str) -> str:
    """Return the path of an installed program; without it the test is skipped."""
    folders = [str(Path(sys.prefix) / "bin"), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        unavailable(f"{name} is not installed: it comes with {package}")
    return found


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where `RUNREF_REQUIRE_SERVERS` is 1."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


class Process:
    """A program, and a folder for all that it writes. Its environment has nothing of the user's.

    Attributes:
        folder: The folder.
        log: What the program prints.
        process: The running program; none while it does not run.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self.folder = folder
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Return the program with its arguments."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return what the program finds in its environment, beside PATH, HOME and TMPDIR."""
        return {}

    def left_behind(self) -> Iterable[Path]:
        """Return the files that the program leaves outside of its folder."""
        return ()

    def start(self) -> None:
        """Start the program; the end of this process, even by a kill, will be its end too."""
        assert self.process is None, f"{self.command()[0]} is running already"
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.folder),
                    "TMPDIR": str(temporary),
                    **self.environment(),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        Reaper.of_this_process().watch(self.process.pid, self.left_behind())

    def kill(self) -> None:
        """Kill the program and what it started at once, as a crash does."""
        if self.process is None:
            return
        process, self.process = self.process, None
        with contextlib.suppress(ProcessLookupError):  # It ended, and all that it started.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        Reaper.of_this_process().forget(process.pid)

    def close(self) -> None:
        """Kill the program and remove everything that it wrote."""
        self.kill()
        for path in self.left_behind():
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def fail(self, problem: str) -> NoReturn:
        """Fail the test with the end of the program's log."""
        log = self.log.read_text("utf-8", "replace")[-4000:]
        pytest.fail(f"{' '.join(self.command())}\n{problem}; its log ends with\n{log}")
