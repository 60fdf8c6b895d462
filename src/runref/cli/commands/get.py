"""``runref get``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import click

from runref.artifacts import Manifest, TargetExists, TargetUnwritable, check_target
from runref.capture.secrecy import strip_credentials
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, printable, say, tell
from runref.cli.progress import bar, transfer_bar
from runref.cli.removed import tell_removed
from runref.cli.text import count_of
from runref.errors import ExitStatus, RunrefError
from runref.git.checkout import write_out
from runref.model.record import DataFile, is_url, stays_inside
from runref.project.project import Project
from runref.project.supply import Supply
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
@click.option("--no-fetch", is_flag=True, help="Ask no remote for what is not here.")
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
    no_fetch: bool,
    as_json: bool,
) -> None:
    """Bring back a run's outputs, or the inputs and outputs named by PATH, verified by digest.

    What is not here comes from the nearest remote that has it. What lay outside the working tree,
    or at a URL, is written under its name; where two would have one, under their folders' names
    too.

    \b
    Examples:
      runref get 4f1c                         # every output
      runref get 4f1c model.pkl -o restored/
      runref get 4f1c --code -o as-it-was/
    """
    project = here(store)
    found = project.resolve(run)
    tell_removed([found])
    if code:
        if paths or target is None:
            raise click.UsageError("--code writes the whole snapshot, into the folder of -o DIR.")
        written = get_code(project, found, Path(target))
    else:
        folder = Path(target) if target is not None else project.folder or Path()
        written = get_data(project, found, paths, folder, force=force, fetch=not no_fetch)
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
    project: Project,
    run: RecordedRun,
    paths: Sequence[str],
    folder: Path,
    *,
    force: bool,
    fetch: bool = True,
) -> list[Path]:
    """Write outputs, or the named inputs and outputs, into `folder`."""
    chosen = [_named(project, run, path) for path in paths] or list(run.record.outputs)
    if not chosen:
        raise NotRecorded(f"run {run.id} has no outputs", hint="`runref show` lists its inputs.")
    if lost := [file for file in chosen if not file.digest]:
        stored = [file.path for file in chosen if file.digest]
        raise NotRecorded(
            f"{lost[0].path} of run {run.id} was not stored: {_why(lost[0])}",
            hint=f"Name what is to be brought back; stored are: {', '.join(stored) or 'none'}.",
        )
    files = list(dict.fromkeys(chosen))
    targets = dict(zip(files, places(files, folder), strict=True))
    for target in targets.values():
        _check_free(project, target, folder, force=force)
    with transfer_bar("artifacts") as progress:
        supply = Supply(project, fetch, progress, progress.retry)
        supply.require(files)
        outermost = {file: targets[file] for file in _outermost(project, targets)}
        for file, target in outermost.items():
            _check_recorded(project, file, target)
        size = sum(file.size for file in outermost)
        with bar("restoring", in_bytes=True, total=lambda: size) as restoring:
            for file, target in outermost.items():
                supply.restore(file, target, replace=force, on_progress=restoring.advance)
    return list(targets.values())


def _outermost(project: Project, targets: Mapping[DataFile, Path]) -> list[DataFile]:
    """Return the files to write: what lies in a directory that is written too comes with it."""
    places = {target: file for file, target in targets.items() if file.kind == "directory"}
    written = []
    for file, target in targets.items():
        around = next((places[above] for above in target.parents if above in places), None)
        if around is None:
            written.append(file)
            continue
        path = target.relative_to(targets[around]).as_posix()
        if not _holds(project.artifacts.read_manifest(around.digest), path, file.digest):
            tell(
                f"{printable(file.path)} was recorded with other content than {around.path} has "
                "in its place; the latter is written, name the other to get it"
            )
    return written


def _holds(manifest: Manifest, path: str, digest: str) -> bool:
    """Tell whether a directory has this content, of a file or of a directory, at a path."""
    below = [each for each in manifest.entries if each.path.startswith(f"{path}/")]
    inner = Manifest.of(replace(each, path=each.path[len(path) + 1 :]) for each in below)
    found = {each.digest for each in manifest.entries if each.path == path}
    return digest in found or digest == f"sha256:{sha256(inner.encode()).hexdigest()}"


def _why(file: DataFile) -> str:
    return "it was recorded by reference, to be read at its URL" if file.at_url else file.problem


def _check_free(project: Project, target: Path, folder: Path, *, force: bool) -> None:
    """Refuse to write where it is closed, or where something is that is not to be replaced."""
    check_target(target, project.folder, project.repository.common_dir)
    if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(folder)):
        raise TargetUnwritable(
            f"{target} lies behind a link that leads out of {folder}",
            hint="Name another folder with -o, for example the one that the link leads to.",
        )
    if os.path.lexists(target) and not force:
        raise TargetExists(
            f"{target} exists", hint="Choose another folder with -o, or replace it with -f."
        )


def _check_recorded(project: Project, file: DataFile, target: Path) -> None:
    """Refuse to replace a folder that holds what the run did not record."""
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
    if is_url(path):
        wanted = [strip_credentials(path)]
    elif project.folder:
        wanted.append(os.path.relpath(path, project.folder))
    for name in wanted:
        if name in files:
            return files[name]
    known = ", ".join(files) or "none"
    raise NotRecorded(f"run {run.id} has no input or output {path!r}", hint=f"It has: {known}.")


def places(files: Sequence[DataFile], folder: Path) -> list[Path]:
    """Return where recorded files go below a folder, each to a place of its own.

    What lay in the working tree keeps its path. All others keep their name, and as many of the
    folders above it as it takes to tell them apart.
    """
    wholes = [_parts(file.path) for file in files]
    kept = [
        len(whole) if stays_inside(file.path) else 1
        for file, whole in zip(files, wholes, strict=True)
    ]
    while True:
        found = [PurePosixPath(*whole[-n:]) for whole, n in zip(wholes, kept, strict=True)]
        times = Counter(found)
        above = {parent for place in found for parent in place.parents}
        shared = [
            times[place] > 1 or place in above or not times.keys().isdisjoint(place.parents)
            for place in found
        ]
        longer = [
            n + (each and n < len(whole))
            for n, each, whole in zip(kept, shared, wholes, strict=True)
        ]
        if longer == kept:
            return [folder / place for place in found]
        kept = longer


def _parts(path: str) -> list[str]:
    """Return the names that a recorded path or URL consists of, without those that lead upwards."""
    if is_url(path):
        url = urlsplit(path)
        path = f"{url.scheme}/{url.netloc}/{url.path}"
    return [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
