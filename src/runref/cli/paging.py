"""Long tables through a pager, as git shows its own."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress

_LESS = "less -FRX"


@contextmanager
def paged(*, enabled: bool) -> Iterator[None]:
    """Show what the block prints through the user's pager, where it does not fit on the screen.

    The pager is ``RUNREF_PAGER``, ``PAGER`` or less; ``cat`` or an empty one switches it off.
    Without a terminal, or without a pager, everything is printed as it comes. What the block tells
    on a terminal's stderr comes after all the rest.
    """
    command = _pager() if enabled and sys.stdout.isatty() else []
    if not command:
        yield
        return
    held, told = _Held(sys.stdout.encoding), _Held(sys.stderr.encoding)
    try:
        with ExitStack() as redirected:
            redirected.enter_context(redirect_stdout(held))
            if sys.stderr.isatty():
                redirected.enter_context(redirect_stderr(told))
            yield
    finally:
        _show(held.taken(), command)
        sys.stderr.buffer.write(told.taken())
        sys.stderr.flush()


class _Held(io.TextIOWrapper):
    """What is printed, kept; a terminal to whoever asks, as it will be shown on one."""

    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, errors="backslashreplace")

    def taken(self) -> bytes:
        self.flush()
        return self.bytes.getvalue()

    def isatty(self) -> bool:
        return True


def _pager() -> list[str]:
    chosen = os.environ.get("RUNREF_PAGER", os.environ.get("PAGER", _LESS))
    words = shlex.split(chosen)
    if not words or words == ["cat"] or shutil.which(words[0]) is None:
        return []
    return words


def _show(data: bytes, command: list[str]) -> None:
    if data.count(b"\n") < shutil.get_terminal_size().lines:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    import subprocess

    # The pager is left to end by itself on Ctrl-C, as the user may still be reading.
    with subprocess.Popen(command, stdin=subprocess.PIPE) as pager, suppress(BrokenPipeError):
        pager.communicate(data)
