"""Talking to other repositories through the git binary, with all that it brings.

Credential helpers, ssh agents and settings, proxies, certificates and remote helpers are those that
the user's git has. Git runs in a borrowing directory, so that nothing of the user's is written.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runref.git.program import git_environment
from runref.git.refs import read_loose
from runref.git.transport.transport import (
    Endpoint,
    GitUnreachable,
    OnProgress,
    PushRefused,
    has_moved,
    hint_for,
    moved,
    no_progress,
)
from runref.model.credentials import without_credentials

_ARRIVED = "refs/arrived"
_PROGRESS = re.compile(r"^(?:remote: )?([A-Z][a-z]+ [a-z ]+): +[0-9]+% \(([0-9]+)/([0-9]+)\)")
_LINES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class GitBinary:
    """Another repository, reached through the git binary; see `Transport`.

    Attributes:
        program: Path of the binary.
        endpoint: The other repository.
        directory: Where relative paths begin.
        environ: Environment variables for git.
    """

    program: str
    endpoint: Endpoint
    directory: Path
    environ: Mapping[str, str]

    def fetch(self, folder: Path, ref: str, *, on_progress: OnProgress = no_progress) -> str:
        """See `Transport.fetch`."""
        # A pattern may match nothing; a ref by its name must be there.
        refspec = f"+{ref}*:{_ARRIVED}/{ref}*"
        said = self._git(
            folder,
            [
                "fetch",
                "--progress",
                "--no-tags",
                "--no-filter",
                "--no-write-fetch-head",
                "--end-of-options",
            ],
            [self.endpoint.name, refspec],
            on_progress,
        )
        if said.status:
            raise self._unreachable(said.errors)
        return (read_loose(str(folder / _ARRIVED / ref)) or b"").decode("ascii")

    def push(
        self, folder: Path, ref: str, *, old: str, new: str, on_progress: OnProgress = no_progress
    ) -> None:
        """See `Transport.push`."""
        said = self._git(
            folder,
            [
                "push",
                "--progress",
                "--porcelain",
                "--no-verify",
                f"--force-with-lease={ref}:{old}",
                "--end-of-options",
            ],
            [self.endpoint.name, f"{new}:{ref}"],
            on_progress,
        )
        if not said.status:
            return
        refused = next((line for line in said.output if line.startswith("!\t")), None)
        if refused is None and _may_not_write("\n".join(said.errors)):
            raise PushRefused(
                f"{self.endpoint.url}: {self._shown(said.errors)}",
                hint="With these credentials one may read there, and not write: ask its owner.",
            )
        if refused is None:
            raise self._unreachable(said.errors)
        reason = refused.split("\t")[-1]
        told = "\n".join([reason, *(line for line in said.errors if line.startswith("remote:"))])
        if has_moved(reason):
            raise moved(ref, self.endpoint.url, told)
        raise PushRefused(f"{self.endpoint.url} refuses {ref}: {told}", hint=hint_for(told.lower()))

    def _git(
        self, folder: Path, options: Sequence[str], words: Sequence[str], on_progress: OnProgress
    ) -> _Said:
        command = [self.program, f"--git-dir={folder}", *options, *words]
        with subprocess.Popen(
            command,
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stderr  # noqa: S101 - a pipe
            assert process.stdout  # noqa: S101 - a pipe
            try:
                errors = tuple(_told(process.stderr, on_progress))
                output = process.stdout.read().decode("utf-8", "replace").splitlines()
                return _Said(process.wait(), tuple(output), errors)
            finally:
                if process.poll() is None:
                    process.terminate()

    def _environment(self) -> dict[str, str]:
        return {**git_environment(self.environ), "LC_ALL": "C", "LANGUAGE": ""}

    def _shown(self, errors: Sequence[str]) -> str:
        return without_credentials("\n".join(errors[-_LINES_SHOWN:])) or "git said nothing"

    def _unreachable(self, errors: Sequence[str]) -> GitUnreachable:
        told = self._shown(errors)
        return GitUnreachable(
            f"{self.endpoint.url}: {told}",
            hint=f"Without runref: `git ls-remote {without_credentials(self.endpoint.name)}`.",
        )


def _may_not_write(told: str) -> bool:
    """Tell whether a server let somebody in and does not let them push, in the words of forges."""
    return re.search(r"returned error: 403|permission to \S+ denied", told, re.I) is not None


@dataclass(frozen=True, slots=True)
class _Said:
    status: int
    output: tuple[str, ...]
    errors: tuple[str, ...]


def _told(stream: IO[bytes], on_progress: OnProgress) -> Iterator[str]:
    """Yield what git says that is no progress."""
    for line in _lines(stream):
        counted = _PROGRESS.match(line)
        if counted:
            on_progress(counted[1].lower(), int(counted[2]), int(counted[3]))
        elif line and not line.startswith(("From ", "To ", " * ", "   ", "remote: Enumerating")):
            yield line


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of a stream; progress ends in a carriage return."""
    rest = b""
    while chunk := os.read(stream.fileno(), 1 << 16):
        *whole, rest = re.split(rb"[\r\n]", rest + chunk)
        yield from (line.decode("utf-8", "replace").rstrip() for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace").rstrip()
