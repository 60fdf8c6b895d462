"""``runref.init()`` and what one process has to see to while it has runs open."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from runref.capture.console_tee import ConsoleTee
from runref.capture.ranks import Rank, rank_from
from runref.capture.seeds import read_seeds
from runref.tracking.attach import RUN_VARIABLE, RunGone, attach, wait_for_rank_zero
from runref.tracking.failures import Ending, Terminated, ending_of
from runref.tracking.lines import LineFile
from runref.tracking.run import Run
from runref.tracking.start import Request, start_run

if TYPE_CHECKING:
    from runref.project.project import Project

STORE_VARIABLE = "RUNREF_STORE"


@dataclass(frozen=True, slots=True)
class _Description:
    """What a call of ``init`` says of the run."""

    experiment: str
    name: str
    params: Mapping[str, Any]
    tags: Sequence[str]
    note: str
    inputs: Sequence[str]


_open_runs: list[Run] = []
_ended_by: BaseException | None = None


def init(
    *,
    experiment: str = "",
    name: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    note: str = "",
    inputs: Sequence[str | os.PathLike[str]] = (),
    nested: bool = False,
    console: bool = True,
    store: str | os.PathLike[str] = "",
) -> Run:
    """Open a run, or take part in the one that is open.

    Under ``runref run``, and on the other ranks of a distributed job, this process takes part in
    the run that exists. A second call in the same process gives the same run again, with what is
    new added to it; with `nested`, it opens a run of its own that names the outer one its parent.

    The run ends with its ``with`` block, with `finish`, or with the program: as ``failed`` after
    an exception, as ``interrupted`` after SIGINT or SIGTERM.

    Args:
        experiment: What the run belongs to.
        name: A short name.
        params: Parameters; nested mappings are kept nested.
        tags: Labels.
        note: Free text.
        inputs: Files and directories that the run reads.
        nested: Open a run of its own within the one that is open.
        console: Whether what is printed is recorded.
        store: Git repository to record into, where the code is no checkout of it; the environment
            variable ``RUNREF_STORE`` by default.

    Returns:
        The handle of the run.

    Raises:
        NotARepository: the current folder lies in no git repository.
        InvalidConfig: ``.runref.yaml`` cannot be understood.
    """
    paths = [os.fspath(path) for path in inputs]
    description = _Description(experiment, name, params or {}, tags, note, paths)
    outer = active()
    if outer is not None and not nested:
        outer.hold()
        return _described(outer, description)
    rank = rank_from(os.environ)
    joined = None if nested else _join(rank, str(store))
    if joined is not None:
        run = _described(joined, description)
    else:
        request = Request(
            argv=sys.orig_argv,
            directory=Path.cwd(),
            experiment=experiment,
            name=name,
            params=description.params,
            tags=tags,
            note=note,
            inputs=paths,
            parent=outer.id if outer else "",
            ranks=1 if nested else rank.world_size,
        )
        run = _own(request, rank, console=console and outer is None, store=str(store))
    run.read_seeds = partial(read_seeds, os.environ)
    _open_runs.append(run)
    return run


def active() -> Run | None:
    """Return the run that was opened last and is still open in this process, or none."""
    while _open_runs and not _open_runs[-1].active:
        _open_runs.pop()
    return _open_runs[-1] if _open_runs else None


def tell(message: str) -> None:
    """Show a message to the person at the screen, without touching the program's own output."""
    stream = sys.__stderr__
    if stream is not None:
        stream.write(f"runref: {message}\n")
        stream.flush()


def _own(request: Request, rank: Rank, *, console: bool, store: str) -> Run:
    project = _project(store)
    run = start_run(project.stores, request, tell)
    if rank.job and run.id and not request.parent:
        project.spool.announce(rank.job, run.id)
    if console:
        _record_console(run)
    _watch_the_end()
    return run


def _join(rank: Rank, store: str) -> Run | None:
    """Return this process's part in a run that another one opened, or none where it opens one."""
    folder = os.environ.get(RUN_VARIABLE, "")
    try:
        if folder:
            return attach(Path(folder), rank.rank, tell, os.environ)
        if rank.rank and rank.job:
            path = wait_for_rank_zero(_project(store).spool, rank.job)
            return attach(path, rank.rank, tell, os.environ)
    except RunGone as error:
        tell(error.message)
        return None if folder else Run(None, tell=tell)
    return None


def _project(store: str) -> Project:
    from runref.project.project import open_project

    chosen = store or os.environ.get(STORE_VARIABLE, "")
    return open_project(Path.cwd(), os.environ, store=chosen)


def _described(run: Run, description: _Description) -> Run:
    """Add to a run that is open already what a further ``init`` says of it."""
    if description.experiment:
        run.set_experiment(description.experiment)
    if description.name:
        run.set_name(description.name)
    if description.params:
        run.log_params(description.params)
    if description.tags:
        run.tag(*description.tags)
    if description.note:
        run.note(description.note)
    for path in description.inputs:
        run.use_input(path)
    return run


def _record_console(run: Run) -> None:
    if run.directory is None:
        return
    log = LineFile(run.directory.console_path)
    tee = ConsoleTee(log.open())
    tee.start()
    run.on_close += [tee.stop, log.close]


def _watch_the_end() -> None:
    """See to it, once, that the program's end ends its runs."""
    if getattr(_watch_the_end, "done", False):
        return
    _watch_the_end.done = True  # type: ignore[attr-defined]
    atexit.register(_end_all)
    previous = sys.excepthook

    def note_exception(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        global _ended_by  # noqa: PLW0603 - atexit functions take no arguments
        _ended_by = error
        if not isinstance(error, Terminated):
            previous(kind, error, trace)

    sys.excepthook = note_exception
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _terminate)


def _terminate(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    raise Terminated(number)


def _end_all() -> None:
    ending = ending_of(_ended_by) if _ended_by else Ending()
    while run := active():
        run.end(ending)
    if isinstance(_ended_by, Terminated):
        # The shell is to see that a signal ended the program.
        os.kill(os.getpid(), signal.Signals[_ended_by.signal])
