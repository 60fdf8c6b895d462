"""What could not be read while runs were compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.model.run_difference import NotCompared
from runref.store.recorded import RecordedRun


@dataclass(slots=True)
class Problems:
    """What could not be read of one comparison."""

    found: list[NotCompared] = field(default_factory=list)

    def damage(self, section: str, run: RecordedRun, error: RunrefError) -> None:
        """Note that something of a run is missing or damaged."""
        self.found.append(NotCompared(section, f"run {run.id}", error.message, damage=True))

    def missing(self, section: str, run: RecordedRun, problem: str) -> None:
        """Note that something of a run was not recorded."""
        self.found.append(NotCompared(section, f"run {run.id}", problem))
