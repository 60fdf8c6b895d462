"""What the legend calls runs."""

from __future__ import annotations

from collections.abc import Sequence

from runref.cli.text import format_value
from runref.plot.curves import shortened
from runref.project.columns import params_of, varying_parameters
from runref.store.recorded import RecordedRun

_PARAMETERS_SHOWN = 2
"""Parameters that a label names, of those that tell the runs apart."""
_NAME = 18
"""Characters of a run's name in its label: what follows tells more."""


def labels_of(runs: Sequence[RecordedRun]) -> dict[str, str]:
    """Return a label for each run, by id: what tells it from the others, and four digits."""
    varying = varying_parameters(runs)[:_PARAMETERS_SHOWN]
    named = not shared_name(runs)
    return {run.id: _label(run, varying, named=named) for run in runs}


def shared_name(runs: Sequence[RecordedRun]) -> str:
    """Return what several runs have in common, their name or else their experiment, or nothing."""
    names = {_name(run) for run in runs}
    return names.pop() if len(runs) > 1 and len(names) == 1 else ""


def _name(run: RecordedRun) -> str:
    return run.name or run.record.experiment


def _label(run: RecordedRun, varying: Sequence[str], *, named: bool) -> str:
    params = params_of(run)
    parts = [shortened(_name(run), _NAME)] if named else []
    parts += [f"{name}={format_value(params[name])}" for name in varying if name in params]
    return " ".join(filter(None, [*parts, run.id[9:13]]))
