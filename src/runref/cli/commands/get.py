"""``runref get``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import click

from runref.artifacts import TargetExists, check_target
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, printable, say
from runref.cli.progress import bar
from runref.cli.text import count_of
from runref.errors import ExitStatus, RunrefError
from runref.git.checkout import write_out
from runref.model.record import DataFile
from runref.project.project import Project
from runref.store.recorded import RecordedRun

_NAMED = 3
"""How many of several files an error names."""


class NotRecorded(RunrefError):
    """A run has no such input or output, or its content was not stored."""

    code = "not-recorded"
    exit_status = ExitStatus.USAGE


@click.command()
@run_argument()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "-o",
    "--output",
    "target",
    metavar="DIR",
    help="Where to write; by default, where the files were in the working tree.",
)
@click.option("--code", is_flag=True, help="Write the snapshot; -o names an empty or new folder.")
@click.option("-f", "--force", is_flag=True, help="Replace files that exist.")
@json_option
@store_option
def command(
    run: str,
    paths: tuple[str, ...],
    target: str | None,
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
    if code:
        if paths or target is None:
            raise click.UsageError("--code writes the whole snapshot, into the folder of -o DIR.")
        written = get_code(project, found, Path(target))
    else:
        folder = Path(target) if target is not None else project.folder or Path()
        written = get_data(project, found, paths, folder, replace=force)
    if as_json:
        print_json({"run": found.id, "written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {printable(str(path))}")


def get_code(project: Project, run: RecordedRun, folder: Path) -> list[Path]:
    """Write a run's snapshot into `folder`."""
    if run.record.code is None:
        raise NotRecorded(
            f"the code of run {run.id} was not recorded",
            hint=f"`runref show {run.id}` tells why; its inputs and outputs can be brought back.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_out(project.repository.objects, run.record.code.tree, folder)
    return [folder]


def get_data(
    project: Project, run: RecordedRun, paths: Sequence[str], folder: Path, *, replace: bool
) -> list[Path]:
    """Write outputs, or the named inputs and outputs, into `folder`."""
    chosen = [_named(project, run, path) for path in paths] or list(run.record.outputs)
    if not chosen:
        raise NotRecorded(f"run {run.id} has no outputs", hint="`runref show` lists its inputs.")
    if lost := [file for file in chosen if not file.digest]:
        stored = [file.path for file in chosen if file.digest]
        raise NotRecorded(
            f"{lost[0].path} of run {run.id} was not stored: {lost[0].problem}",
            hint=f"Name what is to be brought back; stored are: {', '.join(stored) or 'none'}.",
        )
    targets = [(file, folder / _inside(file.path)) for file in chosen]
    for file, target in targets:
        _check(project, file, target, replace=replace)
    size = sum(file.size for file in chosen)
    with bar("restoring", in_bytes=True, total=lambda: size) as progress:
        for file, target in targets:
            project.artifacts.restore(
                file.digest, file.kind, target, replace=replace, on_progress=progress.advance
            )
    return [target for _, target in targets]


def _check(project: Project, file: DataFile, target: Path, *, replace: bool) -> None:
    """Refuse to write where something would be lost that the user did not ask to replace."""
    check_target(target, project.folder, project.repository.common_dir)
    if not os.path.lexists(target):
        return
    if not replace:
        raise TargetExists(
            f"{target} exists", hint="Choose another folder with -o, or replace it with -f."
        )
    if extra := project.artifacts.unrecorded(file.digest, file.kind, target):
        shown = ", ".join(extra[:_NAMED]) + (" …" if len(extra) > _NAMED else "")
        raise TargetExists(
            f"{target} holds {count_of(len(extra), 'file')} that the run did not record: {shown}",
            hint="Choose another folder with -o, or move them away.",
        )


def _named(project: Project, run: RecordedRun, path: str) -> DataFile:
    """Return the output or input that `path` names, from the root or from the current folder."""
    files = {each.path: each for each in (*run.record.inputs, *run.record.outputs)}
    wanted = [PurePosixPath(path).as_posix(), os.path.abspath(path)]  # noqa: PTH100 - keeps links
    if project.folder:
        wanted.append(os.path.relpath(path, project.folder))
    for name in wanted:
        if name in files:
            return files[name]
    known = ", ".join(files) or "none"
    raise NotRecorded(f"run {run.id} has no input or output {path!r}", hint=f"It has: {known}.")


def _inside(path: str) -> str:
    """Return where a recorded path goes below the target: absolute ones by their name."""
    parts = PurePosixPath(path)
    return parts.name if parts.is_absolute() or ".." in parts.parts else path
