"""``runref diff``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, printable, say, to_json
from runref.cli.text import format_value
from runref.errors import ExitStatus
from runref.git.changes import tree_changes
from runref.model.difference import (
    ADDED,
    CHANGED,
    REMOVED,
    SECTIONS,
    Change,
    Difference,
    compare_runs,
)
from runref.project.project import Project
from runref.store.recorded import RecordedRun, read_environment

_SIGN = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
_DIGEST = 19
"""Characters of a digest that are shown: ``sha256:`` and 12 digits."""
_COLOUR = {ADDED: "green", REMOVED: "red", CHANGED: "yellow"}


@click.command()
@run_argument("left")
@run_argument("right")
@json_option
@store_option
def command(left: str, right: str, store: str, *, as_json: bool) -> int:
    """Show what differs between two runs; exit status 1 where anything does.

    Code by file, command, parameters, environment, inputs and outputs by digest, metrics by their
    last value.

    \b
    Examples:
      runref diff @~1 @
      runref diff 4f1c 8a03 --json
    """
    project = here(store)
    index = project.index()
    difference = compare(project, project.resolve(left, index), project.resolve(right, index))
    if as_json:
        document = {section: to_json(getattr(difference, section)) for section in SECTIONS}
        print_json({"left": difference.left, "right": difference.right, **document})
    else:
        for line in describe(difference):
            say(line)
    return ExitStatus.NO if difference else ExitStatus.DONE


def compare(project: Project, left: RecordedRun, right: RecordedRun) -> Difference:
    """Return what differs between two recorded runs."""
    objects = project.repository.objects
    return compare_runs(
        left.record,
        right.record,
        code=_code_changes(project, left, right),
        environments=(
            read_environment(objects, left.tree),
            read_environment(objects, right.tree),
        ),
    )


def _code_changes(project: Project, left: RecordedRun, right: RecordedRun) -> list[Change]:
    trees = [run.record.code.tree if run.record.code else "" for run in (left, right)]
    changes = []
    for change in tree_changes(project.repository.objects, *trees):
        name = change.path.decode("utf-8", "surrogateescape")
        old = change.old.oid if change.old else None
        new = change.new.oid if change.new else None
        kind = ADDED if old is None else REMOVED if new is None else CHANGED
        changes.append(Change(name, kind, old, new))
    return changes


def describe(difference: Difference) -> Iterator[str]:
    """Yield the lines that tell a difference."""
    if not difference:
        yield "no difference"
    for section in SECTIONS:
        changes = getattr(difference, section)
        if not changes:
            continue
        yield click.style(f"{section}:", bold=True)
        for change in changes:
            sign = click.style(_SIGN[change.kind], fg=_COLOUR[change.kind])
            values = "" if section == "code" else f"  {_values(section, change)}"
            yield f"  {sign} {printable(change.name)}{values}"


def _values(section: str, change: Change) -> str:
    def shown(value: object) -> str:
        text = format_value(value)
        return text[:_DIGEST] if text.startswith("sha256:") else text

    if change.kind == ADDED:
        return shown(change.right)
    if change.kind == REMOVED:
        return shown(change.left)
    text = f"{shown(change.left)} → {shown(change.right)}"
    left, right = change.left, change.right
    if section == "metrics" and isinstance(left, (int, float)) and isinstance(right, (int, float)):
        text += f"  ({right - left:+.4g})"
    return text
