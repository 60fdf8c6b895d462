"""What the settings, or the options of a command, say of runs that may go."""

from __future__ import annotations

from dataclasses import dataclass

from runref.model.retention import Policy
from runref.model.times import parse_duration


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """A policy as people write it: ages as ``30d``, empty for never."""

    older_than: str = ""
    failed: str = ""
    interrupted: str = ""
    removed: str = ""
    query: str = ""
    keep_best: int = 0
    by: str = ""
    min: bool = False
    keep_tagged: bool = False

    def policy(self) -> Policy:
        """Return the policy.

        Raises:
            ValueError: an age is none, or it is not said what the best are the best by.
        """
        if bool(self.keep_best) != bool(self.by):
            raise ValueError("keep_best and by go together: how many, and by what")
        ages = (self.older_than, self.failed, self.interrupted, self.removed)
        return Policy(
            older_than=_age(self.older_than),
            failed=_age(self.failed),
            interrupted=_age(self.interrupted),
            removed=_age(self.removed),
            matching=bool(self.query.strip()) and not any(ages),
            keep_best=self.keep_best,
            smallest=self.min,
            by=self.by,
            keep_tagged=self.keep_tagged,
        )


def _age(text: str) -> float | None:
    return parse_duration(text) if text else None
