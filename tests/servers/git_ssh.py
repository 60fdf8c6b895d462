"""git over ssh: OpenSSH's server, with a key for each user."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent

from tests.servers.git_hosting import READER, WRITERS, GitHost
from tests.servers.process import program
from tests.servers.sshd import Sshd

STRANGER = "stranger"
"""Somebody whose key the server does not know."""


class GitSsh(GitHost, Sshd):
    """A git server that knows its users by their keys.

    A user is a host in the URL, which is how people with several keys on one forge do it:
    ``ssh://alice/…`` is the server, with the key of alice.
    """

    def __init__(self, folder: Path) -> None:
        Sshd.__init__(self, folder)
        repositories = folder / "repositories"
        repositories.mkdir()
        GitHost.__init__(self, repositories, {"GIT_SSH_COMMAND": f"ssh -F '{self.config}'"})
        keys = {user: self._new_key(user) for user in (*WRITERS, READER)}
        only_fetch = folder / "only-fetch"
        only_fetch.write_text(ONLY_FETCH)
        only_fetch.chmod(0o755)
        with (folder / "authorized_keys").open("a") as known:
            for user, key in keys.items():
                restrictions = f'command="{only_fetch}" ' if user == READER else ""
                known.write(restrictions + key.with_suffix(".pub").read_text())
        with self.config.open("a") as config:
            for user, key in (keys | {STRANGER: self.id_other}).items():
                config.write(self.client_settings(user, key))

    def url(self, name: str, user: str | None = None) -> str:
        return f"ssh://{user or STRANGER}{self.repositories}/{name}.git"

    def _new_key(self, user: str) -> Path:
        key = self.folder / f"key-of-{user}"
        keygen = program("ssh-keygen", "openssh-client of Debian")
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        return key


ONLY_FETCH = dedent(f"""\
    #!/bin/sh
    case "$SSH_ORIGINAL_COMMAND" in
    "git-upload-pack '"*"'") eval "exec $SSH_ORIGINAL_COMMAND" ;;
    esac
    echo "{READER} may only fetch" >&2
    exit 1
    """)
