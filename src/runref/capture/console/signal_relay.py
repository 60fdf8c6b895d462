"""Signals that reach this process while it waits for a child."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_FROM_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


class SignalRelay:
    """Passes signals on to a child, and wakes a selector when the child may have ended.

    A context manager for the main thread. SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 go to the child. So
    do SIGINT and SIGQUIT, unless this process is in the foreground of a terminal: a key pressed
    there has reached the child already, and a second SIGINT would cut its clean-up short. (That
    ``kill -INT`` was meant for us alone cannot be told in the foreground.) A signal that is ignored
    stays ignored, as ``nohup`` wants.

    Attributes:
        wake: Descriptor that becomes readable with every signal.
    """

    def __init__(self, on_resize: Callable[[], None]) -> None:
        self._on_resize = on_resize
        self._child = 0
        self._early: list[int] = []
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> SignalRelay:
        self.wake, self._alarm = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._alarm, False)
        self._previous_alarm = signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        for number in (*_FORWARDED, *_FROM_KEYBOARD):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._relay)
        self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._nothing)
        self._previous[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._resize)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            # None is a handler that was not set from Python; the default is as near as we get.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._previous_alarm)
        os.close(self.wake)
        os.close(self._alarm)

    def child_started(self, pid: int) -> None:
        """Relay to process `pid` from now on, beginning with what came before it was there."""
        self._child = pid
        for number in self._early:
            os.kill(pid, number)

    def child_ended(self) -> None:
        """Relay nothing any more: the process id may belong to someone else."""
        self._child = 0

    def clear(self) -> None:
        """Make `wake` unreadable until the next signal."""
        try:
            while os.read(self.wake, 4096):
                pass
        except BlockingIOError:
            return

    def _relay(self, number: int, _frame: FrameType | None) -> None:
        if number in _FROM_KEYBOARD and _in_foreground():
            return
        if self._child:
            os.kill(self._child, number)
        else:
            self._early.append(number)

    def _resize(self, _number: int, _frame: FrameType | None) -> None:
        self._on_resize()

    def _nothing(self, _number: int, _frame: FrameType | None) -> None:
        """Take SIGCHLD, so that it is written to the wake-up descriptor."""


def _in_foreground() -> bool:
    try:
        with Path("/dev/tty").open("rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:  # no controlling terminal
        return False
