"""The kinds of picture that can be written."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast, get_args

from runref.errors import ExitStatus, RunrefError

Format = Literal["png", "svg", "pdf"]


class UnknownFormat(RunrefError):
    """A picture was asked for under a name whose ending says nothing that can be drawn."""

    code = "unknown-picture-format"
    exit_status = ExitStatus.USAGE


def format_of(path: Path) -> Format:
    """Return the format that a file name ends in, in either case.

    Raises:
        UnknownFormat: It is none of png, svg and pdf.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending not in get_args(Format):
        what = f"pictures of the kind .{ending}" if ending else "pictures without an ending"
        raise UnknownFormat(
            f"{path.name}: {what} cannot be drawn",
            hint=f"end the name in {', '.join(f'.{known}' for known in get_args(Format))}",
        )
    return cast("Format", ending)
