"""What a run left behind, read from its record or, before it has one, from the spool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runref.git.objects import ObjectStore
from runref.model.record import DataFile
from runref.model.series import Row, read_lines
from runref.model.values import decode_number
from runref.model.verdict import Evidence, Points
from runref.store.recorded import RecordedRun, read_rows
from runref.tracking.assemble import known_from
from runref.tracking.failures import Ending
from runref.tracking.run_directory import RunDirectory


def evidence_of(objects: ObjectStore, run: RecordedRun) -> Evidence:
    """Return the evidence of a recorded run.

    Raises:
        DamagedSeries: its series cannot be read.
    """
    record = run.record
    exit_status = record.exit_status
    if exit_status is None and record.failure:
        exit_status = 1  # what Python tells the shell after an exception
    ending = ending_text(record.status, exit_status)
    return _evidence(ending, read_rows(objects, run.tree), record.outputs)


def evidence_in_spool(run: RunDirectory, ending: Ending) -> Evidence:
    """Return the evidence of a run that is about to end."""
    events, _ = run.events()
    rows: dict[int, list[Row]] = {}
    for file in run.series_files():
        for row in read_lines(file.path.read_bytes()).rows:
            values = {name: decode_number(value) for name, value in row["values"].items()}
            rows.setdefault(file.rank, []).append(Row(row["step"], row["elapsed"], values))
    for of_rank in rows.values():
        of_rank.sort(key=lambda row: row.elapsed)
    outputs = known_from(run.read_start(), events).outputs.values()
    return _evidence(ending_text(ending.status, ending.exit_status), rows, outputs)


def ending_text(status: str, exit_status: int | None) -> str:
    """Return how a run ended, for people: ``finished``, ``failed with exit status 3``."""
    return f"{status} with exit status {exit_status}" if exit_status else status


def _evidence(
    ending: str, rows: Mapping[int, Iterable[Row]], outputs: Iterable[DataFile]
) -> Evidence:
    columns: dict[str, tuple[list[int], list[int | float]]] = {}
    for rank, of_rank in rows.items():
        for row in of_rank:
            for name, value in row.values.items():
                shown = f"{name} (rank {rank})" if rank else name
                steps, values = columns.setdefault(shown, ([], []))
                steps.append(row.step)
                values.append(value)
    series = {name: Points(steps, values) for name, (steps, values) in columns.items()}
    return Evidence(ending, series, {each.path: each.digest for each in outputs})
