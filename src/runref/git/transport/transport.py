"""What every way of talking to another repository offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runref.errors import ExitStatus, RunrefError

OnProgress = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much."""


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


class GitUnreachable(RunrefError):
    """Another repository cannot be reached, or does not let us in."""

    code = "git-unreachable"


class PushRefused(RunrefError):
    """Another repository was reached and refused to move its ref."""

    code = "push-refused"
    exit_status = ExitStatus.NO


class RefMoved(RunrefError):
    """The ref of the other repository is not what it was taken for."""

    code = "git-ref-moved"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Another repository.

    Attributes:
        name: As the user named it: a remote of git's configuration, a URL or a path.
        url: Where it is, for messages; without credentials.
    """

    name: str
    url: str


class Transport(Protocol):
    """One other repository, reached in one way.

    Both methods work in a borrowing git directory (`runref.git.borrowing`).
    """

    def fetch(self, folder: Path, ref: str, *, on_progress: OnProgress = no_progress) -> str:
        """Bring the objects of a ref that are not here into a borrowing git directory.

        Returns:
            What the ref names there; empty where there is no such ref.

        Raises:
            GitUnreachable: it could not be reached, or what it sent is no good.
        """

    def push(
        self, folder: Path, ref: str, *, old: str, new: str, on_progress: OnProgress = no_progress
    ) -> None:
        """Move a ref from `old` to `new`, and send the objects that it needs.

        Args:
            folder: A borrowing git directory.
            ref: Its full name.
            old: What it must be there now; empty: it must not exist.
            new: A commit that is here.
            on_progress: Is told how far it is.

        Raises:
            RefMoved: it is something else there.
            PushRefused: the other side does not want it.
            GitUnreachable: it could not be reached.
        """


@dataclass(frozen=True, slots=True)
class Refusal:
    """A kind of refusal that servers have, and what can be done about it."""

    sign: str
    hint: str


REFUSALS = (
    Refusal(
        "non-fast-forward",
        "The server takes no rewritten history: allow it for refs/runref/runs, push, and forbid it "
        "again (receive.denyNonFastForwards, or the forge's protection rules).",
    ),
    Refusal("protected", "Allow pushes to refs/runref/* in the forge's protection rules."),
    Refusal(
        "hidden",
        "The server hides this ref (receive.hideRefs); `store: {repository: …}` in .runref.yaml "
        "names another repository for the records.",
    ),
    Refusal(
        "exceeds maximum",
        "The server limits the size of a push; its owner can raise receive.maxInputSize.",
    ),
    Refusal(
        "hook",
        "What the server says stands above; if it takes no refs/runref/*, `store: {repository: …}` "
        "in .runref.yaml names another repository for the records.",
    ),
)


_MOVED = (
    "stale info",
    "fetch first",
    "cannot lock ref",
    "failed to update ref",
    "reference already exists",
    "incorrect old value",
    "remote ref updated",
)
"""What servers say when another push was faster; some of it, they say of a full disk, too."""


def has_moved(reason: str) -> bool:
    """Tell whether the reason for a refusal is, or may be, that the ref has moved meanwhile."""
    return any(sign in reason for sign in _MOVED)


def moved(ref: str, url: str, told: str) -> RefMoved:
    """Return the error for a ref that has moved."""
    return RefMoved(f"{ref} at {url} has moved: {told}", hint="Pull, and push again.")


def hint_for(refusal: str) -> str:
    """Return what can be done about a refusal."""
    known = (each.hint for each in REFUSALS if each.sign in refusal)
    return next(known, "Nothing was lost: the runs are here, and a later push sends them.")
