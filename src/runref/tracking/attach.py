"""Taking part in a run that another process opened: a child's ``init()``, and ranks of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from runref.artifacts import LocalStore
from runref.git.repository import Repository
from runref.model.codec import UnreadableDocument
from runref.model.documents import MalformedDocument
from runref.store.runs_ref import RunsRef
from runref.tracking.apart import is_apart
from runref.tracking.at_urls import UrlOptions, no_options
from runref.tracking.collect import conclude
from runref.tracking.data import DataStore
from runref.tracking.run import Run
from runref.tracking.run_directory import RUN_VARIABLE, RunDirectory, Start
from runref.tracking.spool import Spool
from runref.tracking.stores import artifacts_path
from runref.tracking.writer import RunGone, Writer

_POLL_SECONDS = 0.05


def attach(
    folder: Path,
    rank: int,
    tell: Callable[[str], None],
    environ: Mapping[str, str],
    *,
    url_options_of: Callable[[Start], UrlOptions] | None = None,
) -> Run:
    """Take part in the run whose folder in the spool is `folder`.

    Where that cannot be done for the state of the disk, it is told, and the handle records nothing.

    Args:
        folder: The run's folder.
        rank: Number of this process in a distributed job; 0 elsewhere.
        tell: Shows a message to the user.
        environ: Environment variables of the process.
        url_options_of: Returns what knows the options of the driver for an input's URL.

    Raises:
        RunGone: there is no such live run.
    """
    run = RunDirectory(folder)
    try:
        start = run.read_start()
        writer = Writer.join(run, start, rank)
    except FileNotFoundError as error:
        raise RunGone(f"there is no run at {folder}", hint=f"Unset {RUN_VARIABLE}.") from error
    except (UnreadableDocument, MalformedDocument, OSError) as error:
        tell(f"this process records nothing: it cannot take part in {folder}: {error}")
        return Run(None, tell=tell)
    common_dir = Path(start.common_dir)
    contents = Spool(folder.parent).artifacts_path if is_apart(run) else artifacts_path(common_dir)

    def conclude_last(ended: RunDirectory) -> str:
        repository = Repository.open(common_dir, environ=environ, fsync=start.fsync)
        return conclude(ended, _spool_of(folder, repository), RunsRef(repository, tell))

    return Run(
        writer,
        tell=tell,
        data=DataStore(
            LocalStore(contents, fsync=start.fsync),
            Path(start.root),
            common_dir,
            reference_over=start.reference_over,
            url_options=url_options_of(start) if url_options_of else no_options,
        ),
        owns=False,
        conclude=conclude_last,
    )


def _spool_of(folder: Path, repository: Repository) -> Spool:
    """Return the spool that a run's folder lies in, which another repository may use as well."""
    inside = folder.resolve().is_relative_to(repository.common_dir.resolve())
    owner = None if inside else repository.common_dir
    return Spool(folder.parent, common_dir=owner, sharing=repository.sharing)


def wait_for_rank_zero(spool: Spool, job: str, wait: float) -> Path:
    """Return the folder of the run that rank 0 of `job` opens, waiting for it at most `wait` s.

    Raises:
        RunGone: rank 0 opened none in time.
    """
    deadline = time.monotonic() + wait
    while (run := spool.announced(job)) is None:
        if time.monotonic() > deadline:
            raise RunGone(
                f"rank 0 of this job opened no run within {wait:g} s; this rank records nothing",
                hint="Call runref.init() on rank 0 as well, or start the job by `runref run`.",
            )
        time.sleep(_POLL_SECONDS)
    return run.path
