"""Saying that runs were removed from lists, where somebody works with them all the same."""

from __future__ import annotations

from collections.abc import Iterable

from runref.cli.output import tell
from runref.store.recorded import RecordedRun


def tell_removed(runs: Iterable[RecordedRun]) -> None:
    """Name the runs that lists do not show, and how they come back."""
    for run in runs:
        if run.removed:
            tell(f"run {run.id} was removed; `runref restore {run.id}` brings it back")
