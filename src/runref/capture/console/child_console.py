"""The ends of a child's stdout and stderr that this process reads, and what happens to the bytes.

A child whose output goes to a terminal gets a pseudo-terminal, so that it keeps its colours and
progress bars; one whose output goes elsewhere, or for which the system has none, gets a pipe. Where
both of our own streams lead to the same place, so do both of the child's: then nothing can change
the order of its lines.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from dataclasses import dataclass

_READ_SIZE = 1 << 16


@dataclass(slots=True)
class Channel:
    """One stream of a child on its way to ours.

    Attributes:
        source: The descriptor we read from.
        child_end: The descriptor the child writes to.
        target: Our own descriptor that the bytes go to, 1 or 2.
        is_terminal: Whether `target` is a terminal, and `source` a pseudo-terminal.
        target_open: Whether `target` still takes bytes; a reader such as ``head`` may be gone.
    """

    source: int
    child_end: int
    target: int
    is_terminal: bool
    target_open: bool = True

    def pass_on(self, sink: Callable[[bytes], None]) -> tuple[int, int] | None:
        """Read once, and give the bytes to our own stream and to `sink`.

        Returns:
            How many bytes were read and how many `sink` refused; None at the end of the stream.
        """
        try:
            data = os.read(self.source, _READ_SIZE)
        except OSError:  # EIO: how Linux tells that nobody has the other end of a terminal
            return None
        if not data:
            return None
        self.target_open = self.target_open and _write_all(self.target, data)
        try:
            sink(data)
        except OSError:
            return len(data), len(data)
        return len(data), 0

    def copy_window_size(self) -> None:
        """Give the pseudo-terminal the size of the real one."""
        if not self.is_terminal:
            return
        import fcntl
        import termios

        try:
            size = fcntl.ioctl(self.target, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self.source, termios.TIOCSWINSZ, size)
        except OSError:  # the terminal is gone; so is its size
            return


def open_channels(targets: tuple[int, int] = (1, 2)) -> tuple[Channel, Channel]:
    """Return the channels of stdout and stderr: one and the same where both lead to one place."""
    out, error = targets
    stdout = _open(out)
    return stdout, stdout if _same_place(out, error) else _open(error)


def _open(target: int) -> Channel:
    ends = _pseudo_terminal() if os.isatty(target) else None
    if ends is None:
        source, child_end = os.pipe()
        return Channel(source, child_end, target, is_terminal=False)
    import termios

    source, child_end = ends
    # No processing of what the child writes: the real terminal does that, once.
    attributes = termios.tcgetattr(child_end)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(child_end, termios.TCSANOW, attributes)
    channel = Channel(source, child_end, target, is_terminal=True)
    channel.copy_window_size()
    return channel


def _pseudo_terminal() -> tuple[int, int] | None:
    try:
        return os.openpty()
    except OSError:  # none are left, or /dev/pts is not mounted, as in small containers
        return None


def _same_place(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:  # one of them is closed
        return False


def _write_all(target: int, data: bytes) -> bool:
    """Write all of `data`; return False when nobody takes it any more."""
    try:
        while data:
            data = data[_write(target, data) :]
    except OSError:
        return False
    return True


def _write(target: int, data: bytes) -> int:
    try:
        return os.write(target, data)
    except BlockingIOError:  # someone who shares the terminal made it non-blocking
        select.select([], [target], [])
        return 0
