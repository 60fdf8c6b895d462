"""Starting a run: capture what it sees, and give it a folder in the spool."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runref.capture.command.parameters import parameters_from_command, redact_command
from runref.capture.environment import Interpreter, interpreter_of
from runref.capture.snapshot import take_snapshot
from runref.capture.variables import capture_variables
from runref.capture.working_paths import python_path_inside
from runref.errors import RunrefError
from runref.git.sweep_mark import sweep_mark
from runref.model.ids import is_run_id, new_run_id
from runref.model.record import Code, Command, DataFile, Notice, Parameter
from runref.model.times import now, parse_time
from runref.model.values import to_plain
from runref.tracking.apart import set_apart
from runref.tracking.at_urls import UrlOptions, no_options
from runref.tracking.collect import conclude
from runref.tracking.data import DataStore
from runref.tracking.environments import this_environment
from runref.tracking.heartbeat import Keeper
from runref.tracking.liveness import machine, this_process
from runref.tracking.run import Run
from runref.tracking.run_directory import RUN_VARIABLE, RunDirectory, Start
from runref.tracking.stores import Stores
from runref.tracking.writer import Writer

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asks for when a run begins.

    Attributes:
        argv: The command's words.
        directory: Its working directory.
        experiment: What the run belongs to; empty for the configured one.
        name: A short name.
        tags: Labels.
        note: Free text.
        params: Parameters given, which outweigh those read off the command.
        inputs: Paths, patterns and URLs that the run reads, recorded now.
        copy_inputs: Whether their contents are stored also where a reference would do.
        parent: Id of the run within which this one is opened; empty for the one of the parent
            process, if there is one.
        ranks: Processes of the distributed job.
        code: The snapshot, where it is known already.
        interpreter: What the command is run by, where that is known already; this one otherwise.
        environment: The environment document, where it is known already.
        on_progress: Told (done, total) files of a snapshot that takes long.
        on_bytes: Told the bytes of inputs and outputs read since it was last called.
        on_download: Told (done, total) bytes of an input at a URL.
        url_options: Returns the options of the driver for an input's URL.
    """

    argv: Sequence[str]
    directory: Path
    experiment: str = ""
    name: str = ""
    tags: Sequence[str] = ()
    note: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[str] = ()
    copy_inputs: bool = False
    parent: str = ""
    ranks: int = 1
    code: Code | None = None
    interpreter: Interpreter | None = None
    environment: Mapping[str, Any] | None = None
    on_progress: Callable[[int, int], None] | None = None
    on_bytes: Callable[[int], None] | None = None
    on_download: Callable[[int, int], None] | None = None
    url_options: UrlOptions = no_options


def start_run(stores: Stores, request: Request, tell: Tell) -> Run:
    """Begin a run; where it cannot be recorded, say so and return a handle that records nothing.

    Only what the user can mend before the training begins raises: nothing here does for the state
    of a disk.
    """
    mark = sweep_mark(stores.repository.common_dir)
    moment, monotonic = now(), time.monotonic()
    notices: list[Notice] = []
    unborn = stores.spool.unborn()
    apart = not stores.repository.takes_objects()
    given = stores
    if apart:
        stores = _set_apart(stores, unborn, tell)
    code = request.code or _snapshot(stores, request, notices, tell)
    data = _data(stores, request)
    inputs = _inputs(stores, request, data, notices, tell)
    start = Start(
        id=new_run_id(parse_time(moment)),
        started=moment,
        machine=machine(),
        monotonic=monotonic,
        root=str(stores.root),
        common_dir=str(stores.repository.common_dir),
        command=_command(stores, request),
        experiment=request.experiment or stores.settings.experiment,
        name=request.name,
        tags=tuple(dict.fromkeys(tag for tag in request.tags if tag.strip())),
        note=request.note,
        author=stores.repository.identity(),
        host=socket.gethostname(),
        parent=request.parent or _parent(stores.environ),
        ranks=request.ranks,
        params=_params(request),
        code=code,
        inputs=tuple(inputs),
        notices=tuple(notices),
        console_limit=stores.settings.console_limit,
        fsync=stores.settings.fsync,
        reference_over=stores.settings.reference_over,
    )
    environment = request.environment
    if environment is None:
        environment = this_environment(stores.environ)
    try:
        folder, name = stores.spool.create(start, environment, this_process(), unborn)
    except OSError as error:
        tell(
            f"this run is not recorded: {stores.spool.path} cannot be written "
            f"({error.strerror or error})"
        )
        unrecorded = Run(None, tell=tell)
        unrecorded.config.update({name: each.value for name, each in start.params.items()})
        return unrecorded
    if sweep_mark(stores.repository.common_dir) != mark:
        # What was there already may have been freed before anything referred to it.
        stores.spool.remove(folder)
        return start_run(given, request, tell)
    return Run(
        Writer(folder, start, name=name, keeper=None if apart else _keeper(stores, code)),
        tell=tell,
        data=data,
        owns=True,
        conclude=lambda run: conclude(run, stores.spool, stores.runs),
    )


def _set_apart(stores: Stores, unborn: RunDirectory, tell: Tell) -> Stores:
    """Have the run keep what it makes beside itself, and tell what becomes of it."""
    git_dir = stores.repository.common_dir
    try:
        apart = set_apart(stores, unborn)
    except OSError:
        return stores  # it will be told that this run is not recorded
    tell(
        f"{git_dir} cannot be written from here: this run waits in {stores.spool.path} until "
        "`runref recover`, or another command of runref, is called where it can be"
    )
    return apart


def _data(stores: Stores, request: Request) -> DataStore:
    return DataStore(
        stores.artifacts,
        stores.root,
        stores.repository.common_dir,
        reference_over=stores.settings.reference_over,
        url_options=request.url_options,
        on_progress=request.on_bytes,
        on_download=request.on_download,
    )


def _parent(environ: Mapping[str, str]) -> str:
    """Return the id of the run that the parent process takes part in, or nothing."""
    name = Path(environ.get(RUN_VARIABLE, "")).name
    return name if is_run_id(name) else ""


def _keeper(stores: Stores, code: Code | None) -> Keeper | None:
    return Keeper(lambda: stores.repository.objects.freshen(code.tree)) if code else None


def _snapshot(stores: Stores, request: Request, notices: list[Notice], tell: Tell) -> Code | None:
    try:
        code = take_snapshot(
            stores.repository,
            stores.root,
            stores.settings.snapshot,
            cache_dir=stores.cache_dir,
            environ=stores.environ,
            own_folders=[stores.spool.path],
            on_progress=request.on_progress,
        )
    except (RunrefError, OSError) as error:
        _note(notices, tell, "no-snapshot", f"the code was not recorded: {_reason(error)}")
        return None
    secrets = [each.path for each in code.left_out if each.reason.startswith("secret")]
    if secrets:
        shown = ", ".join(secrets[:3]) + (" …" if len(secrets) > 3 else "")
        tell(f"left out of the snapshot because it looks secret: {shown}")
    return code


def _inputs(
    stores: Stores, request: Request, data: DataStore, notices: list[Notice], tell: Tell
) -> Iterator[DataFile]:
    names = [(name, stores.root) for name in stores.settings.inputs]
    names += [(name, request.directory) for name in request.inputs]
    found: dict[str, DataFile] = {}
    for name, folder in names:
        files = data.inputs(name, folder, copy=request.copy_inputs)
        found.update((file.path, file) for file in files)
    for file in found.values():
        if file.problem:
            _note(notices, tell, "input-not-recorded", f"input {file.path}: {file.problem}")
        yield file


def _command(stores: Stores, request: Request) -> Command:
    interpreter = request.interpreter or interpreter_of((), stores.environ)
    return Command(
        argv=tuple(redact_command(request.argv)),
        directory=_relative(request.directory, stores.root),
        python_path=tuple(python_path_inside(stores.root, interpreter)),
        variables=_variables(stores),
    )


def _variables(stores: Stores) -> dict[str, str]:
    """Return the variables to record; folders of the working tree stand in ``python_path``."""
    variables = capture_variables(stores.environ, stores.settings.variables)
    inside = os.path.realpath(stores.root)
    path = [
        folder
        for folder in variables.pop("PYTHONPATH", "").split(os.pathsep)
        if folder and not Path(os.path.realpath(folder)).is_relative_to(inside)
    ]
    return {**variables, "PYTHONPATH": os.pathsep.join(path)} if path else variables


def _relative(directory: Path, root: Path) -> str:
    inside = os.path.relpath(os.path.realpath(directory), os.path.realpath(root))
    return str(directory) if inside.startswith("..") else inside


def _params(request: Request) -> dict[str, Parameter]:
    read = parameters_from_command(request.argv)
    given = {str(name): Parameter(to_plain(value)) for name, value in request.params.items()}
    return {**read, **given}


def _note(notices: list[Notice], tell: Tell, code: str, message: str) -> None:
    notices.append(Notice(code, message))
    tell(message)


def _reason(error: RunrefError | OSError) -> str:
    if isinstance(error, RunrefError):
        return error.message
    return f"{error.strerror}: {error.filename}" if error.filename else str(error)
