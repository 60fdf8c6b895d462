"""What commands tell of runs that are, or would be, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runref.cli.output import printable, say, tell, to_json
from runref.cli.text import count_of, format_size
from runref.cli.transfer import error_document, tell_error
from runref.errors import ExitStatus
from runref.project.project import Project
from runref.sync.tracking_ref import tracking_ref

if TYPE_CHECKING:
    from runref.upkeep.forgetting import Forgotten
    from runref.upkeep.plan import Estimate, Plan

_BEYOND_REACH = (
    "out of reach from here is what other clones hold until their next `runref pull`, what a "
    "server keeps until its next `git gc`, and what is in bundles, backups and a forge's caches"
)


def known_remotes(project: Project) -> list[str]:
    """Return the git remotes whose history of runs was seen."""
    names = project.repository.remotes()
    return [name for name in names if tracking_ref(project, name).read()]


def tell_plan(plan: Plan, *, named: bool = True) -> None:
    """Say what would go.

    Args:
        plan: What would go.
        named: Name the runs.
    """
    for run_id in plan.runs if named else ():
        say(f"would forget {run_id}")
    _tell_mentions(plan.mentions)
    objects, artifacts = _estimated(plan.objects), _estimated(plan.artifacts)
    say(f"would free here: {objects} of git objects, {artifacts} of artifacts")


def tell_forgotten(done: Forgotten) -> None:
    """Say what went, what did not, and what cannot be reached."""
    for run_id in done.runs:
        say(f"forgot {run_id}")
    for run_id in done.before:
        say(f"{run_id} was forgotten before")
    _tell_mentions(done.mentions)
    say(f"repository: {count_of(done.objects.objects, 'object')}, {_freed(done.objects.size)}")
    for place, each in done.artifacts.items():
        freed = f"{count_of(each.freed.count, 'artifact')}, {format_size(each.freed.size)} freed"
        kept = f"; {each.claimed.count} claimed or used by others" if each.claimed.count else ""
        say(f"{printable(place)}: {freed}{kept}")
    for remote, pushed in done.pushed.items():
        say(f"{printable(remote)}: its history was replaced, {pushed.forgotten} forgotten there")
    _tell_left(done)
    if done.runs:
        tell(_BEYOND_REACH)


def _freed(size: int) -> str:
    """Return what a pack that was written anew saves, or takes where it lost bases of deltas."""
    return f"{format_size(size)} freed" if size >= 0 else f"{format_size(-size)} more than before"


def _tell_left(done: Forgotten) -> None:
    for ref, held in done.kept_by.items():
        tell(
            f"{printable(ref)} still holds {' '.join(held)}: nothing of them is freed before that "
            "ref is deleted and `runref forget` is run again"
        )
    for sentence in done.objects.kept:
        tell(f"objects stay: {sentence}")
    if done.objects.young:
        tell(f"{count_of(done.objects.young, 'object')} stay for now: others use them")
    for place, error in (*done.problems.items(), *done.refused.items()):
        tell_error(place, error)


def _tell_mentions(mentions: Mapping[str, str]) -> None:
    for run_id, how in mentions.items():
        say(f"{run_id}, which {how}, stays")


def _estimated(estimate: Estimate) -> str:
    if estimate.problem:
        return f"unknown bytes ({printable(estimate.problem)})"
    return format_size(estimate.size)


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON shows it."""
    return {
        "dry_run": True,
        "runs": list(plan.runs),
        "mentions": dict(plan.mentions),
        "objects": to_json(plan.objects),
        "artifacts": to_json(plan.artifacts),
    }


def forgotten_document(done: Forgotten) -> dict[str, Any]:
    """Return what was done as JSON shows it."""
    return {
        "dry_run": False,
        "runs": list(done.runs),
        "forgotten_before": list(done.before),
        "mentions": dict(done.mentions),
        "objects": {
            "count": done.objects.objects,
            "size": done.objects.size,
            "young": done.objects.young,
            "kept": list(done.objects.kept),
        },
        "kept_by": {ref: list(held) for ref, held in done.kept_by.items()},
        "artifacts": [{"name": name, **to_json(each)} for name, each in done.artifacts.items()],
        "pushed": [
            {"remote": name, "forgotten": each.forgotten} for name, each in done.pushed.items()
        ],
        "failed": [
            {"name": name, "error": error_document(error)}
            for name, error in (*done.problems.items(), *done.refused.items())
        ],
    }


def status_of(done: Forgotten) -> ExitStatus:
    """Return the exit status: whether all of what was to be forgotten is gone where it can be."""
    left = done.problems or done.refused or done.kept_by or done.objects.kept or done.objects.young
    return ExitStatus.NO if left else ExitStatus.DONE
