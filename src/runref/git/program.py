"""The ``git`` program, for what it does and dulwich does not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from runref.errors import RunrefError
from runref.git.files import ask_again_below

_OF_ONE_REPOSITORY = (
    "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH", "GIT_PREFIX",
)  # fmt: skip
"""Variables that would lead git elsewhere."""


def git_path(environ: Mapping[str, str]) -> str | None:
    """Return where the git program of this machine is, or none."""
    return shutil.which("git", path=environ.get("PATH", os.defpath))


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables for git, without those that would lead it to another repository."""
    return {name: value for name, value in environ.items() if name not in _OF_ONE_REPOSITORY}


class GitFailed(RunrefError):
    """A git command failed."""

    code = "git-failed"


class GitProgram:
    """The git program, working on one repository.

    Args:
        path: The program.
        common_dir: The git directory that the repository's worktrees share.
        environ: Environment variables for it.
    """

    def __init__(self, path: str, common_dir: Path, environ: Mapping[str, str]) -> None:
        self._command = [path, f"--git-dir={common_dir}"]
        self._common_dir = str(common_dir)
        self._environ = git_environment(environ)

    @classmethod
    def find(cls, common_dir: Path, environ: Mapping[str, str]) -> GitProgram | None:
        """Return the git program of this machine, or none."""
        path = git_path(environ)
        return cls(path, common_dir, environ) if path else None

    def look_anew(self) -> None:
        """Let git see what another machine has written; see `ask_again_below`."""
        ask_again_below(self._common_dir)

    def lines(
        self, *arguments: str, given: Iterable[str] = (), file: IO[Any] | None = None
    ) -> Iterator[str]:
        """Yield the lines that a git command prints.

        Args:
            arguments: The command.
            given: Lines of its standard input.
            file: Its standard input, where that is a file.

        Raises:
            GitFailed: It failed; raised after its last line.
        """
        import subprocess

        with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+b") as stderr:
            stdin.writelines(f"{line}\n" for line in given)
            stdin.seek(0)
            with subprocess.Popen(
                [*self._command, *arguments],
                stdin=file or stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=self._environ,
                text=True,
                errors="surrogateescape",
            ) as process:
                for line in process.stdout or ():
                    yield line.rstrip("\n")
            if process.returncode:
                stderr.seek(0)
                raise _failed(arguments[0], stderr.read().decode("utf-8", "replace"))

    def run(self, *arguments: str, given: Iterable[str] = ()) -> list[str]:
        """Return the lines that a git command prints; otherwise as `lines`."""
        return list(self.lines(*arguments, given=given))


def _failed(command: str, said: str) -> GitFailed:
    lines = said.strip().splitlines()
    return GitFailed(
        f"`git {command}` failed: {lines[-1] if lines else 'it gave no reason'}",
        hint="`git fsck` tells more about a damaged repository.",
    )
