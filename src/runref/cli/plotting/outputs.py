"""Confusion matrices and tables that runs logged as outputs."""

from __future__ import annotations

from runref.cli.plotting.arguments import NothingToPlot
from runref.model.record import DataFile
from runref.plot.charts import MatrixChart, TableChart
from runref.plot.tables import NotATable, read_matrix, read_table
from runref.project.project import Project
from runref.store.recorded import RecordedRun
from runref.tracking.tables import path_of

_LIMIT = 64 << 20
"""Bytes of a CSV file beyond which it is data and no table for people."""


def matrix_chart(project: Project, run: RecordedRun, name: str) -> MatrixChart:
    """Return the confusion matrix that a run logged under a name or wrote to a path.

    Raises:
        NothingToPlot: the run has no such output.
        NotATable: it is no confusion matrix.
        ArtifactMissing: its content is neither here nor at a remote.
    """
    file = _output(run, name)
    matrix = read_matrix(_content(project, file), file.path)
    rows, _, columns = matrix.corner.partition(r" \ ")
    return MatrixChart(
        run.id,
        file.path,
        matrix.labels,
        matrix.counts,
        matrix.shares(),
        rows or "true",
        columns or "predicted",
        title=f"{file.path} of run {run.id}",
    )


def table_chart(project: Project, run: RecordedRun, name: str) -> TableChart:
    """Return the table that a run logged under a name or wrote to a path.

    Raises:
        NothingToPlot: the run has no such output.
        NotATable: it is no CSV file.
        ArtifactMissing: its content is neither here nor at a remote.
    """
    file = _output(run, name)
    table = read_table(_content(project, file), file.path)
    title = f"{file.path} of run {run.id}"
    return TableChart(run.id, file.path, table.columns, table.rows, title)


def _output(run: RecordedRun, name: str) -> DataFile:
    files = {each.path: each for each in run.record.outputs if each.kind == "file"}
    for path in (name, path_of(name)):
        # The last one counts: a table that was logged again replaces the earlier one.
        if path not in files:
            continue
        if files[path].digest:
            return files[path]
        raise NothingToPlot(
            f"{path} of run {run.id} was not recorded: {files[path].problem}",
            hint=f"`runref show {run.id}` lists what the run has.",
        )
    tables = ", ".join(path for path in files if path.endswith(".csv")) or "none"
    raise NothingToPlot(
        f"run {run.id} has no table {name!r} among its outputs",
        hint=f"Tables of the run: {tables}.",
    )


def _content(project: Project, file: DataFile) -> bytes:
    """Return the content of an output, brought from a remote where it is not here."""
    from runref.project.supply import Supply

    if file.size > _LIMIT:
        raise NotATable(f"{file.path} is too large for a table: {file.size} bytes")
    Supply(project).require([file])
    with project.artifacts.open(file.digest) as stream:
        return stream.read()
