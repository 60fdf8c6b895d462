"""What a remote can do, whatever it is made of: the contract that `runref.testing` checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runref.artifacts.reading import OnBytes, ignore
from runref.errors import RunrefError

Sink = Callable[[bytes], None]
"""Given the bytes of a content in their order."""


class RemoteUnreachable(RunrefError):
    """A remote does not answer, or answers that it cannot serve now; asking again may help."""

    code = "remote-unreachable"


class RemoteInterrupted(RemoteUnreachable):
    """A remote broke off in the middle of a content."""

    code = "remote-interrupted"


class RemoteRefused(RunrefError):
    """A remote does not accept the credentials, or they do not allow what was asked."""

    code = "remote-refused"


class RemoteAbsent(RunrefError):
    """The bucket, host or folder that a remote's URL names does not exist."""

    code = "remote-absent"


class RemoteFull(RunrefError):
    """A remote has no room."""

    code = "remote-full"


class RemoteUnusable(RunrefError):
    """A remote answers what none should: its URL, its options or its server are wrong."""

    code = "remote-unusable"


@dataclass(frozen=True, slots=True)
class Stored:
    """A content that a store holds.

    Attributes:
        digest: ``sha256:<hex>``.
        size: Bytes.
        modified: When it was stored, in seconds since the epoch by the store's own clock; none
            where the store does not say.
    """

    digest: str
    size: int
    modified: float | None


@dataclass(frozen=True, slots=True)
class Note:
    """A small file that a remote holds beside its contents.

    Attributes:
        name: Path below the remote's URL, with ``/``.
        size: Bytes.
        modified: When it was written, in seconds since the epoch by the remote's own clock.
    """

    name: str
    size: int
    modified: float | None


class RemoteStore(Protocol):
    """Content by digest in a place that may be far away; safe for many threads and machines.

    Every method may raise `RemoteUnreachable`, `RemoteRefused`, `RemoteAbsent`, `RemoteFull` and
    `RemoteUnusable`.
    """

    @property
    def name(self) -> str:
        """What messages call the remote; without credentials."""

    def present(self, digests: Collection[str]) -> dict[str, int]:
        """Return the sizes in bytes of those digests that are there, asked for in bulk."""

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        """Hand the bytes of a content to `sink`, in their order. They are not verified.

        Args:
            digest: What to read.
            sink: Given chunks of at most a few MiB.
            start: First byte.
            size: Size of the whole content where it is known, which saves asking.

        Raises:
            ArtifactMissing: It is not there.
            RemoteInterrupted: It ended too early; what `sink` was given is right as far as it goes.
        """

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        """Store the content of a local file; it appears complete and verified, or not at all.

        What is there already with the same size stays as it is.

        Args:
            digest: What the file's content must hash to.
            path: A local file, which is only read.
            on_bytes: Told the number of bytes dealt with since its last call.

        Raises:
            ArtifactDamaged: The file's content has another digest; nothing became visible.
            ArtifactMissing: There is no such file.
        """

    def contents(self) -> Iterator[Stored]:
        """Yield every content that is there, in any order."""

    def delete(self, digests: Iterable[str]) -> None:
        """Remove contents; those that are not there are no error."""

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:
        """Return number and bytes of uploads that were begun, and not gone on with for long.

        Args:
            before: Since when, in seconds since the epoch by the remote's own clock.
            remove: Remove them, too.
        """

    def read_note(self, name: str) -> bytes | None:
        """Return a small file kept beside the contents; none where there is no such file."""

    def write_note(self, name: str, data: bytes) -> None:
        """Write a small file beside the contents, at once whole."""

    def notes(self, folder: str) -> list[Note]:
        """Return the small files below a folder; none where there is no such folder."""

    def delete_note(self, name: str) -> None:
        """Remove a small file; one that is not there is no error."""
