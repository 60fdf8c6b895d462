"""Runs the user's command: what it prints is seen at once, kept, and never held up."""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runref.capture.console.child_console import Channel, open_channels
from runref.capture.console.signal_relay import SignalRelay
from runref.errors import RunrefError

_IDLE = 0.2
"""Seconds without output after which what a dead child's descendants still hold open is closed."""
_WAITING = 1.0
"""Seconds in all to wait for such output; time spent on writing it does not count."""
_BACKLOG = 4 << 20
"""Bytes of such output to take: more than any pipe holds of what the child itself wrote."""


class CommandNotFound(RunrefError):
    """The program that a command names does not exist."""

    code = "command-not-found"


class CommandNotExecutable(RunrefError):
    """The program that a command names exists and cannot be started."""

    code = "command-not-executable"


@dataclass(frozen=True, slots=True)
class ExitResult:
    """How a command ended.

    Attributes:
        exit_code: As a shell tells it: 128 plus the signal's number for a killed command.
        signal: Name of the signal that killed it, such as ``SIGKILL``; empty otherwise.
        cpu_seconds: User and system time of the command and the descendants it waited for.
        peak_memory: Most memory in bytes that one of these processes held. Never less than what
            this process holds: the kernel counts from before the program is loaded.
        dropped: Bytes of output that the sink refused.
    """

    exit_code: int
    signal: str = ""
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    dropped: int = 0


def run_command(
    argv: Sequence[str],
    *,
    sink: Callable[[bytes], None],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> ExitResult:
    """Run `argv` to its end, with this process's stdin, and return how it ended.

    What it prints goes to this process's stdout and stderr and to `sink` as it comes; both may fail
    without harm to the command. Signals are relayed as `SignalRelay` says. Descendants that outlive
    the command may keep its output open: what they have printed by then is taken, and the output is
    closed after a moment of silence. Must be called in the main thread.

    Args:
        argv: Program and arguments; the program is looked up in ``PATH``.
        sink: Gets the bytes of both streams in the order of their arrival. Bytes for which it
            raises OSError are counted.
        cwd: Where to run; the current directory if not given.
        env: All of the command's environment; this process's own if not given.

    Raises:
        CommandNotFound: there is no such program or directory.
        CommandNotExecutable: the program cannot be started.
    """
    stdout, stderr = open_channels()
    channels = [stdout] if stdout is stderr else [stdout, stderr]

    def resize() -> None:
        for channel in channels:
            channel.copy_window_size()

    try:
        with SignalRelay(resize) as relay:
            try:
                pid = _start(argv, stdout, stderr, cwd=cwd, env=env)
            finally:
                for channel in channels:
                    os.close(channel.child_end)
            relay.child_started(pid)
            return _Wait(pid, channels, relay, sink).until_end()
    finally:
        for channel in channels:
            os.close(channel.source)


def _start(
    argv: Sequence[str],
    stdout: Channel,
    stderr: Channel,
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
) -> int:
    import subprocess

    try:
        process = subprocess.Popen(
            list(argv), stdout=stdout.child_end, stderr=stderr.child_end, cwd=cwd, env=env
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_found(argv[0], cwd, error) from error
    except OSError as error:
        raise CommandNotExecutable(
            f"cannot start {argv[0]}: {error.strerror}",
            hint="a script needs `chmod +x` and a first line such as `#!/usr/bin/env python3`",
        ) from error
    # We reap the process ourselves, since only wait4 tells what it used.
    process.returncode = 0
    return process.pid


def _not_found(program: str, cwd: Path | None, error: OSError) -> CommandNotFound:
    if cwd is not None and not cwd.is_dir():
        return CommandNotFound(f"there is no directory {cwd} to run the command in")
    if "/" in program and Path(cwd or ".", program).exists():
        return CommandNotFound(
            f"cannot start {program}: the interpreter in its first line does not exist",
            hint="correct its `#!` line, or name the interpreter: runref run -- python SCRIPT",
        )
    return CommandNotFound(
        f"there is no program {error.filename or program}",
        hint="check its spelling and PATH; a script in this directory is called ./SCRIPT",
    )


class _Wait:
    """Waits for a child, moving its output meanwhile."""

    def __init__(
        self,
        pid: int,
        channels: list[Channel],
        relay: SignalRelay,
        sink: Callable[[bytes], None],
    ) -> None:
        self._pid = pid
        self._relay = relay
        self._sink = sink
        self._dropped = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(relay.wake, selectors.EVENT_READ)
        for channel in channels:
            self._selector.register(channel.source, selectors.EVENT_READ, channel)
        self._open = len(channels)

    def until_end(self) -> ExitResult:
        try:
            while (ended := self._reap()) is None:
                self._move_output(timeout=None)
            self._drain()
        finally:
            self._selector.close()
        return _exit_result(*ended, dropped=self._dropped)

    def _reap(self) -> tuple[int, float, int] | None:
        """Return wait status, seconds of CPU time and peak memory once the child has ended."""
        pid, status, usage = os.wait4(self._pid, os.WNOHANG)
        if not pid:
            return None
        self._relay.child_ended()
        unit = 1 if sys.platform == "darwin" else 1024
        return status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit

    def _move_output(self, timeout: float | None) -> int:
        """Wait for output or a signal; return how many bytes came."""
        moved = 0
        for key, _ in self._selector.select(timeout):
            channel: Channel | None = key.data
            if channel is None:
                self._relay.clear()
            elif (passed := channel.pass_on(self._sink)) is None:
                self._selector.unregister(channel.source)
                self._open -= 1
            else:
                moved += passed[0]
                self._dropped += passed[1]
        return moved

    def _drain(self) -> None:
        """Take what is left after the child's end, also while descendants hold the streams open."""
        waited, taken = 0.0, 0
        while self._open and waited < _WAITING and taken < _BACKLOG:
            before = time.monotonic()
            ready = self._selector.select(_IDLE)
            waited += time.monotonic() - before
            if not ready:
                return
            taken += self._move_output(timeout=0)


def _exit_result(status: int, cpu_seconds: float, peak_memory: int, *, dropped: int) -> ExitResult:
    code = os.waitstatus_to_exitcode(status)
    name = ""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:  # a real-time signal
            name = f"SIGRTMIN+{-code - signal.SIGRTMIN}"
        code = 128 - code
    return ExitResult(code, name, cpu_seconds, peak_memory, dropped)
