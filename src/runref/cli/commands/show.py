"""``runref show``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping

import click

from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, printable, run_document, say
from runref.cli.text import (
    count_of,
    format_duration,
    format_moment,
    format_size,
    format_value,
)
from runref.model.record import Code, DataFile, Record
from runref.project.project import Project
from runref.project.signatures import signatures_of
from runref.store.recorded import RecordedRun, read_environment, read_file


@click.command()
@run_argument()
@click.option("--console", "console_log", is_flag=True, help="Print only what the run printed.")
@json_option
@store_option
def command(run: str, store: str, *, console_log: bool, as_json: bool) -> None:
    """Show everything known about a run, also while it goes on.

    \b
    Examples:
      runref show @
      runref show 4f1c --console
      runref show 4f1c --json | jq .params
    """
    project = here(store)
    found = project.find(run)
    if console_log:
        sys.stdout.buffer.write(_console(project, found))
        sys.stdout.flush()
    elif as_json:
        document = {
            **run_document(found),
            "signatures": _signature_documents(project, found),
            "environment_document": _environment_of(project, found),
        }
        print_json(document)
    else:
        for line in describe(project, found):
            say(line)


def _console(project: Project, run: RecordedRun) -> bytes:
    folder = project.spool.find(run.id) if run.live else None
    if folder:
        return folder.console_path.read_bytes() if folder.console_path.exists() else b""
    tree = project.read(run.id).tree if run.live else run.tree  # recorded a moment ago
    return read_file(project.repository.objects, tree, "console.log")


def _environment_of(project: Project, run: RecordedRun) -> dict[str, object]:
    return {} if run.live else read_environment(project.repository.objects, run.tree)


def _signature_documents(project: Project, run: RecordedRun) -> list[dict[str, object]]:
    return [
        {
            "format": each.signature.format,
            "author": each.annotation.author,
            "time": each.annotation.time,
            "statement": each.signature.statement,
            "text": each.signature.text,
        }
        for each in signatures_of(project, run.id)
    ]


def describe(project: Project, run: RecordedRun) -> Iterator[str]:
    """Yield the lines that tell everything about a run."""
    record = run.record
    yield f"run {record.id}"
    yield from _lines(_head(run))
    if record.reproduction:
        yield f"  {'reproduces':<12} {record.reproduction.run}: {record.reproduction.verdict}"
        yield from (f"  {'':<12} {printable(reason)}" for reason in record.reproduction.reasons)
    yield from _code(record.code)
    yield from _section("parameters", {k: v.value for k, v in record.params.items()})
    yield from _section("variables", record.command.variables)
    yield from _section("seeds", record.seeds)
    yield from _environment(_environment_of(project, run))
    yield from _files("inputs", record.inputs)
    yield from _files("outputs", record.outputs)
    yield from _metrics(record)
    yield from _section("summary", record.summary)
    yield from _notes(run)
    yield from _unreadable_annotations(run)
    yield from _signatures(project, run)
    if record.failure:
        yield ""
        yield printable(f"failure: {record.failure.type}: {record.failure.message}")
        yield from (f"  {printable(line)}" for line in record.failure.traceback.splitlines())
    if record.notices:
        yield ""
        yield "not recorded:"
    for notice in record.notices:
        times = f" ({notice.count} times)" if notice.count > 1 else ""
        yield f"  {printable(notice.message)}{times}"


def _head(run: RecordedRun) -> dict[str, str]:
    record = run.record
    resources = ""
    if record.resources:
        resources = (
            f"{format_duration(record.resources.cpu_seconds)} of CPU time, "
            f"{format_size(record.resources.peak_memory)} of memory at most"
        )
    return {
        "record": run.tree,
        "removed": _removed(run),
        "name": _corrected(run.name, record.name),
        "experiment": record.experiment,
        "tags": " ".join(run.additions.tags),
        "status": _status(run),
        "started": f"{format_moment(record.started)} ({record.started})",
        "duration": format_duration(record.duration),
        "by": f"{record.author} on {record.host}",
        "parent": record.parent,
        "ranks": str(record.ranks) if record.ranks > 1 else "",
        "command": shlex.join(record.command.argv),
        "directory": record.command.directory,
        "python path": ":".join(record.command.python_path),
        "resources": resources,
    }


def _lines(fields: Mapping[str, str]) -> Iterator[str]:
    for name, value in fields.items():
        if value:
            yield f"  {name:<12} {printable(value)}"


def _removed(run: RecordedRun) -> str:
    if not run.removed:
        return ""
    reason = f": {' '.join(run.removed.text.split())}" if run.removed.text else ""
    who = f"{format_moment(run.removed.time)} by {run.removed.author}"
    return f"{who}{reason} (`runref restore {run.id}`)"


def _corrected(now: str, recorded: str) -> str:
    """Return a value with what the record says, where that was corrected."""
    if now == recorded:
        return now
    return f"{now or '(none)'} (recorded as {recorded or '(none)'})"


def _status(run: RecordedRun) -> str:
    record = run.record
    if run.status != record.status:
        return _corrected(run.status, record.status)
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
    branch = f" on {printable(code.branch)}" if code.branch else ""
    yield f"code: snapshot {code.tree[:10]}, {count_of(code.files, 'file')}, {where}{branch}"
    yield f"  {code.edited} edited, {code.untracked} untracked, {code.deleted} deleted"
    for submodule in code.submodules:
        changed = ", changed" if submodule.changed else ""
        yield f"  submodule {printable(submodule.path)} at {submodule.commit[:10]}{changed}"
    for left in code.left_out:
        detail = f": {left.detail}" if left.detail else ""
        why = f"{format_size(left.size)}, {left.reason}{detail}"
        yield f"  left out: {printable(left.path)} ({printable(why)})"


def _section(title: str, values: Mapping[str, object]) -> Iterator[str]:
    if not values:
        return
    yield ""
    yield f"{title}:"
    yield from _aligned(values)


def _aligned(values: Mapping[str, object]) -> Iterator[str]:
    width = min(max(map(len, values)), 40)
    for name, value in values.items():
        yield f"  {printable(name):<{width}}  {format_value(value)}"


def _environment(document: Mapping[str, object]) -> Iterator[str]:
    if not document:
        return
    rest = {name: value for name, value in document.items() if name not in _LISTS}
    yield ""
    yield "environment:"
    for name, value in rest.items():
        if isinstance(value, Mapping):
            yield f"  {printable(name)}"
            yield from (f"  {line}" for line in _aligned(value))
        else:
            yield f"  {printable(name)}  {format_value(value)}"
    for name in _LISTS:
        packages = document.get(name)
        if isinstance(packages, list):
            yield f"  {name.replace('_', ' ')} ({len(packages)})"
            yield from _packages(packages)


_LISTS = ("packages", "conda_packages")


def _packages(packages: Iterable[Mapping[str, object]]) -> Iterator[str]:
    for each in packages:
        extra = {k: v for k, v in each.items() if k not in ("name", "version")}
        source = f"  {format_value(extra)}" if extra else ""
        yield f"    {printable(str(each['name']))} {printable(str(each['version']))}{source}"


def _files(title: str, files: tuple[DataFile, ...]) -> Iterator[str]:
    if files:
        yield ""
        yield f"{title}:"
    for file in files:
        parts = [format_size(file.size)]
        parts += [count_of(file.files, "file")] if file.kind == "directory" else []
        parts += [file.digest] if file.digest else []
        parts += [_held(file)]
        parts += [file.problem] if file.problem else []
        yield f"  {printable(file.path)}  {printable(', '.join(parts))}"


def _held(file: DataFile) -> str:
    """Return whether a content was stored, and what else is known of it."""
    etag = file.etag if file.etag.startswith(("listing:", "modified:")) else f"ETag {file.etag}"
    says = [etag] if file.etag else []
    says += [f"version {file.version}"] if file.version else []
    known = f" ({', '.join(says)})" if says else ""
    if file.stored:
        return f"copy{known}"
    if not file.by_reference:
        return "not recorded"
    if file.reference_over is None:
        return f"by reference{known}"
    return f"by reference, over {format_size(file.reference_over)}"


def _metrics(record: Record) -> Iterator[str]:
    if not record.metrics:
        return
    yield ""
    width = min(max(map(len, record.metrics)), 40)
    heads = "".join(f" {head:>11}" for head in ("last", "min", "max", "mean"))
    yield f"metrics: {'':<{max(width - 7, 0)}}{heads} {'points':>8}"
    for name, each in record.metrics.items():
        values = (each.last, each.min, each.max, each.mean)
        shown = "".join(f" {format_value(value):>11}" for value in values)
        yield f"  {printable(name):<{width}}{shown} {each.count:>8}"


def _notes(run: RecordedRun) -> Iterator[str]:
    if run.record.note or run.additions.notes:
        yield ""
        yield "notes:"
    yield from (f"  {printable(line)}" for line in run.record.note.splitlines())
    for note in run.additions.notes:
        head, *rest = note.text.splitlines()
        yield f"  {format_moment(note.time)} {printable(note.author)}: {printable(head)}"
        yield from (f"    {printable(line)}" for line in rest)


def _unreadable_annotations(run: RecordedRun) -> Iterator[str]:
    if run.additions.unreadable:
        yield ""
        yield "annotations that cannot be read:"
    yield from (f"  {printable(name)}" for name in run.additions.unreadable)


def _signatures(project: Project, run: RecordedRun) -> Iterator[str]:
    signatures = signatures_of(project, run.id)
    if signatures:
        yield ""
        yield "signatures, not checked here (`runref verify` does):"
    for each in signatures:
        author = printable(each.annotation.author)
        yield f"  {format_moment(each.annotation.time)} {author}: {each.signature.format}"
