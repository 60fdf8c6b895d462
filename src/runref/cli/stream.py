"""Writing text to stdout and stderr, whatever they are."""

from __future__ import annotations

import os
import sys

import click


class ReaderGone(Exception):
    """Nobody reads any more what is printed: the other end of the pipe is closed."""


def write_line(text: str, *, err: bool = False) -> None:
    """Write a line, coloured only on a terminal and where ``NO_COLOR`` does not forbid it.

    Characters that the stream's encoding lacks are written as escapes.

    Raises:
        ReaderGone: the line cannot be written, since the reader has enough.
    """
    encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        click.echo(shown, err=err, color=colour)
    except BrokenPipeError as error:
        raise ReaderGone from error


def discard_stdout() -> None:
    """Lead what is still to be written on stdout to nowhere, so that nothing fails at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
