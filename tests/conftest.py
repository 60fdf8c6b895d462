"""Every test runs with a home, a git configuration and a cache of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures", "tests.signers"]

# How long an example takes depends on the machine and its load, and is no property of the code.
settings.register_profile("runref", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("runref")

AUTHOR = {
    "GIT_AUTHOR_NAME": "Ada Tester",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada Tester",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class GitRepo:
    """A real git repository in a temporary folder, driven by the real git."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, input: bytes | None = None) -> str:  # noqa: A002
        """Run git in the repository and return what it prints, without the final newline."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, input=input, capture_output=True, check=False
        )
        if done.returncode:
            raise AssertionError(f"git {arguments}: {os.fsdecode(done.stderr)}")
        return os.fsdecode(done.stdout).removesuffix("\n")

    def write(self, path: str | bytes, content: str | bytes) -> Path:
        """Write one file of the working tree, creating its folders."""
        target = self.path / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def commit(self, message: str = "change") -> str:
        """Commit everything and return the commit's hash."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def fsck(self) -> None:
        """Fail unless git finds nothing to complain about."""
        self.git("fsck", "--strict", "--no-dangling")


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("GIT_", "RUNREF_", "SLURM_", "OMPI_")):
            monkeypatch.delenv(name)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        **AUTHOR,
    }.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def open_tmp_path(tmp_path: Path) -> Path:
    """The test's folder, into which every user of the machine may look.

    pytest keeps all others out of its folders. They stay open afterwards, since a test beside this
    one may need them.
    """
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o055 == 0o055:
            break
        folder.chmod(0o755)
    return tmp_path


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[..., GitRepo]:
    def make(name: str = "repo", *init_arguments: str) -> GitRepo:
        path = tmp_path / name
        path.mkdir(parents=True)
        repo = GitRepo(path)
        repo.git("init", "-q", "-b", "main", *init_arguments)
        return repo

    return make


@pytest.fixture
def repo(make_repo: Callable[..., GitRepo]) -> GitRepo:
    """A repository with one commit of two files."""
    repo = make_repo()
    repo.write("train.py", "print('training')\n")
    repo.write("pkg/model.py", "DEPTH = 3\n")
    repo.commit("first")
    return repo
