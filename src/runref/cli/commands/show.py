"""``runref show``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator

import click

from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import (
    format_duration,
    format_moment,
    format_size,
    format_value,
    print_json,
    run_document,
    say,
)
from runref.model.record import Code, DataFile, Record
from runref.project.project import Project
from runref.store.recorded import RecordedRun, read_environment, read_file


@click.command()
@run_argument()
@click.option("--console", "console_log", is_flag=True, help="Print what the run printed.")
@json_option
@store_option
def command(run: str, store: str, *, console_log: bool, as_json: bool) -> None:
    """Show everything known about a run.

    \b
    Examples:
      runref show @
      runref show 4f1c --console
      runref show 4f1c --json | jq .params
    """
    project = here(store)
    found = project.resolve(run)
    if console_log:
        text = read_file(project.repository.objects, found.tree, "console.log")
        sys.stdout.buffer.write(text)
    elif as_json:
        environment = read_environment(project.repository.objects, found.tree)
        print_json({**run_document(found), "environment_document": environment})
    else:
        for line in describe(project, found):
            say(line)


def describe(project: Project, run: RecordedRun) -> Iterator[str]:
    """Yield the lines that tell everything about a run."""
    record = run.record
    yield f"run {record.id}"
    yield from _section(
        {
            "record": run.tree,
            "name": record.name,
            "experiment": record.experiment,
            "tags": " ".join(run.additions.tags),
            "status": _status(record),
            "started": f"{format_moment(record.started)} ({record.started})",
            "duration": format_duration(record.duration),
            "by": f"{record.author} on {record.host}",
            "parent": record.parent,
            "command": shlex.join(record.command.argv),
            "directory": record.command.directory,
        }
    )
    if record.reproduction:
        yield f"  reproduces   {record.reproduction.run}: {record.reproduction.verdict}"
        yield from (f"               {reason}" for reason in record.reproduction.reasons)
    yield from _code(record.code)
    yield from _values("parameters", {k: v.value for k, v in record.params.items()})
    yield from _values("variables", dict(record.command.variables))
    yield from _values("seeds", dict(record.seeds))
    yield from _environment(project, run)
    yield from _files("inputs", record.inputs)
    yield from _files("outputs", record.outputs)
    yield from _metrics(record)
    yield from _values("summary", dict(record.summary))
    yield from _notes(run)
    if record.failure:
        yield ""
        yield f"failure: {record.failure.type}: {record.failure.message}"
        yield from (f"  {line}" for line in record.failure.traceback.splitlines())
    for notice in record.notices:
        yield f"not recorded ({notice.count}x): {notice.message}"


def _section(fields: dict[str, str]) -> Iterator[str]:
    for name, value in fields.items():
        if value:
            yield f"  {name:<12} {value}"


def _status(record: Record) -> str:
    details = [record.signal]
    if record.exit_status:
        details.append(f"exit status {record.exit_status}")
    shown = ", ".join(filter(None, details))
    return f"{record.status} ({shown})" if shown else record.status


def _code(code: Code | None) -> Iterator[str]:
    yield ""
    if code is None:
        yield "code: not recorded"
        return
    where = f"commit {code.commit[:10]}" if code.commit else "no commit"
    branch = f" on {code.branch}" if code.branch else ""
    yield f"code: snapshot {code.tree[:10]}, {code.files} files, {where}{branch}"
    yield f"  {code.edited} edited, {code.untracked} untracked, {code.deleted} deleted"
    for submodule in code.submodules:
        changed = ", changed" if submodule.changed else ""
        yield f"  submodule {submodule.path} at {submodule.commit[:10]}{changed}"
    for left in code.left_out:
        detail = f": {left.detail}" if left.detail else ""
        yield f"  left out: {left.path} ({format_size(left.size)}, {left.reason}{detail})"


def _values(title: str, values: dict[str, object]) -> Iterator[str]:
    if values:
        yield ""
        yield f"{title}:"
        width = min(max(map(len, values)), 40)
        for name, value in values.items():
            yield f"  {name:<{width}}  {format_value(value)}"


def _environment(project: Project, run: RecordedRun) -> Iterator[str]:
    document = read_environment(project.repository.objects, run.tree)
    if not document:
        return
    python = document.get("python", {})
    packages = document.get("packages", ())
    yield ""
    yield f"environment: Python {python.get('version', '?')}, {len(packages)} packages"
    for name in ("os", "cpu", "container"):
        if document.get(name):
            yield f"  {name:<10} {format_value(document[name])}"
    for gpu in document.get("gpus", ()):
        yield f"  gpu        {format_value(gpu)}"


def _files(title: str, files: tuple[DataFile, ...]) -> Iterator[str]:
    if files:
        yield ""
        yield f"{title}:"
    for file in files:
        digest = file.digest[:19] or "no digest"
        problem = f", {file.problem}" if file.problem else ""
        count = f", {file.files} files" if file.kind == "directory" else ""
        yield f"  {file.path}  {format_size(file.size)}{count}, {digest}{problem}"


def _metrics(record: Record) -> Iterator[str]:
    if not record.metrics:
        return
    yield ""
    width = min(max(map(len, record.metrics)), 40)
    yield f"metrics: {'':<{max(width - 7, 0)}} {'last':>11} {'min':>11} {'max':>11} {'points':>8}"
    for name, each in record.metrics.items():
        shown = (format_value(value) for value in (each.last, each.min, each.max))
        last, low, high = shown
        yield f"  {name:<{width}} {last:>11} {low:>11} {high:>11} {each.count:>8}"


def _notes(run: RecordedRun) -> Iterator[str]:
    if run.record.note or run.additions.notes:
        yield ""
        yield "notes:"
    if run.record.note:
        yield f"  {run.record.note}"
    for note in run.additions.notes:
        yield f"  {format_moment(note.time)} {note.author}: {note.text}"
