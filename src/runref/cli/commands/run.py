"""``runref run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from runref.store.recorded import RecordedRun
from runref.tracking.command import TrackedCommand, track_command
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
    help="A file or directory that the command reads; repeatable.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="PATH",
    help="A file or directory that the command writes; repeatable.",
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
    as_json: bool,
) -> int:
    """Run COMMAND and record it: code, parameters, environment, inputs, outputs, series, console.

    The exit status is the command's own. With --json, what the command prints goes to stderr, and
    stdout has the run as one document.

    \b
    Examples:
      runref run -- python train.py --lr 0.1
      runref run -e digits -t baseline -i data/train.csv -o model.pkl -- python train.py
    """
    options = Options(words, experiment, name, tags, params, inputs, outputs, note)
    project = here(store)
    with stdout_for_document(reserved=as_json):
        done = run_command(project, options)
    _report(project, done, as_json=as_json)
    return done.exit_status


def run_command(project: Project, options: Options) -> TrackedCommand:
    """Run a command as a run of `project`."""
    directory = Path.cwd()
    check_inputs(project, directory, options.inputs)
    files = Bar("snapshot")
    data = DataBars(
        inputs=[
            *(project.root / each for each in project.config.inputs),
            *(directory / each for each in options.inputs),
        ],
        outputs=[directory / each for each in options.outputs],
    )

    def notice(message: str) -> None:
        files.close()
        data.close()
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
        on_progress=files.update,
        on_bytes=data.advance,
    )
    try:
        return track_command(project.stores, request, outputs=options.outputs, tell=notice)
    finally:
        files.close()
        data.close()


def check_inputs(project: Project, directory: Path, given: Sequence[str]) -> None:
    """Refuse inputs that are not there, before a command runs for long without them.

    Raises:
        click.UsageError: one of those given is not there.
        InvalidConfig: one of those that every run reads is not there.
    """
    for path in given:
        if not (directory / path).exists():
            raise click.UsageError(f"The input {path} does not exist, so nothing was run.")
    for path in project.config.inputs:
        if not (project.root / path).exists():
            raise InvalidConfig(
                f"the input {path} of {project.root / CONFIG_NAME} does not exist",
                hint="Every run reads what stands under `inputs:` there; other inputs go with -i.",
            )


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
