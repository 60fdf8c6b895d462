"""Ends the servers of a test process that was killed: a process that outlives it by a moment.

As a program it reads one JSON object per line, `{"watch": 123, "files": ["/tmp/x.sock"]}` or
`{"forget": 123}`. When its input ends, which the end of the test process does at the latest, it
kills the process groups that it still watches and removes their files.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path


class Reaper:
    """The side of the test process: says what is to go when it goes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__], stdin=subprocess.PIPE, start_new_session=True
        )
        atexit.register(self._end)

    @staticmethod
    @cache
    def of_this_process() -> Reaper:
        """Return the only one."""
        return Reaper()

    def watch(self, group: int, files: Iterable[Path]) -> None:
        """Have a process group killed, and files removed, when this process ends."""
        self._tell({"watch": group, "files": [str(path) for path in files]})

    def forget(self, group: int) -> None:
        """Leave a process group alone, which has ended: its number may come again."""
        self._tell({"forget": group})

    def _tell(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _end(self) -> None:
        self._tell({"end": True})  # A forked child may hold the pipe open.
        self._process.communicate()


def main() -> None:
    watched: dict[int, list[str]] = {}
    for line in sys.stdin:
        message = json.loads(line)
        if "watch" in message:
            watched[message["watch"]] = message["files"]
        elif "forget" in message:
            watched.pop(message["forget"], None)
        else:
            break
    for group, files in watched.items():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        for path in files:
            Path(path).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
