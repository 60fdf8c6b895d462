"""Finding runs by queries: recorded ones through the index, live ones as they are now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runref.errors import ExitStatus, RunrefError
from runref.index.run_index import Unreadable
from runref.index.selection import Selection, SortKey
from runref.index.subject import RunSubject
from runref.project.project import Project
from runref.query.catalogue import Catalogue
from runref.query.offered import kind_of, parameters_of, summary_of
from runref.query.reference import Collection as Several
from runref.query.reference import Reference
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    from runref.query.condition import Condition
    from runref.query.names import Target

OnProgress = Callable[[int, int], None]


class CannotSort(RunrefError):
    """Runs are to be sorted by something of which each has several."""

    code = "cannot-sort"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Found:
    """Runs that a query found.

    Attributes:
        runs: The runs, live ones first unless sorted otherwise.
        total: How many there are, those beyond the limit included.
    """

    runs: Sequence[RecordedRun]
    total: int


class Search:
    """Queries over the runs of a project, as they are at one moment.

    Attributes:
        live: The live runs.
        catalogue: The names that runs have.

    Args:
        project: The repository.
        on_progress: Told (done, total) runs while the index catches up.
        removed: Whether it is among the runs that were removed from lists, not among the others.
    """

    def __init__(
        self,
        project: Project,
        on_progress: OnProgress | None = None,
        *,
        removed: bool = False,
    ) -> None:
        self._project = project
        self._objects = project.repository.objects
        self._index = project.index(on_progress)
        # In this order: a run that is recorded meanwhile is listed twice rather than not at all.
        self.live = [] if removed else project.live()
        self._selection = Selection(self._index, removed=removed)
        self.catalogue: Catalogue = _Names(self._selection.catalogue, self.live)

    @property
    def is_empty(self) -> bool:
        """Whether there is no run at all, not even one that cannot be read."""
        return not self.live and not self._index.count()

    def condition(self, query: str) -> Condition | None:
        """Return what a query asks for; none where it is empty, which is every run.

        Raises:
            QueryInvalid: it cannot be understood; the message points at the place.
        """
        if not query.strip():
            return None
        from datetime import datetime

        from runref.project.local_zone import LocalZone
        from runref.query.parse import parse
        from runref.query.resolve import resolve

        now = datetime.now(LocalZone())
        queries = self._project.config.queries
        return resolve(parse(query), self.catalogue, now=now, queries=queries)

    def target(self, name: str) -> Target:
        """Return what a name refers to: something that a run has one of, or a collection.

        Raises:
            QueryInvalid: no run has it, or it is no name.
        """
        from runref.query.parse import parse_name
        from runref.query.resolve import resolve_name

        return resolve_name(parse_name(name), self.catalogue)

    def sort_key(self, text: str) -> SortKey:
        """Return the key that ``lr`` or ``-val/acc`` (largest first) names.

        Raises:
            QueryInvalid: no run has it, or it is no name.
            CannotSort: a run has several of it.
        """
        name = text.removeprefix("-")
        target = self.target(name)
        if isinstance(target, Several):
            raise CannotSort(
                f"a run has several {target.name}: runs cannot be sorted by them",
                hint="Sort by a field, a parameter or a metric.",
            )
        return SortKey(target, descending=text.startswith("-"))

    def find(
        self,
        condition: Condition | None = None,
        *,
        sort: Sequence[SortKey] = (),
        limit: int | None = None,
    ) -> Found:
        """Return the runs that meet a condition."""
        live = self._live_that_meet(condition)
        recorded = self._selection.runs(condition, sort=sort, limit=limit)
        runs = [*live, *recorded]
        if live and sort:
            runs = self._sorted(runs, sort)
        full = limit is not None and len(recorded) == limit
        total = self._selection.count(condition) if full else len(recorded)
        return Found(runs[:limit], total + len(live))

    def values(
        self, references: Sequence[Reference], condition: Condition | None = None
    ) -> list[tuple[Any, ...]]:
        """Return id and values of the runs that meet a condition; none for what is missing.

        Lists and mappings are ``…``: what they hold is in the record alone.
        """
        rows: list[tuple[Any, ...]] = []
        for run in self._live_that_meet(condition):
            from runref.query.evaluate import MISSING, value_of

            held = (value_of(each, self.subject(run)) for each in references)
            rows.append((run.id, *(_brief(None if each is MISSING else each) for each in held)))
        return [*rows, *self._selection.values(references, condition)]

    def subject(self, run: RecordedRun) -> RunSubject:
        """Return a run as conditions look at it."""
        return RunSubject(run, self._objects)

    def unreadable(self) -> list[Unreadable]:
        """Return the recorded runs that could not be read."""
        return self._index.unreadable()

    def count_removed(self) -> int:
        """Return how many runs were removed from lists."""
        return self._index.count_removed()

    @property
    def unread_snapshots(self) -> Collection[str]:
        """Snapshots that a condition asked about and that are damaged."""
        return self._selection.unread_snapshots

    def _live_that_meet(self, condition: Condition | None) -> list[RecordedRun]:
        live = self._live_once()
        if not live or condition is None:
            return live
        from runref.query.evaluate import evaluate

        return [run for run in live if evaluate(condition, self.subject(run))]

    def _live_once(self) -> list[RecordedRun]:
        recorded = set(self._selection.among([run.id for run in self.live]))
        return [run for run in self.live if run.id not in recorded]

    def _sorted(self, runs: Sequence[RecordedRun], sort: Sequence[SortKey]) -> list[RecordedRun]:
        from runref.query.evaluate import value_of
        from runref.query.order import rank

        ordered = list(runs)
        for key in reversed(sort):
            ranked = [
                (rank(key.reference, value_of(key.reference, self.subject(run))), run)
                for run in ordered
            ]
            present = [(place, run) for place, run in ranked if place is not None]
            present.sort(key=lambda pair: pair[0], reverse=key.descending)
            nothing = [run for place, run in ranked if place is None]
            ordered = [run for _, run in present] + nothing
        return ordered


def _brief(value: Any) -> Any:
    return "…" if isinstance(value, (list, Mapping)) else value


class _Names:
    """The names of recorded and live runs."""

    def __init__(self, recorded: Catalogue, live: Sequence[RecordedRun]) -> None:
        self._recorded = recorded
        self._live = live

    def parameters(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each parameter by its dotted path."""
        live = (parameters_of(run.record) for run in self._live)
        return _with_types(self._recorded.parameters(), live)

    def metrics(self) -> Collection[str]:
        """Return the names of all metrics."""
        live = (name for run in self._live for name in run.record.metrics)
        return list(dict.fromkeys((*self._recorded.metrics(), *live)))

    def summary(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each summary value by its dotted path."""
        live = (summary_of(run.record) for run in self._live)
        return _with_types(self._recorded.summary(), live)

    def packages(self) -> Collection[str]:
        """Return the normalised names of all packages."""
        return self._recorded.packages()

    def environment(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each value of the environments by its path."""
        return self._recorded.environment()


def _with_types(
    known: Mapping[str, frozenset[str]], live: Iterable[Mapping[str, Any]]
) -> Mapping[str, frozenset[str]]:
    types = dict(known)
    for values in live:
        for name, value in values.items():
            types[name] = types.get(name, frozenset()) | {kind_of(value)}
    return types
