"""Moving records through git: what commands tell of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runref.cli.output import printable, say, tell
from runref.cli.progress import Bar, bar
from runref.cli.text import count_of, format_size
from runref.cli.transfer import tell_error
from runref.errors import ExitStatus, RunrefError
from runref.project.project import Project
from runref.sync.tracking_ref import shown_name

if TYPE_CHECKING:
    from runref.store.joining import Joined
    from runref.sync.pulling import Pulled
    from runref.sync.pushing import Pushed

_NAMED = 3


class NoGitRemote(RunrefError):
    """Records are to go through git, and no git remote was named or is there."""

    code = "no-git-remote"
    exit_status = ExitStatus.USAGE


def push_records(
    project: Project, remote: str, *, quiet: bool
) -> tuple[dict[str, Any], ExitStatus]:
    """Send records through git and say what was done; see `runref.sync.pushing.push`.

    Returns:
        What was done, as JSON shows it, and the exit status.
    """
    from runref.sync.pushing import push

    with _shown() as on_progress:
        done = push(project, remote, on_progress=on_progress)
    if not quiet:
        for each in done.received:
            say(f"{printable(shown_name(remote))}: {_came(each)}")
        say(f"{printable(shown_name(remote))}: {_went(done)}")
    for each in done.received:
        _tell_gone(remote, each)
    free_forgotten(project, done.received)
    return _pushed_document(done), ExitStatus.DONE


def pull_records(
    project: Project, remote: str, *, quiet: bool
) -> tuple[dict[str, Any], ExitStatus]:
    """Bring records through git and say what was done; see `runref.sync.pulling.pull`.

    Returns:
        What was done, as JSON shows it, and the exit status.
    """
    from runref.sync.pulling import pull

    with _shown() as on_progress:
        done = pull(project, remote, on_progress=on_progress)
    if not quiet:
        came = _came(done.joined) if done.joined else "no runs there yet"
        say(f"{printable(shown_name(remote))}: {came}")
    if done.joined:
        _tell_gone(remote, done.joined)
        free_forgotten(project, [done.joined])
    if done.missing_there:
        tell(
            f"{printable(shown_name(remote))} went back: it had {_some(done.missing_there)}, and "
            "nobody forgot that; `runref push` sends it again"
        )
    return _pulled_document(done), ExitStatus.NO if done.missing_there else ExitStatus.DONE


def default_remote(project: Project) -> str:
    """Return the git remote that is used where none is named: origin, or the only one.

    Raises:
        NoGitRemote: there is none, or there are several and none is origin.
    """
    names = project.repository.remotes()
    if "origin" in names:
        return "origin"
    if len(names) == 1:
        return names[0]
    known = f"there are {', '.join(names)}" if names else "git has no remote here"
    raise NoGitRemote(
        f"there is no git remote origin: {known}",
        hint="Name a remote, a URL or a path; `git remote add origin URL` adds one.",
    )


@contextmanager
def _shown() -> Iterator[Any]:
    with bar("records") as shown:

        def on_progress(what: str, done: int, total: int) -> None:
            _update(shown, what, done, total)

        yield on_progress


def _update(shown: Bar, what: str, done: int, total: int) -> None:
    shown.label = what
    shown.update(done, total)


def _came(done: Joined) -> str:
    parts = _moved(len(done.runs), done.annotations, "received")
    parts += [f"{count_of(len(done.forgotten), 'run')} forgotten there"] * bool(done.forgotten)
    return "; ".join(parts) or "nothing new there"


def _went(done: Pushed) -> str:
    if not done.tip:
        return "no runs here yet"
    parts = _moved(done.runs, done.annotations, "sent")
    parts += [f"{count_of(done.forgotten, 'run')} forgotten there, too"] * bool(done.forgotten)
    return "; ".join(parts) or "nothing to send, all is there"


def _moved(runs: int, annotations: int, verb: str) -> list[str]:
    counted = {"run": runs, "annotation": annotations}
    shown = [count_of(count, word) for word, count in counted.items() if count]
    return [f"{', '.join(shown)} {verb}"] * bool(shown)


def free_forgotten(project: Project, came: Iterable[Joined]) -> None:
    """Free what came, or was here, and is forgotten."""
    if not any(each.forgotten or each.refused for each in came):
        return
    from runref.upkeep.forgetting import finish

    done = finish(project)
    for place, error in done.problems.items():
        tell_error(place, error)
    size = done.objects.size + sum(each.freed.size for each in done.artifacts.values())
    tell(f"{format_size(size)} freed that only forgotten runs held")


def _tell_gone(remote: str, done: Joined) -> None:
    where = printable(shown_name(remote))
    if done.forgotten:
        tell(f"{where}: forgotten there, and gone here, too: {_some(done.forgotten)}")
    if done.refused:
        tell(f"{where}: forgotten here, and not taken back: {_some(done.refused)}")


def _some(runs: Sequence[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return f"{'run' if len(runs) == 1 else 'runs'} {', '.join(runs[:_NAMED])}{more}"


def _joined_document(done: Joined | None) -> dict[str, Any]:
    return {
        "runs": list(done.runs) if done else [],
        "annotations": done.annotations if done else 0,
        "forgotten": list(done.forgotten) if done else [],
        "refused": list(done.refused) if done else [],
    }


def _pulled_document(done: Pulled) -> dict[str, Any]:
    return {
        "remote": shown_name(done.remote),
        "tip": done.tip,
        "received": _joined_document(done.joined),
        "missing_there": list(done.missing_there),
    }


def _pushed_document(done: Pushed) -> dict[str, Any]:
    return {
        "remote": shown_name(done.remote),
        "tip": done.tip,
        "runs": done.runs,
        "annotations": done.annotations,
        "forgotten": done.forgotten,
        "received": [_joined_document(each) for each in done.received],
        "attempts": done.attempts,
    }
