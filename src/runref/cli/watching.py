"""Showing something again and again on a terminal."""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

import click

_SECONDS = 2.0
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
# The other screen, on which lines that are too long are cut.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?7l", "\x1b[?7h\x1b[?1049l"

Showing = Callable[[], AbstractContextManager[None]]
"""Makes a block of which all that it prints is one picture."""


def watch(show: Callable[[Showing], None]) -> None:
    """Show something anew every two seconds, until Ctrl-C.

    Args:
        show: Called every time, with what makes the block in which it is to print.

    Raises:
        click.UsageError: there is no terminal to show it on.
    """
    screen = sys.stdout
    if not screen.isatty():
        raise click.UsageError("--watch needs a terminal.")
    screen.write(_ENTER)
    try:
        while True:
            show(lambda: _picture(screen))
            time.sleep(_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        screen.write(_LEAVE)
        screen.flush()


class _Printed(io.StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


@contextmanager
def _picture(screen: TextIO) -> Iterator[None]:
    printed = _Printed(screen.encoding)
    with redirect_stdout(printed), redirect_stderr(printed):
        yield
    lines = printed.getvalue().splitlines()
    room = shutil.get_terminal_size().lines - 1  # a newline in the last one would scroll
    if len(lines) > room:
        lines[max(room - 1, 1) :] = [f"... {len(lines) - room + 1} more lines"]
    screen.write(_HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_REST)
    screen.flush()
