"""Forgetting runs: out of the history for good, and then whatever only they held is freed.

The runs ref moves first, by one compare-and-swap; from then on the runs are forgotten. What is to
be freed is written down before, so that the next forgetting goes on where a killed one ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runref.artifacts.clearing import Cleared
from runref.errors import ExitStatus, RunrefError
from runref.git.freeing import Freed
from runref.git.program import GitProgram
from runref.model.address import ByPrefix, UnknownRun, matching_ids, parse_address, the_only
from runref.model.times import now
from runref.model.tombstones import Tombstone
from runref.project.project import Project
from runref.project.writer_name import writer_name
from runref.store.burying import Move, bury
from runref.store.differences import forgotten_runs
from runref.sync.pushing import Pushed, push
from runref.upkeep.clearing import artifacts_of, clear_artifacts, purge_caches
from runref.upkeep.freeing import free, noted
from runref.upkeep.histories import drop_remembered, forgotten_in, holders, remembered
from runref.upkeep.plan import mentions_of
from runref.upkeep.unfinished import Ledger, Unfinished

_LOCK_SECONDS = 60.0
_REASON = "runref: forget"


REPOSITORY = "repository"
"""Where `Forgotten.problems` has what could not be done to the repository itself."""


class NoGitProgram(RunrefError):
    """Something takes the git program, and there is none."""

    code = "no-git-program"


class StillThere(RunrefError):
    """Something of a forgotten run could not be freed, as something else than a ref has it."""

    code = "still-there"


class ReasonMissing(RunrefError):
    """Runs are to be forgotten without a reason."""

    code = "reason-missing"
    exit_status = ExitStatus.USAGE


@dataclass(slots=True)
class Forgotten:
    """What forgetting did.

    Attributes:
        runs: Ids of the runs that were forgotten now.
        before: Ids of those that had been forgotten before.
        mentions: Runs that stay and name one of them: how, and which, by their id.
        pushed: What became of the history in other repositories, by git remote.
        refused: Why it could not be replaced there, by git remote.
        objects: What was freed of the repository.
        kept_by: Refs that still lead to forgotten runs, with those runs.
        artifacts: What was freed of contents, by place.
        problems: What could not be freed, by place.
    """

    runs: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    mentions: Mapping[str, str] = field(default_factory=dict)
    pushed: dict[str, Pushed] = field(default_factory=dict)
    refused: dict[str, RunrefError] = field(default_factory=dict)
    objects: Freed = field(default_factory=Freed)
    kept_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    artifacts: dict[str, Cleared] = field(default_factory=dict)
    problems: dict[str, RunrefError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """The runs that a user names.

    Attributes:
        recorded: Ids of those that are in the history.
        forgotten: Ids of those that were forgotten.
    """

    recorded: tuple[str, ...]
    forgotten: tuple[str, ...]


def named(project: Project, addresses: Sequence[str]) -> Named:
    """Return the runs that addresses name, forgotten ones included.

    Raises:
        UnknownRun: One of them names no run, and never did.
        AmbiguousRun: One of them names several.
        StillRunning: A run goes on.
    """
    index = project.index()
    gone = forgotten_runs(project.repository.objects, project.runs.root())
    recorded: dict[str, None] = {}
    forgotten: dict[str, None] = {}
    for address in addresses:
        try:
            recorded[project.resolve(address, index).id] = None
        except UnknownRun:
            asked = parse_address(address)
            matching = matching_ids(asked.text, gone) if isinstance(asked, ByPrefix) else ()
            if not matching:
                raise
            forgotten[the_only(address, matching)] = None
    return Named(tuple(recorded), tuple(forgotten))


def forget(
    project: Project,
    runs: Named,
    reason: str,
    *,
    remotes: Sequence[str] = (),
    local: bool = False,
) -> Forgotten:
    """Forget runs, and free what only they and runs that were forgotten before held.

    Args:
        project: The repository.
        runs: The runs. For those that were forgotten before, what is unfinished is finished.
        reason: Why; it stands in the history for good.
        remotes: Git remotes whose history is replaced, too.
        local: Remotes of artifacts stay as they are.

    Raises:
        ReasonMissing: The reason is empty.
        LockBusy: Another process forgets, or holds the ref, for long.
        RefContended, CannotWrite: Nothing was forgotten.
    """
    if runs.recorded and not reason.strip():
        raise ReasonMissing("a reason is needed", hint='Say why: `--reason "personal data"`.')
    ledger = Ledger(project.repository)
    with ledger.lock(_LOCK_SECONDS):
        done = Forgotten(before=runs.forgotten, mentions=mentions_of(project, runs.recorded))
        if runs.recorded:
            done.runs = _bury(project, ledger, runs.recorded, reason.strip(), local=local)
        _finish(project, ledger, done, remotes)
    return done


def finish(project: Project) -> Forgotten:
    """Free what was forgotten here or elsewhere, and could not be freed yet."""
    ledger = Ledger(project.repository)
    with ledger.lock(_LOCK_SECONDS):
        done = Forgotten()
        _finish(project, ledger, done, ())
    return done


def _bury(
    project: Project, ledger: Ledger, run_ids: Sequence[str], reason: str, *, local: bool
) -> tuple[str, ...]:
    author, time = project.repository.identity(), now()
    with project.runs.lock(_LOCK_SECONDS):
        wanted = set(run_ids)
        found = {run.id: run.tree for run in project.runs.runs() if run.id in wanted}
        artifacts = tuple(sorted(artifacts_of(project, found)))
        remotes = () if local or not artifacts else project.remotes.all
        more = Unfinished(
            found, artifacts=artifacts, remotes=tuple(remote.name for remote in remotes)
        )

        def before_move(move: Move) -> None:
            ledger.write(ledger.read().joined(replace(more, tips=(move.old,))))

        stones = [Tombstone(run_id, time, author, reason, tree) for run_id, tree in found.items()]
        if stones:
            bury(project.runs, stones, writer=writer_name(), before_move=before_move)
    return tuple(found)


def _finish(project: Project, ledger: Ledger, done: Forgotten, remotes: Sequence[str]) -> None:
    for remote in remotes:
        try:
            done.pushed[remote] = push(project, remote)
        except RunrefError as error:  # what is forgotten here stays forgotten
            done.refused[remote] = error
    unfinished = _gathered(project, ledger)
    if not unfinished.runs:
        ledger.clear()
        return
    purge_caches(project, unfinished.runs.values())  # the index catches up from what is freed next
    unfinished = _free_objects(project, ledger, unfinished, done)
    left = clear_artifacts(project, unfinished, done.artifacts, done.problems)
    done.kept_by = holders(project, unfinished.runs)
    there = project.repository.objects.contains
    still = {run_id for run_id, tree in unfinished.runs.items() if there(tree)}
    held = {run_id for ids in done.kept_by.values() for run_id in ids}
    if still - held and REPOSITORY not in done.problems:
        done.problems[REPOSITORY] = _still_there(still - held)
    if still:
        ledger.write(unfinished)  # what keeps the runs may keep their artifacts, too
    elif left.artifacts:
        ledger.write(left)
    else:
        ledger.clear()


def _still_there(run_ids: Collection[str]) -> StillThere:
    return StillThere(
        f"objects of {' '.join(sorted(run_ids))} are still there, and no ref leads to them",
        hint="A reflog (`git reflog expire --expire=now REF` empties it), an index, a live run or "
        "another repository (objects/info/alternates) has them; then run it again.",
    )


def _gathered(project: Project, ledger: Ledger) -> Unfinished:
    """Return all that is to be freed: what is written down, and what was forgotten elsewhere."""
    known, tips = ledger.read(), remembered(project)
    forgotten = forgotten_in(project, tips)
    elsewhere = {run_id: forgotten[run_id] for run_id in forgotten.keys() - known.runs.keys()}
    artifacts = tuple(sorted(artifacts_of(project, elsewhere)))
    gathered = known.joined(Unfinished(elsewhere, tuple(sorted(tips)), (), artifacts))
    gone = forgotten_runs(project.repository.objects, project.runs.root())
    runs = {run_id: tree for run_id, tree in gathered.runs.items() if run_id in gone}
    return replace(gathered, runs=runs)


def _free_objects(
    project: Project, ledger: Ledger, unfinished: Unfinished, done: Forgotten
) -> Unfinished:
    repository = project.repository
    git = GitProgram.find(repository.common_dir, repository.environ)
    try:
        ledger.write(unfinished)
        drop_remembered(project, git, reason=_REASON)
        if git is None:
            raise NoGitProgram(
                "the objects of forgotten runs are still there: there is no git program",
                hint="Run it again where there is one.",
            )
        unfinished = noted(project, git, unfinished)
        ledger.write(unfinished)
        done.objects = free(project, git, unfinished.objects)
    except RunrefError as error:
        done.problems[REPOSITORY] = error
    return unfinished
