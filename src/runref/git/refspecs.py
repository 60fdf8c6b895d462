# Text paths, as in refs.py.
# ruff: noqa: PTH104, PTH108, PTH116, PTH123
"""Teaching plain ``git fetch`` and ``git push`` about a ref, in the configuration of one clone."""

from __future__ import annotations

import os
from contextlib import suppress

from runref.errors import RunrefError
from runref.git.files import write_fully, writing
from runref.git.repository import Repository


class ConfigLocked(RunrefError):
    """Another program is changing git's configuration."""

    code = "git-config-locked"


def add_refspecs(repository: Repository, remote: str, ref: str, tracking: str) -> list[str]:
    """Let a remote carry a ref, and say which lines its configuration did not have.

    A remote that has any ``push`` setting pushes nothing else by itself, so that where there was
    none the current branch is named, too: ``git push`` without arguments then pushes both.

    Args:
        repository: The clone.
        remote: Name of the remote.
        ref: Full name of the ref, here and there.
        tracking: Full name of its remote-tracking ref.

    Raises:
        ConfigLocked: git itself, or another program, is changing the configuration.
        CannotWrite: it cannot be written.
    """
    section = f"remote.{remote}"
    fetch, push = f"+{ref}:{tracking}", f"{ref}:{ref}"
    pushes = repository.config_values(section, "push")
    lines = [] if fetch in repository.config_values(section, "fetch") else [f"fetch = {fetch}"]
    if push not in pushes:
        lines += [f"push = {push}"] if pushes else ["push = HEAD", f"push = {push}"]
    if lines:
        quoted = remote.replace("\\", "\\\\").replace('"', '\\"')
        text = "".join(f"\t{line}\n" for line in lines)
        _append(f"{repository.common_dir}/config", f'[remote "{quoted}"]\n{text}')
    return lines


def _append(path: str, text: str) -> None:
    """Add a section to a file of git's configuration, under git's own lock."""
    lock = f"{path}.lock"
    with writing(path):
        try:
            descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError as problem:
            raise ConfigLocked(
                f"another program is changing {path}",
                hint=f"If no git is running, remove {lock}.",
            ) from problem
        try:
            with open(path, "rb") as file:
                before = file.read()
            ending = b"" if not before or before.endswith(b"\n") else b"\n"
            write_fully(descriptor, before + ending + text.encode("utf-8", "surrogateescape"))
            os.fchmod(descriptor, os.stat(path).st_mode & 0o777)
            os.fsync(descriptor)
            os.rename(lock, path)
        finally:
            os.close(descriptor)
            with suppress(FileNotFoundError):
                os.unlink(lock)
