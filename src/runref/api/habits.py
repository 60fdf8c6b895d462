"""The active run's methods as functions of the module, under names known from other trackers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from runref.api.session import active, init, latest
from runref.errors import ExitStatus, RunrefError
from runref.tracking.run import Run


class NoActiveRun(RunrefError):
    """Something was to be logged and no run is open."""

    code = "no-active-run"
    exit_status = ExitStatus.USAGE


start_run = init


def active_run() -> Run:
    """Return the open run.

    Raises:
        NoActiveRun: no run is open.
    """
    run = active()
    if run is None:
        raise NoActiveRun("no run is open", hint="Call runref.init() first.")
    return run


def latest_run() -> Run:
    """Return the open run, or the last one, which notes that it has ended and does not raise.

    Raises:
        NoActiveRun: no run was opened yet.
    """
    return latest() or active_run()


def log(values: Mapping[str, Any], step: int | None = None) -> None:
    """Append one point to each of the named series of the open run."""
    latest_run().log(values, step)


log_metrics = log


def log_metric(name: str, value: Any, step: int | None = None) -> None:
    """Append one point to one series of the open run."""
    latest_run().log({name: value}, step)


def log_params(params: Mapping[str, Any]) -> None:
    """Set parameters of the open run."""
    latest_run().log_params(params)


def log_param(name: str, value: Any) -> None:
    """Set one parameter of the open run."""
    latest_run().log_param(name, value)


def use_input(path: str | PathLike[str], *, copy: bool = False) -> None:
    """Record what the open run reads: a file or directory, what matches a pattern, or a URL."""
    latest_run().use_input(path, copy=copy)


def log_output(path: str | PathLike[str]) -> None:
    """Record a file or directory that the open run wrote, or what matches a pattern."""
    latest_run().log_output(path)


log_artifact = log_output


def log_figure(figure: Any, name: str) -> None:
    """Record a figure as an output of the open run."""
    latest_run().log_figure(figure, name)


def log_table(name: str, columns: Sequence[Any], rows: Iterable[Any]) -> None:
    """Record a table as an output of the open run."""
    latest_run().log_table(name, columns, rows)


def log_confusion_matrix(name: str, labels: Sequence[Any], matrix: Iterable[Any]) -> None:
    """Record a confusion matrix as an output of the open run."""
    latest_run().log_confusion_matrix(name, labels, matrix)


def tag(*tags: str) -> None:
    """Add tags to the open run."""
    latest_run().tag(*tags)


def note(text: str) -> None:
    """Add a note to the open run."""
    latest_run().note(text)


def finish() -> None:
    """End the open run; without one, do nothing."""
    if run := active():
        run.finish()


end_run = finish
