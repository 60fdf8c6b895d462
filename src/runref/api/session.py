"""``runref.init()`` and the runs that this process has open."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runref.api.program_end import ProgramEnd
from runref.capture.console.tee import ConsoleTee
from runref.capture.ranks import Rank, rank_from
from runref.capture.seeds import read_seeds
from runref.capture.snapshot.survey import WorkingTreeUnreadable
from runref.tracking.at_urls import UrlOptions
from runref.tracking.attach import attach, wait_for_rank_zero
from runref.tracking.failures import ending_of
from runref.tracking.lines import LineFile
from runref.tracking.run import Run
from runref.tracking.run_directory import RUN_VARIABLE, Start
from runref.tracking.start import Request, start_run
from runref.tracking.writer import RunGone

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
_ended_run: Run | None = None


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
    wait_for_rank_zero: float = 60.0,
) -> Run:
    """Open a run, or take part in the one that is open.

    Under ``runref run``, and on the other ranks of a distributed job, this process takes part in
    the run that exists. A second call in the same process gives the same run again, with what is
    new added to it; with `nested`, it opens a run of its own that names the outer one its parent.

    The run ends with its ``with`` block, with `finish`, or with the program: as ``failed`` after
    an exception or a bad exit status, as ``interrupted`` after SIGINT, SIGTERM or SIGHUP.

    Args:
        experiment: What the run belongs to.
        name: A short name.
        params: Parameters; nested mappings are kept nested.
        tags: Labels.
        note: Free text.
        inputs: What the run reads: files and directories, patterns, URLs; see `Run.use_input`.
        nested: Open a run of its own within the one that is open.
        console: Whether what is printed is recorded.
        store: Git repository to record into, where the code is no checkout of it; the environment
            variable ``RUNREF_STORE`` by default.
        wait_for_rank_zero: Seconds that another rank waits for rank 0 to open the run, before it
            goes on and records nothing.

    Returns:
        The handle of the run.

    Raises:
        NotARepository: the current folder lies in no git repository.
        InvalidConfig: ``.runref.yaml`` cannot be understood.
        WorkingTreeUnreadable: the current folder does not exist.
    """
    paths = [os.fspath(path) for path in inputs]
    description = _Description(experiment, name, params or {}, tags, note, paths)
    outer = active()
    if outer is not None and not nested:
        outer.hold()
        return _described(outer, description)
    rank = rank_from(os.environ)
    joined = None if nested else _join(rank, os.fspath(store), wait_for_rank_zero)
    if joined is not None:
        run = _described(joined, description)
    else:
        request = Request(
            argv=sys.orig_argv,
            directory=_here(),
            experiment=experiment,
            name=name,
            params=description.params,
            tags=tags,
            note=note,
            inputs=paths,
            parent=outer.id if outer else "",
            ranks=1 if nested else rank.world_size,
        )
        run = _own(request, rank, console=console and outer is None, store=os.fspath(store))
    run.when_training_begins(partial(read_seeds, os.environ))
    _open_runs.append(run)
    _program_end.watch()
    return run


def active() -> Run | None:
    """Return the run that was opened last and is still open in this process, or none."""
    global _ended_run  # noqa: PLW0603 - a session is one process
    while _open_runs and not _open_runs[-1].active:
        _ended_run = _open_runs.pop()
    return _open_runs[-1] if _open_runs else None


def latest() -> Run | None:
    """Return the open run, or else the one that ended last, which notes what comes too late."""
    return active() or _ended_run


def tell(message: str) -> None:
    """Show a message to the person at the screen, without touching the program's own output."""
    stream = sys.__stderr__
    if stream is not None:
        with suppress(OSError, ValueError):  # nobody listens any more
            stream.write(f"runref: {message}\n")
            stream.flush()


def _end_all(error: BaseException | None) -> None:
    ending = ending_of(error)
    while run := active():
        run.end(ending)


_program_end = ProgramEnd(_end_all)


def _own(request: Request, rank: Rank, *, console: bool, store: str) -> Run:
    project = _project(store)
    request = replace(request, url_options=partial(_url_options, project))
    run = start_run(project.stores, request, tell)
    if rank.job and run.id and not request.parent:
        try:
            project.spool.announce(rank.job, run.id)
        except OSError as error:
            tell(f"the other ranks of this job cannot join run {run.id}: {error}")
    if console:
        _record_console(run)
    return run


def _join(rank: Rank, store: str, wait: float) -> Run | None:
    """Return this process's part in a run that another one opened, or none where it opens one."""
    if folder := os.environ.get(RUN_VARIABLE, ""):
        try:
            return _attached(Path(folder), rank)
        except RunGone as error:
            tell(f"{error.message}; this process opens a run of its own")
            return None
    if rank.rank and rank.job:
        try:
            path = wait_for_rank_zero(_project(store).spool, rank.job, wait)
            return _attached(path, rank)
        except RunGone as error:
            tell(error.message)
            return Run(None, tell=tell)
    return None


def _attached(folder: Path, rank: Rank) -> Run:
    def url_options_of(start: Start) -> UrlOptions:
        def options(url: str) -> Mapping[str, Any]:
            from runref.project.project import open_project

            project = open_project(Path(start.root), os.environ, store=start.common_dir)
            return _url_options(project, url)

        return options

    return attach(folder, rank.rank, tell, os.environ, url_options_of=url_options_of)


def _url_options(project: Project, url: str) -> Mapping[str, Any]:
    from runref.project.supply import options_for

    return options_for(project, url)


def _project(store: str) -> Project:
    from runref.project.project import open_project

    named = store or os.environ.get(STORE_VARIABLE, "")
    return open_project(_here(), os.environ, store=named, tell=tell)


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise WorkingTreeUnreadable(os.fsencode(os.curdir), error) from error


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
    try:
        tee = ConsoleTee(log.open())
    except OSError as error:
        run.report("console-not-recorded", f"the output is not recorded: {error.strerror}")
        return

    def stop() -> None:
        tee.stop()
        log.close()
        if tee.dropped:
            message = f"{tee.dropped} bytes of output are not recorded"
            run.report("console-not-recorded", message)

    tee.start()
    run.on_close.append(stop)
