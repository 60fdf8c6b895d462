"""The code between two runs, as the patch that git would show."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence

from runref.cli.output import printable, tell
from runref.cli.stream import ReaderGone
from runref.errors import ExitStatus, RunrefError
from runref.model.patch import HEADER, HUNK, MINUS, PLUS, SAME, Line, file_patch
from runref.project.comparing.code import TOO_LARGE, changed_files, side_of
from runref.project.project import Project
from runref.store.recorded import RecordedRun

_STYLES = {
    HEADER: (b"\x1b[1m", b"\x1b[m"),
    HUNK: (b"\x1b[36m", b"\x1b[m"),
    PLUS: (b"\x1b[32m", b"\x1b[m"),
    MINUS: (b"\x1b[31m", b"\x1b[m"),
    SAME: (b"", b""),
}
"""The colours of git, which `less -R` passes on."""
_CARETS = {byte: b"^%c" % (byte ^ 64) for byte in (*range(32), 127) if byte not in b"\t\n"}

_C1 = re.compile(rb"\xc2[\x80-\x9f]")
"""Control characters beyond ASCII, which begin a sequence on some terminals."""


class CodeNotRecorded(RunrefError):
    """The code of a run is to be shown and was not recorded."""

    code = "code-not-recorded"


def print_patch(
    project: Project,
    left: RecordedRun,
    right: RecordedRun,
    paths: Sequence[bytes],
    *,
    binary: bool,
    colour: bool | None,
) -> int:
    """Print the patch between the snapshots of two runs, and return the exit status.

    Bytes go out as they are. Where there is colour, people look at it: then control characters
    become ``^[`` and the like.

    Raises:
        CodeNotRecorded: a run has none.
        ReaderGone: whoever reads has enough.
    """
    objects = project.repository.objects
    coloured = _wants_colour(colour)
    found = broken = False
    for change in changed_files(objects, *snapshots_of(left, right), paths):
        found = True
        name = printable(os.fsdecode(change.path))
        try:
            old, new = side_of(objects, change.old), side_of(objects, change.new)
        except RunrefError as error:
            broken = True
            tell(f"not in the patch: {name}: {error.message}")
            continue
        if any(side is not None and side.data is None for side in (old, new)):
            tell(f"{name} is {TOO_LARGE}: only that it differs is shown")
        _write(file_patch(change.path, old, new, binary=binary), coloured=coloured)
    _flush()
    if broken:
        return ExitStatus.COULD_NOT_RUN
    return ExitStatus.NO if found else ExitStatus.DONE


def snapshots_of(left: RecordedRun, right: RecordedRun) -> tuple[str, str]:
    """Return the trees of two snapshots.

    Raises:
        CodeNotRecorded: a run has none.
    """
    for run in (left, right):
        if run.record.code is None:
            raise CodeNotRecorded(
                f"the code of run {run.id} was not recorded",
                hint=f"`runref show {run.id}` tells why.",
            )
    return left.record.code.tree, right.record.code.tree  # type: ignore[union-attr]


def _wants_colour(colour: bool | None) -> bool:  # noqa: FBT001 - as click has it
    if colour is not None:
        return colour
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _write(lines: Iterable[Line], *, coloured: bool) -> None:
    out = sys.stdout.buffer
    try:
        for kind, text in lines:
            if coloured:
                before, after = _STYLES[kind]
                out.write(before + _harmless(text) + after + b"\n")
            else:
                out.write(text + b"\n")
    except BrokenPipeError as error:
        raise ReaderGone from error


def _harmless(text: bytes) -> bytes:
    if text.isascii() and text.decode("ascii").isprintable():
        return text
    shown = b"".join(_CARETS.get(byte, bytes((byte,))) for byte in text)
    return _C1.sub(lambda found: b"<U+%04X>" % ord(found[0].decode()), shown)


def _flush() -> None:
    try:
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
