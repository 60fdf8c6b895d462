"""Turning values into what is printed: documents for programs, text for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from runref.model.documents import to_document
from runref.model.times import parse_time
from runref.store.recorded import RecordedRun
from runref.tracking.message import format_number

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH = 100_000
"""Columns of a table that goes into a pipe: nothing is cut off."""


def print_json(document: Any) -> None:
    """Print a document on stdout; text that is no Unicode is escaped as JSON can."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False))


def console(*, err: bool = False) -> Console:
    """Return a console that colours only on a terminal and heeds ``NO_COLOR``."""
    from rich.console import Console

    terminal = (sys.stderr if err else sys.stdout).isatty()
    return Console(
        stderr=err,
        highlight=False,
        soft_wrap=not terminal,
        width=None if terminal else _PIPE_WIDTH,
        emoji=False,
    )


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> None:
    """Print a table: fitted to the screen on a terminal, uncut and plain elsewhere."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(header):
        table.add_column(
            Text(name),
            justify="right" if place in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=8 if place == 0 else None,
        )
    for row in rows:
        table.add_row(*[Text(printable(cell), style=_STYLES.get(cell, "")) for cell in row])
    console().print(table)


_STYLES = {"failed": "red", "interrupted": "yellow", "running": "cyan"}


def printable(text: str) -> str:
    """Return `text` as any terminal can show it: bytes that are no Unicode become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def say(text: str, *, err: bool = False) -> None:
    """Print a line, in whatever encoding the stream has."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), err=err)


def tell(message: str) -> None:
    """Show a notice on stderr."""
    say(f"{click.style('runref:', dim=True)} {message}", err=True)


def run_document(run: RecordedRun) -> dict[str, Any]:
    """Return a run as JSON shows it: its record, its hash, and what was added later."""
    document: dict[str, Any] = to_document(run.record)
    document["record_hash"] = run.tree
    document["live"] = run.live
    document["tags"] = list(run.additions.tags)
    document["notes"] = to_document(run.additions.notes)
    return document


def format_value(value: Any) -> str:
    """Return a parameter's or metric's value as people read it."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "none"
    if isinstance(value, (int, float)):
        return format_number(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {format_value(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(format_value, value)) + "]"


def format_duration(seconds: float) -> str:
    """Return ``0.42 s``, ``12.3 s``, ``4 min 05 s`` or ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_moment(time: str) -> str:
    """Return a time of the format in the reader's own time zone, to the minute."""
    return f"{_local(time):%Y-%m-%d %H:%M}"


def _local(time: str) -> datetime:
    return parse_time(time).astimezone()


def format_size(size: int) -> str:
    """Return ``512 B``, ``4.2 KiB``, ``1.3 GiB``."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
