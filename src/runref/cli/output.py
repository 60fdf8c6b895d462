"""Printing: documents for programs, text for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from runref.cli.stream import write_line
from runref.model.codec import dump_json_line
from runref.model.values import encode_number

if TYPE_CHECKING:
    from runref.store.recorded import RecordedRun


def print_json(document: Any) -> None:
    """Print a document on stdout, as the schema ``cli`` describes it.

    Text that is no Unicode, as in paths of other encodings, is written as in the records.
    """
    plain = json.loads(dump_json_line(to_json(document)))
    write_line(json.dumps(plain, indent=2, allow_nan=False))


def to_json(value: Any) -> Any:
    """Return a value of the model as plain data with every field, also those that are empty."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: to_json(inner) for name, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(inner) for inner in value]
    return encode_number(value) if isinstance(value, float) else value


def run_document(run: RecordedRun) -> dict[str, Any]:
    """Return a run as JSON shows it: its record, its hash, and what was added later."""
    document: dict[str, Any] = to_json(run.record)
    corrected = {"name": run.name, "status": run.status}
    return {
        **document,
        **corrected,
        "record_hash": run.tree,
        "live": run.live,
        "tags": list(run.additions.tags),
        "notes": to_json(run.additions.notes),
        "removed": to_json(run.removed),
        "amended": {
            name: document[name] for name in corrected if document[name] != corrected[name]
        },
    }


def say(text: str, *, err: bool = False) -> None:
    """Print a line."""
    write_line(text, err=err)


def printable(text: str) -> str:
    """Return `text` on one line, as any terminal can show it and without control over it.

    Bytes that are no Unicode and control characters become escapes: what a record holds may come
    from anyone.
    """
    if text.isprintable():
        return text
    shown = (char if char.isprintable() else _escape(char) for char in text)
    return "".join(shown)


def tell(message: str) -> None:
    """Show a notice on stderr."""
    say(f"{click.style('runref:', dim=True)} {message}", err=True)


@contextmanager
def stdout_for_document(*, reserved: bool) -> Iterator[None]:
    """Keep stdout for the one JSON document: what we or a command print there goes to stderr.

    Args:
        reserved: Whether there will be a document; otherwise nothing is changed.
    """
    if not reserved:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _escape(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape", "surrogatepass").decode()
