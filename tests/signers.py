"""Real keys to sign with, and settings of git that name them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.servers.process import program


@dataclass(frozen=True)
class SshKey:
    """A key of ssh: the private file; the public one lies beside it."""

    path: Path

    @property
    def public(self) -> str:
        """The kind and the key, without the comment."""
        return " ".join(self.path.with_suffix(".pub").read_text().split()[:2])

    @property
    def fingerprint(self) -> str:
        done = subprocess.run(
            ["ssh-keygen", "-lf", self.path], capture_output=True, text=True, check=True
        )
        return done.stdout.split()[1]


class SshKeys:
    """Makes keys, and files of allowed signers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str = "key", *, passphrase: str = "") -> SshKey:
        path = self.folder / name
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", path],
            check=True,
        )
        return SshKey(path)

    def allow(self, key: SshKey, who: str = "ada@example.org", options: str = "") -> Path:
        """Write a file of allowed signers with one line."""
        file = self.folder / "allowed"
        file.write_text(f"{who} {options} {key.public}\n")
        return file

    def set_up(self, repo: Any) -> SshKey:
        """Let git sign in `repo` with a new key, which is allowed; commits are not signed yet."""
        key = self.make()
        for name, value in {
            "gpg.format": "ssh",
            "user.signingKey": str(key.path),
            "gpg.ssh.allowedSignersFile": str(self.allow(key)),
        }.items():
            repo.git("config", name, value)
        return key


@pytest.fixture
def ssh_keys(tmp_path: Path) -> SshKeys:
    program("ssh-keygen", "openssh-client")
    folder = tmp_path / "keys"
    folder.mkdir()
    return SshKeys(folder)


class GpgHome:
    """A folder of gpg with keys; its agent ends with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def gpg(self, *arguments: str, text: str = "") -> str:
        done = subprocess.run(
            ["gpg", "--batch", "--quiet", *arguments],
            input=text,
            env={**os.environ, "GNUPGHOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(self, who: str, *options: str, passphrase: str = "", expires: str = "never") -> str:
        """Make a key and return its fingerprint."""
        self.gpg(
            *options, "--pinentry-mode=loopback", f"--passphrase={passphrase}",
            "--quick-gen-key", who, "ed25519", "sign", expires,
        )  # fmt: skip
        return self.fingerprint(who)

    def fingerprint(self, who: str) -> str:
        listed = self.gpg("--with-colons", "--list-keys", who).splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr:"))


@pytest.fixture
def make_gpg_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], GpgHome]]:
    """Make homes of gpg; the newest is that of the test's own processes.

    They are not in the test's folder, whose path is too long for the socket of an agent.
    """
    program("gpg", "gnupg")
    made: list[Path] = []

    def make() -> GpgHome:
        folder = Path(tempfile.mkdtemp(prefix="gpg"))
        made.append(folder)
        monkeypatch.setenv("GNUPGHOME", str(folder))
        return GpgHome(folder)

    yield make
    for folder in made:
        environ = {**os.environ, "GNUPGHOME": str(folder)}
        subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def gpg(make_gpg_home: Callable[[], GpgHome]) -> GpgHome:
    return make_gpg_home()
