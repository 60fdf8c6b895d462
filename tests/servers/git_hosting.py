"""Bare repositories that git servers serve, and the ways in which those refuse a push."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from textwrap import dedent

from tests.servers.faults import Call, Fault, Rule
from tests.servers.process import program

WRITERS = ("alice", "bob")
"""Users who may push and fetch."""

READER = "carol"
"""A user who may only fetch."""

ONLY_FAST_FORWARD = dedent("""\
    test "$2" = "$(git hash-object --stdin </dev/null | tr 0-9a-f 0)" ||
        git merge-base --is-ancestor "$2" "$3" || { echo "$1 may not be rewound" >&2; exit 1; }
    """)


class GitHost:
    """A place where clients reach bare repositories, as `WRITERS` and `READER`.

    Attributes:
        repositories: The folder of the repositories.
        client_environment: Variables that a client needs, whoever its user is.
    """

    def __init__(self, repositories: Path, environment: Mapping[str, str]) -> None:
        self.repositories = repositories
        self.client_environment = environment

    def url(self, name: str, user: str | None = None) -> str:
        """Return the URL of a repository for a user; for none, of somebody who is not let in."""
        raise NotImplementedError

    def create(self, name: str) -> Path:
        """Make an empty bare repository that may be pushed to, and return its path."""
        git = program("git", "git of Debian")
        path = self.repositories / f"{name}.git"
        subprocess.run(
            [git, "init", "--quiet", "--bare", "--initial-branch=main", path], check=True
        )
        configure(path, "http.receivepack", "true")
        configure(path, "uploadpack.allowFilter", "true")
        configure(path, "receive.autogc", "false")  # It would outlive the push.
        return path


def configure(repository: Path, key: str, value: str) -> None:
    """Set one git setting of a repository."""
    subprocess.run(["git", "-C", repository, "config", key, value], check=True)


def refuse_pushes(repository: Path, text: str) -> None:
    """Have every push refused by a hook, which prints `text`."""
    _add_hook(repository, "pre-receive", f"cat >&2 <<'end'\n{text}\nend\nexit 1\n")


def refuse_rewinding(repository: Path) -> None:
    """Have pushes refused that are no fast-forward, even forced ones.

    git's own setting is about branches only; a hook does the same for all other refs.
    """
    configure(repository, "receive.denyNonFastForwards", "true")
    _add_hook(repository, "update", ONLY_FAST_FORWARD)


def limit_pushes(repository: Path, size: int) -> None:
    """Have packs of more than `size` bytes refused."""
    configure(repository, "receive.maxInputSize", str(size))


def _add_hook(repository: Path, name: str, script: str) -> None:
    hook = repository / "hooks" / name
    hook.write_text(f"#!/bin/sh\n{script}", "utf-8")
    hook.chmod(0o755)


def during_push(fault: Fault) -> Rule:
    """Return the rule of a proxy that does something to each push, and to nothing else."""
    return partial(_during, "git-receive-pack", fault)


def during_fetch(fault: Fault) -> Rule:
    """Return the rule of a proxy that does something to each fetch, and to nothing else."""
    return partial(_during, "git-upload-pack", fault)


def _during(service: str, fault: Fault, call: Call) -> Fault | None:
    """Leave alone the listing of refs, and the empty request by which git tries its password."""
    is_transfer = call.method == "POST" and call.path.endswith(f"/{service}")
    return fault if is_transfer and call.headers.get("content-length") != "4" else None
