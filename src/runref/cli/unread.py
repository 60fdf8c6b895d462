"""Naming what could not be read, so that nothing is missing silently."""

from __future__ import annotations

from collections.abc import Sequence

from runref.cli.output import printable, say
from runref.cli.text import count_of
from runref.index.run_index import Unreadable
from runref.project.searching import Search


def name_unread(search: Search) -> None:
    """Name the runs that could not be read, and so could not be found."""
    name_unreadable(search.unreadable())
    if damaged := len(search.unread_snapshots):
        count = count_of(damaged, "snapshot")
        say(f"{count} could not be read: files in them count as missing", err=True)


def name_unreadable(unreadable: Sequence[Unreadable]) -> None:
    """Name runs that could not be read."""
    for each in unreadable:
        say(f"unreadable: {printable(each.problem)}", err=True)
    if unreadable:
        count = count_of(len(unreadable), "run")
        say(f"{count} could not be read; the others are unaffected", err=True)
