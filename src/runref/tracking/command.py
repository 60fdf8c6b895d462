"""Tracking a command from the outside: `runref run -- COMMAND`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runref.capture.console.child_process import CommandNotFound, run_command
from runref.capture.environment import capture_environment, interpreter_of
from runref.errors import RunrefError
from runref.model.record import FAILED, FINISHED, Resources
from runref.tracking.command_outputs import CommandOutputs, NamedOutput
from runref.tracking.failures import Ending, describe, ending_of_command
from runref.tracking.lines import LineFile
from runref.tracking.run import Run
from runref.tracking.run_directory import RUN_VARIABLE
from runref.tracking.start import Request, Tell, start_run
from runref.tracking.stores import Stores


@dataclass(frozen=True, slots=True)
class TrackedCommand:
    """A command that was run.

    Attributes:
        run: The run that recorded it.
        exit_status: What the command told the shell.
        ending: How it ended.
    """

    run: Run
    exit_status: int
    ending: Ending


def track_command(
    stores: Stores,
    request: Request,
    *,
    outputs: Sequence[str] = (),
    tell: Tell,
    before_end: Callable[[Run, Ending], None] | None = None,
) -> TrackedCommand:
    """Run a command to its end as a run.

    Args:
        stores: Where the run is recorded.
        request: What to run and how to describe it.
        outputs: Paths and patterns that it writes, relative to its directory.
        tell: Shows a message to the user.
        before_end: Called when the command has ended and its outputs are recorded, before the run
            ends.

    Raises:
        CommandNotFound, CommandNotExecutable: it could not be started.
    """
    check_command(request, stores.environ.get("PATH"))
    interpreter = request.interpreter or interpreter_of(request.argv, stores.environ)
    environment = request.environment
    if environment is None:
        environment = capture_environment(stores.environ, interpreter=interpreter)
    request = replace(request, interpreter=interpreter, environment=environment)
    run = start_run(stores, request, tell)
    expected = _expected(stores, request.directory, outputs)
    environ = dict(stores.environ)
    environ.pop(RUN_VARIABLE, None)
    console = None
    if run.directory is not None:
        environ[RUN_VARIABLE] = str(run.directory.path)
        console = LineFile(run.directory.console_path)
    try:
        result = run_command(
            request.argv,
            sink=console.append if console else _discard,
            cwd=request.directory,
            env=environ,
        )
    except RunrefError as error:
        run.end(Ending(FAILED, failure=describe(error)))
        raise
    finally:
        if console:
            console.close()
    if result.dropped:
        run.report("console-not-recorded", f"{result.dropped} bytes of output are not recorded")
    resources = Resources(round(result.cpu_seconds, 3), result.peak_memory)
    ending = ending_of_command(result.exit_code, result.signal, resources)
    expected.record(run, finished=ending.status == FINISHED)
    if before_end:
        before_end(run, ending)
    run.end(ending)
    return TrackedCommand(run, result.exit_code, ending)


def _expected(stores: Stores, directory: Path, given: Sequence[str]) -> CommandOutputs:
    names = [NamedOutput(each, stores.root, of_every_run=True) for each in stores.settings.outputs]
    expected = CommandOutputs([*names, *(NamedOutput(each, directory) for each in given)])
    # After the inputs, as storing them can touch what is an output too.
    expected.remember()
    return expected


def check_command(request: Request, path: str | None) -> None:
    """Refuse a command whose program does not exist, before anything is recorded.

    Raises:
        CommandNotFound: there is no such program.
    """
    program = request.argv[0]
    local = Path(request.directory, program) if os.sep in program else None
    if local.exists() if local else shutil.which(program, mode=os.F_OK, path=path):
        return
    raise CommandNotFound(
        f"{program}: there is no such program",
        hint="Write the command after `--`: runref run -- python train.py",
    )


def _discard(_: bytes) -> None: ...
