"""Which recorded runs a retention policy lets go now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from runref.errors import ExitStatus, RunrefError
from runref.model.retention import Candidate, Decision, Policy, decide
from runref.model.times import parse_time
from runref.project.project import Project
from runref.project.searching import Search
from runref.query.evaluate import value_of
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    from runref.index.selection import SortKey


class NotRankable(RunrefError):
    """Runs are to be ranked by what is no number."""

    code = "not-rankable"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a policy says of the recorded runs.

    Attributes:
        going: The runs that go, newest first, with the reason of each.
        kept: Those that stay although something lets them go, with the reason of each.
        total: How many runs there are.
    """

    going: Sequence[tuple[RecordedRun, str]]
    kept: Sequence[tuple[RecordedRun, str]]
    total: int


def choose(project: Project, policy: Policy, query: str, now: datetime) -> Chosen:
    """Return the runs that a policy lets go.

    Runs that were removed from lists are looked at, too; they are not among the best.

    Args:
        project: The repository.
        policy: The policy.
        query: What the runs meet that it is about; empty for all.
        now: The moment that ages end at.

    Raises:
        QueryInvalid: The query, or the name to rank by, cannot be understood.
        CannotSort, NotRankable: Runs cannot be ranked by that.
    """
    listed, removed = Search(project), Search(project, removed=True)
    condition, key = listed.condition(query), listed.sort_key(policy.by) if policy.by else None
    candidates, runs = [], {}
    for search in (listed, removed):
        matching = {run.id for run in search.find(condition).runs}
        for run in search.find().runs:
            if not run.live:
                runs[run.id] = run
                value = _value(search, run, key) if search is listed else None
                candidates.append(_candidate(run, value, now, matches=run.id in matching))
    return _chosen(runs, decide(candidates, policy))


def _candidate(run: RecordedRun, value: float | None, now: datetime, *, matches: bool) -> Candidate:
    return Candidate(
        run.id,
        run.record.experiment,
        run.status,
        age=_seconds(run.record.started, now),
        tagged=bool(run.additions.tags),
        value=value,
        matches=matches,
        removed=_seconds(run.removed.time, now) if run.removed else None,
    )


def _seconds(since: str, now: datetime) -> float:
    return (now - parse_time(since)).total_seconds()


def _value(search: Search, run: RecordedRun, key: SortKey | None) -> float | None:
    if key is None:
        return None
    from runref.query.evaluate import MISSING

    value = value_of(key.reference, search.subject(run))
    if value is None or value is MISSING:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotRankable(
            f"run {run.id} has {value!r:.60} there, which is no number",
            hint="Rank by a metric: `--by val/acc`.",
        )
    return float(value)


def _chosen(runs: dict[str, RecordedRun], decisions: Sequence[Decision]) -> Chosen:
    going = [(runs[each.id], each.reason) for each in decisions if each.goes]
    kept = [(runs[each.id], each.reason) for each in decisions if each.kept]
    return Chosen(going, kept, len(runs))
