"""Live runs as they can be shown before there is a record."""

from __future__ import annotations

from runref.errors import RunrefError
from runref.model.annotations import apply_annotations
from runref.model.record import MetricSummary, Record
from runref.model.series import Summariser, read_lines
from runref.store.recorded import RecordedRun
from runref.tracking.assemble import assemble, known_from
from runref.tracking.run_directory import End, RunDirectory
from runref.tracking.spool import Spool

RUNNING = "running"


def live_runs(spool: Spool) -> list[RecordedRun]:
    """Return the runs of the spool, newest first; those that cannot be read are passed over.

    `recover` names what it cannot read; a list of runs is not the place to repair one.
    """
    found = []
    for run in (*spool.live(), *spool.ready()):
        try:
            found.append(live_run(run))
        except (RunrefError, FileNotFoundError):
            continue  # collected meanwhile, or damaged
    return sorted(found, key=lambda each: each.record.started, reverse=True)


def live_run(run: RunDirectory) -> RecordedRun:
    """Return a run of the spool as it would be recorded now.

    Raises:
        FileNotFoundError: it was recorded, and its folder removed, meanwhile.
        RunrefError: its files are damaged.
    """
    start = run.read_start()
    events, _ = run.events()
    known = known_from(start, events)
    metrics, elapsed = _metrics(run)
    end = run.read_end() or End(status=RUNNING, duration=elapsed)
    record: Record = assemble(start, known, end, metrics=metrics, environment="", files={})
    return RecordedRun("", record, apply_annotations(record.tags, {}), live=True)


def _metrics(run: RunDirectory) -> tuple[dict[str, MetricSummary], float]:
    summariser, elapsed = Summariser(), 0.0
    for file in run.series_files():
        if file.rank:
            continue
        rows = read_lines(file.path.read_bytes()).rows
        summariser.add(rows)
        if rows:
            elapsed = max(elapsed, rows[-1]["elapsed"])
    return summariser.result(), elapsed
