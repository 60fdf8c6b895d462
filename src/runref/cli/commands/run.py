"""``runref run``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from runref.capture.command.parameters import parse_given
from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, run_document, say, stdout_for_document, tell
from runref.cli.progress import Bar, DataBars
from runref.cli.text import format_duration
from runref.model.headline import format_number, main_metrics
from runref.project.config import CONFIG_NAME, InvalidConfig
from runref.project.project import Project
from runref.project.supply import options_for
from runref.store.recorded import RecordedRun
from runref.tracking.command import TrackedCommand, track_command
from runref.tracking.naming import is_elsewhere, is_pattern, local_path, paths_named
from runref.tracking.start import Request


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asks for."""

    command: tuple[str, ...]
    experiment: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    copy_inputs: bool = False
    outputs: tuple[str, ...] = ()
    note: str = ""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-e", "--experiment", default="", metavar="NAME", help="What the run belongs to.")
@click.option("-n", "--name", default="", metavar="NAME", help="A short name.")
@click.option("-t", "--tag", "tags", multiple=True, metavar="TAG", help="A label; repeatable.")
@click.option(
    "-p", "--param", "params", multiple=True, metavar="K=V", help="A parameter; repeatable."
)
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="PATH",
    help="What the command reads: a file or directory, a quoted pattern, or a URL; repeatable.",
)
@click.option(
    "--copy",
    "copy_inputs",
    is_flag=True,
    help="Store the content also of inputs at URLs, and of those over artifacts.reference_over.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="PATH",
    help="What the command writes: a file or directory, or a quoted pattern; repeatable.",
)
@click.option("-m", "--note", default="", metavar="TEXT", help="Free text.")
@store_option
@json_option
@click.argument("words", nargs=-1, required=True, metavar="COMMAND...", type=click.UNPROCESSED)
def command(
    words: tuple[str, ...],
    experiment: str,
    name: str,
    tags: tuple[str, ...],
    params: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    note: str,
    store: str,
    *,
    copy_inputs: bool,
    as_json: bool,
) -> int:
    """Run COMMAND and record it: code, parameters, environment, inputs, outputs, series, console.

    The exit status is the command's own. With --json, what the command prints goes to stderr, and
    stdout has the run as one document.

    \b
    Examples:
      runref run -- python train.py --lr 0.1
      runref run -e digits -t baseline -i data/train.csv -o model.pkl -- python train.py
      runref run -i 'data/*.csv' -i s3://bucket/labels.csv -o 'ckpt/*.pt' -- python train.py
    """
    options = Options(words, experiment, name, tags, params, inputs, copy_inputs, outputs, note)
    project = here(store)
    with stdout_for_document(reserved=as_json):
        done = run_command(project, options)
    _report(project, done, as_json=as_json)
    return done.exit_status


def run_command(project: Project, options: Options) -> TrackedCommand:
    """Run a command as a run of `project`."""
    directory = Path.cwd()
    inputs = check_inputs(project, directory, options.inputs)
    files = Bar("snapshot")
    data = DataBars(inputs, [directory / each for each in options.outputs])
    download = Bar("download", in_bytes=True)

    def close() -> None:
        for shown in (files, data, download):
            shown.close()

    def notice(message: str) -> None:
        close()
        tell(message)

    project.recover()
    request = Request(
        argv=options.command,
        directory=directory,
        experiment=options.experiment,
        name=options.name,
        tags=options.tags,
        note=options.note,
        params=dict(map(parse_given, options.params)),
        inputs=options.inputs,
        copy_inputs=options.copy_inputs,
        url_options=partial(options_for, project),
        on_progress=files.update,
        on_bytes=data.advance,
        on_download=download.update,
    )
    try:
        return track_command(project.stores, request, outputs=options.outputs, tell=notice)
    finally:
        close()


def check_inputs(project: Project, directory: Path, given: Sequence[str]) -> list[Path]:
    """Refuse inputs that are not there, before a command runs for long without them.

    Returns:
        Their paths; what lies at URLs has none.

    Raises:
        click.UsageError: one of those given is not there.
        InvalidConfig: one of those that every run reads is not there.
    """
    paths: list[Path] = []
    for name in itertools.filterfalse(is_elsewhere, given):
        found, absent = _looked_up(name, directory)
        if not found:
            raise click.UsageError(f"The input {name} {absent}, so nothing was run.")
        paths += found
    for name in itertools.filterfalse(is_elsewhere, project.config.inputs):
        found, absent = _looked_up(name, project.root)
        if not found:
            raise InvalidConfig(
                f"the input {name} of {project.root / CONFIG_NAME} {absent}",
                hint="Every run reads what stands under `inputs:` there; other inputs go with -i.",
            )
        paths += found
    return paths


def _looked_up(name: str, folder: Path) -> tuple[list[Path], str]:
    """Return the paths that are there under a name, and what to say where there are none."""
    path = local_path(name)
    found = [each for each in paths_named(path, folder) if each.exists()]
    return found, "matches nothing" if is_pattern(path, folder) else "does not exist"


def _report(project: Project, done: TrackedCommand, *, as_json: bool) -> None:
    run = _find(project, done.run.id) if done.run.id else None
    if run is None:
        return
    if as_json:
        print_json(run_document(run))
    else:
        say(summary_line(run), err=True)


def _find(project: Project, run_id: str) -> RecordedRun | None:
    if project.runs.find(run_id):
        return project.read(run_id)
    return next((run for run in project.live() if run.id == run_id), None)


def summary_line(run: RecordedRun) -> str:
    """Return how a run came out, in one line."""
    record = run.record
    parts = [f"run {record.id} {record.status} in {format_duration(record.duration)}"]
    parts += [
        f"{printable(name)} {format_number(value)}" for name, value in main_metrics(record.metrics)
    ]
    parts.append(f"record {run.tree[:7]}" if run.tree else "waits for its record")
    return " · ".join(parts)
