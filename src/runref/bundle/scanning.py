"""Looking for secrets in what is about to leave the machine, by the rules for snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field

from runref.artifacts import LocalStore
from runref.capture.snapshot.secrets import find_keys
from runref.errors import ExitStatus, RunrefError

SCANNED = 4 << 20
"""Bytes of the largest file that is looked through."""
_START = 8000
"""Bytes at the beginning of a file that say whether it is text, as git decides it."""
_NAMED = 10


class BundleHoldsSecrets(RunrefError):
    """Something that is to go into a bundle looks like a key or a token."""

    code = "bundle-holds-secrets"
    exit_status = ExitStatus.NO


@dataclass(slots=True)
class Scan:
    """What was looked through, and what was found.

    Attributes:
        found: Descriptions, ``path: kind in line 3``.
        scanned: How many files were looked through.
        large: Those that were not, as they have more than `SCANNED` bytes.
        binary: Artifacts that were not, as they are no text.
    """

    found: list[str] = field(default_factory=list)
    scanned: int = 0
    large: list[str] = field(default_factory=list)
    binary: list[str] = field(default_factory=list)

    def record(self, path: str, data: bytes) -> None:
        """Look through a file of a record or snapshot."""
        if len(data) > SCANNED:
            self.large.append(path)
        else:
            self._look(path, data)

    def artifact(self, local: LocalStore, digest: str, path: str) -> None:
        """Look through an artifact, if it is text.

        Args:
            local: Where it is.
            digest: Its digest.
            path: What a record calls it.
        """
        size = local.size_of(digest) or 0
        with local.open(digest) as file:
            start = file.read(_START)
            if b"\0" in start:
                self.binary.append(path)
            elif size > SCANNED:
                self.large.append(path)
            else:
                self._look(path, start + file.read())

    def require_none(self) -> None:
        """Refuse to go on where something was found.

        Raises:
            BundleHoldsSecrets: The message lists the paths.
        """
        if self.found:
            shown = "".join(f"\n  {each}" for each in self.found[:_NAMED])
            more = len(self.found) - _NAMED
            rest = f"\n  and {more} more" if more > 0 else ""
            count = len(self.found)
            places = "one place" if count == 1 else f"{count} places"
            raise BundleHoldsSecrets(
                f"what is to go into the bundle looks secret in {places}:{shown}{rest}",
                hint="leave these runs out; if nothing there is secret, --allow-secrets",
            )

    def _look(self, path: str, data: bytes) -> None:
        self.scanned += 1
        self.found += [f"{path}: {what}" for what in find_keys(data).values()]
