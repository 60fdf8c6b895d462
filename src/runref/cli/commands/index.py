"""``runref index``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, say
from runref.cli.progress import bar
from runref.cli.text import count_of, format_size


@click.group()
def command() -> None:
    """Look at the index, or build it anew.

    The index is a cache over the runs ref, which makes lists fast. It follows the ref by itself and
    may be deleted at any time.

    \b
    Examples:
      runref index status
      runref index rebuild
    """


@command.command()
@json_option
@store_option
def status(store: str, *, as_json: bool) -> None:
    """Tell where the index is, and what is in it."""
    project = here(store)
    with bar("index") as progress:
        index = project.index(progress.update)
        found = index.status()
    if as_json:
        print_json({"path": str(found.path or ""), "size": found.size, "version": found.version,
                    "runs": found.runs, "unreadable": found.unreadable})  # fmt: skip
        return
    where = printable(str(found.path)) if found.path else "in memory: no file can be written"
    say(f"file     {where}")
    say(f"size     {format_size(found.size)}")
    say(f"version  {found.version}")
    unreadable = f", {found.unreadable} of them unreadable" if found.unreadable else ""
    say(f"runs     {found.runs}{unreadable}")


@command.command()
@json_option
@store_option
def rebuild(store: str, *, as_json: bool) -> None:
    """Throw the index away and read all runs again."""
    project = here(store)
    with bar("index") as progress:
        index = project.index(progress.update)
        index.rebuild()
    found = index.status()
    if as_json:
        print_json({"runs": found.runs, "unreadable": found.unreadable})
    else:
        say(f"indexed {count_of(found.runs, 'run')}")
