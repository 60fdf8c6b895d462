"""What an artifact is: content under its SHA-256, spelled ``sha256:<64 hex digits>``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from runref.errors import ExitStatus, RunrefError

Kind = Literal["file", "directory"]

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class DigestInvalid(RunrefError):
    """A text that should be a digest is none."""

    code = "digest-invalid"


class ArtifactMissing(RunrefError):
    """The store does not hold the content of a digest."""

    code = "artifact-missing"


class ArtifactDamaged(RunrefError):
    """The content that is stored under a digest is other content."""

    code = "artifact-damaged"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class Artifact:
    """The content behind an input or output.

    Attributes:
        kind: ``file`` or ``directory``.
        digest: ``sha256:<hex>`` of the file's bytes, or of the directory's manifest.
        size: Bytes, of all files together.
        files: How many files; 1 for a file.
        left_out: What of a directory is not part of the artifact, as ``path: what it is``: sockets,
            pipes and devices have no content to keep, and what git refuses the name of could not
            be brought back.
    """

    kind: Kind
    digest: str
    size: int
    files: int = 1
    left_out: tuple[str, ...] = ()


def digest_hex(digest: str) -> str:
    """Return the 64 hex digits of a digest.

    Raises:
        DigestInvalid: The text is not ``sha256:`` and 64 lower-case hex digits. As store paths are
            made from digests of records that others wrote, nothing else gets through.
    """
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise DigestInvalid(
            f"{digest!r} is not a digest",
            hint="a digest is sha256: and 64 lower-case hex digits, as `runref show` prints it",
        )
    return match[1]
