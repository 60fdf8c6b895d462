"""Forgetting runs by a policy, as ``runref gc`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from runref.cli.forgetting import (
    forgotten_document,
    known_remotes,
    plan_document,
    status_of,
    tell_forgotten,
    tell_plan,
)
from runref.cli.output import print_json, printable, say
from runref.cli.text import count_of, format_moment
from runref.errors import ExitStatus
from runref.model.retention import Policy
from runref.project.project import Project
from runref.project.retention_settings import RetentionSettings
from runref.store.recorded import RecordedRun

if TYPE_CHECKING:
    from runref.upkeep.retention import Chosen


def retain(
    project: Project,
    given: RetentionSettings,
    *,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> ExitStatus:
    """Forget the runs that a policy lets go, and say which and why.

    Args:
        project: The repository.
        given: The policy of the command line; where it is empty, that of the settings counts.
        local: Remotes stay as they are.
        yes: Nobody is asked.
        dry_run: Only tell.
        as_json: Tell in JSON.
    """
    from runref.upkeep.forgetting import Forgotten, Named, forget
    from runref.upkeep.plan import plan_forgetting
    from runref.upkeep.retention import choose

    settings = project.config.retention if given == RetentionSettings() else given
    policy = _policy(settings)
    project.recover()
    chosen = choose(project, policy, settings.query, datetime.now(timezone.utc))
    ids = [run.id for run, _ in chosen.going]
    if not as_json:
        _tell(chosen)
    if dry_run:
        plan = plan_forgetting(project, ids)
        if as_json:
            print_json(_document(chosen, plan=plan_document(plan)))
        elif ids:
            tell_plan(plan, named=False)
        return ExitStatus.DONE
    done = Forgotten()
    if ids:
        remotes = () if local else known_remotes(project)
        _ask(ids, remotes, yes=yes, as_json=as_json)
        reason = f"retention: {_words(settings)}"
        done = forget(project, Named(tuple(ids), ()), reason, remotes=remotes, local=local)
    if as_json:
        print_json(_document(chosen, forgotten=forgotten_document(done)))
    elif ids:
        tell_forgotten(done)
    return status_of(done)


def _policy(settings: RetentionSettings) -> Policy:
    try:
        policy = settings.policy()
    except ValueError as error:
        raise click.UsageError(f"--keep-best and --by: {error}.") from error
    if not policy.lets_go:
        raise click.UsageError(
            "Nothing lets any run go: give an age (--failed 30d, --older-than 90d …) or --query, "
            "set retention: in .runref.yaml, or give --artifacts."
        )
    return policy


def _ask(ids: Sequence[str], remotes: Sequence[str], *, yes: bool, as_json: bool) -> None:
    """Ask whether to go on; where there is nobody to ask, --yes is needed."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(f"{count_of(len(ids), 'run')} would be forgotten: give --yes.")
    where = f"here and at {', '.join(map(printable, remotes))}" if remotes else "here"
    click.confirm(f"Forget {count_of(len(ids), 'run')} {where}?", abort=True, err=True)


def _words(settings: RetentionSettings) -> str:
    """Return a policy in few words, for tombstones."""
    words = [
        f"{name.replace('_', '-')} {value}"
        for name in ("older_than", "failed", "interrupted", "removed", "query")
        if (value := getattr(settings, name))
    ]
    words += [f"keep-best {settings.keep_best} by {settings.by}"] if settings.keep_best else []
    words += ["keep-tagged"] if settings.keep_tagged else []
    return ", ".join(words)[:1900]


def _tell(chosen: Chosen) -> None:
    say(f"{len(chosen.going)} of {count_of(chosen.total, 'run')} go")
    for run, reason in chosen.going:
        say(f"  {_line(run)}  {printable(reason)}")
    if chosen.kept:
        say(f"{len(chosen.kept)} stay although they could go")
    for run, reason in chosen.kept:
        say(f"  {_line(run)}  {printable(reason)}")


def _line(run: RecordedRun) -> str:
    words = (run.id, format_moment(run.record.started), run.record.experiment, run.status)
    return "  ".join(printable(word) for word in words if word)


def _document(chosen: Chosen, *, plan: Any = None, forgotten: Any = None) -> dict[str, Any]:
    return {
        "dry_run": forgotten is None,
        "total": chosen.total,
        "going": [_run_document(run, reason) for run, reason in chosen.going],
        "kept": [_run_document(run, reason) for run, reason in chosen.kept],
        "plan": plan,
        "forgotten": forgotten,
    }


def _run_document(run: RecordedRun, reason: str) -> dict[str, Any]:
    return {
        "id": run.id,
        "experiment": run.record.experiment,
        "status": run.status,
        "started": run.record.started,
        "tags": list(run.additions.tags),
        "reason": reason,
    }
