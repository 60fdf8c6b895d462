"""Signing the commits of the runs ref, where the user's git is set to sign commits."""

from __future__ import annotations

from collections.abc import Callable

from runref.errors import RunrefError
from runref.git.repository import Repository


class CommitSigning:
    """Signs commits without ever failing: a run is recorded, signed or not.

    Args:
        repository: Whose settings count.
        tell: Shows a message to the user: why commits were not signed, once for each reason.
    """

    def __init__(self, repository: Repository, tell: Callable[[str], None]) -> None:
        self._repository = repository
        self._tell = tell
        self._told: set[str] = set()
        self._given_up = False

    def begin(self) -> None:
        """Begin with a chain of commits: try again what failed before."""
        self._given_up = False

    def signed(self, body: bytes) -> bytes:
        """Return a commit's body with a signature; as it is where it is not to be signed.

        After a failure the other commits of the chain stay as they are: each try may cost seconds.
        """
        if self._given_up:
            return body
        try:
            return self._signed(body)
        except (RunrefError, OSError) as error:
            self._given_up = True
            self._say(error.message if isinstance(error, RunrefError) else str(error))
            return body

    def _signed(self, body: bytes) -> bytes:
        if not self._repository.signs_commits():
            return body
        from runref.git.signing.commits import NAMESPACE, with_signature
        from runref.git.signing.signatures import sign

        signature = sign(self._repository.signing(), body, NAMESPACE, may_ask=False)
        return with_signature(body, signature, self._repository.object_format)

    def _say(self, why: str) -> None:
        if why not in self._told:
            self._told.add(why)
            self._tell(f"commits of the runs ref are not signed, runs are recorded: {why}")
