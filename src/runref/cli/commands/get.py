"""``runref get``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import click

from runref.artifacts import TargetExists
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, say
from runref.cli.progress import bar
from runref.errors import ExitStatus, RunrefError
from runref.git.checkout import write_out
from runref.model.record import DataFile
from runref.project.project import Project
from runref.store.recorded import RecordedRun


class NotRecorded(RunrefError):
    """A run has no such input or output, or its content was not stored."""

    code = "not-recorded"
    exit_status = ExitStatus.USAGE


@click.command()
@run_argument()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-o", "--output", "target", metavar="DIR", default=".", help="Where to write.")
@click.option("--code", is_flag=True, help="Write the snapshot; DIR must be empty or new.")
@click.option("-f", "--force", is_flag=True, help="Replace files that exist.")
@json_option
@store_option
def command(
    run: str,
    paths: tuple[str, ...],
    target: str,
    store: str,
    *,
    code: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Bring back a run's outputs, or the inputs and outputs named by PATH, verified by digest.

    \b
    Examples:
      runref get 4f1c                         # every output
      runref get 4f1c model.pkl -o restored/
      runref get 4f1c --code -o as-it-was/
    """
    project = here(store)
    found = project.resolve(run)
    folder = Path(target)
    written = (
        get_code(project, found, folder)
        if code
        else get_data(project, found, paths, folder, replace=force)
    )
    if as_json:
        print_json({"run": found.id, "written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {path}")


def get_code(project: Project, run: RecordedRun, folder: Path) -> list[Path]:
    """Write a run's snapshot into `folder`."""
    if run.record.code is None:
        raise NotRecorded(f"the code of run {run.id} was not recorded")
    folder.mkdir(parents=True, exist_ok=True)
    write_out(project.repository.objects, run.record.code.tree, folder)
    return [folder]


def get_data(
    project: Project, run: RecordedRun, paths: Sequence[str], folder: Path, *, replace: bool
) -> list[Path]:
    """Write outputs, or the named inputs and outputs, into `folder`."""
    chosen = [_named(run, path) for path in paths] if paths else list(run.record.outputs)
    if not chosen:
        raise NotRecorded(f"run {run.id} has no outputs", hint="`runref show` lists its inputs.")
    targets = [(file, folder / _inside(file.path)) for file in chosen]
    for _, target in targets:
        if target.exists() and not replace:
            raise TargetExists(
                f"{target} exists", hint="Choose another folder with -o, or replace it with -f."
            )
    with bar("restoring", in_bytes=True) as progress:
        for file, target in targets:
            if not file.digest:
                raise NotRecorded(f"{file.path} of run {run.id}: {file.problem}")
            target.parent.mkdir(parents=True, exist_ok=True)
            project.artifacts.restore(
                file.digest, file.kind, target, replace=replace, on_progress=progress.advance
            )
    return [target for _, target in targets]


def _named(run: RecordedRun, path: str) -> DataFile:
    wanted = PurePosixPath(path).as_posix()
    for file in (*run.record.outputs, *run.record.inputs):
        if file.path == wanted:
            return file
    known = ", ".join(each.path for each in (*run.record.outputs, *run.record.inputs)) or "none"
    raise NotRecorded(f"run {run.id} has no input or output {path!r}", hint=f"It has: {known}.")


def _inside(path: str) -> str:
    """Return where a recorded path goes below the target: absolute ones by their name."""
    parts = PurePosixPath(path)
    return parts.name if parts.is_absolute() or ".." in parts.parts else path
