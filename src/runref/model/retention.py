"""Which runs a policy lets go, and why; and why each other one stays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runref.model.record import FAILED, INTERRUPTED

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded run, as far as policies look at it.

    Attributes:
        id: The run id.
        experiment: What it belongs to.
        status: ``finished``, ``failed`` or ``interrupted``.
        age: Seconds since it started.
        tagged: Whether it has a tag.
        value: What it is ranked by; none where it has none.
        matches: Whether it is among the runs that the policy is about.
        removed: Seconds since it was removed from lists; none where it is listed.
    """

    id: str
    experiment: str
    status: str
    age: float
    tagged: bool = False
    value: float | None = None
    matches: bool = True
    removed: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What lets runs go, and what keeps them nevertheless. Ages are in seconds.

    Attributes:
        older_than: Runs that started longer ago go.
        failed: Failed runs that started longer ago go.
        interrupted: Interrupted runs that started longer ago go.
        removed: Runs that were removed from lists longer ago go.
        matching: All runs that the policy is about go, whatever their age.
        keep_best: Of each experiment, so many with the best values stay.
        smallest: Whether the smallest values are the best.
        by: What the values are, for reasons.
        keep_tagged: Runs with a tag stay.
    """

    older_than: float | None = None
    failed: float | None = None
    interrupted: float | None = None
    removed: float | None = None
    matching: bool = False
    keep_best: int = 0
    smallest: bool = False
    by: str = ""
    keep_tagged: bool = False

    @property
    def lets_go(self) -> bool:
        """Whether it lets any run go."""
        ages = (self.older_than, self.failed, self.interrupted, self.removed)
        return self.matching or any(age is not None for age in ages)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy says of a run.

    Attributes:
        id: The run id.
        goes: Whether it goes.
        reason: Why it goes, or stays.
        kept: Whether it stays although something lets it go.
    """

    id: str
    goes: bool
    reason: str
    kept: bool = False


def decide(candidates: Sequence[Candidate], policy: Policy) -> list[Decision]:
    """Return what a policy says of each run, in the given order.

    A run goes where anything lets it go and nothing keeps it.
    """
    best = _best(candidates, policy)
    return [_decision(each, policy, best) for each in candidates]


def _decision(run: Candidate, policy: Policy, best: frozenset[str]) -> Decision:
    why = _lets_go(run, policy) if run.matches else ""
    if not why:
        return Decision(run.id, goes=False, reason="nothing lets it go")
    if policy.keep_tagged and run.tagged:
        return Decision(run.id, goes=False, reason=f"tagged ({why})", kept=True)
    if run.id in best:
        rank = f"among the best {policy.keep_best} of {run.experiment or 'no experiment'}"
        return Decision(run.id, goes=False, reason=f"{rank} by {policy.by} ({why})", kept=True)
    return Decision(run.id, goes=True, reason=why)


def _lets_go(run: Candidate, policy: Policy) -> str:
    if _beyond(run.removed, policy.removed):
        return f"removed over {_days(policy.removed)} ago"
    if run.status == FAILED and _beyond(run.age, policy.failed):
        return f"failed, over {_days(policy.failed)} old"
    if run.status == INTERRUPTED and _beyond(run.age, policy.interrupted):
        return f"interrupted, over {_days(policy.interrupted)} old"
    if _beyond(run.age, policy.older_than):
        return f"over {_days(policy.older_than)} old"
    return "matches the query" if policy.matching else ""


def _beyond(age: float | None, limit: float | None) -> bool:
    return age is not None and limit is not None and age > limit


def _days(seconds: float | None) -> str:
    return f"{(seconds or 0.0) / DAY:g} d"


def _best(candidates: Iterable[Candidate], policy: Policy) -> frozenset[str]:
    """Return the runs that are among the best of their experiments; equal values: the younger."""
    if not policy.keep_best:
        return frozenset()
    ranked: dict[str, list[tuple[float, float, str]]] = {}
    sign = 1.0 if policy.smallest else -1.0
    for run in candidates:
        if run.value is not None and not math.isnan(run.value):
            ranked.setdefault(run.experiment, []).append((sign * run.value, run.age, run.id))
    chosen = (sorted(runs)[: policy.keep_best] for runs in ranked.values())
    return frozenset(run_id for runs in chosen for _, _, run_id in runs)
