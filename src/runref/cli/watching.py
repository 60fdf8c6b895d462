"""Showing something again and again on a terminal."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout

import click

_SECONDS = 2.0
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
_ENTER, _LEAVE = "\x1b[?1049h", "\x1b[?1049l"


def watch(show: Callable[[], None]) -> None:
    """Show what `show` prints, anew every two seconds, until Ctrl-C.

    Raises:
        click.UsageError: there is no terminal to show it on.
    """
    screen = sys.stdout
    if not screen.isatty():
        raise click.UsageError("--watch needs a terminal.")
    screen.write(_ENTER)
    try:
        while True:
            lines = _printed(show).splitlines()
            screen.write(_HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_REST)
            screen.flush()
            time.sleep(_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        screen.write(_LEAVE)
        screen.flush()


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _printed(show: Callable[[], None]) -> str:
    text = _Screen()
    with redirect_stdout(text):
        show()
    return text.getvalue()
