"""Clones with runs, servers between them, and the two ways to talk to these."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.servers.git_hosting import WRITERS, GitHost
from tests.servers.nfs import NfsServer
from tests.servers.node import Node
from tests.sync.clones import Clone, Done

from runref.cli.main import run

MakeClone = Callable[..., Clone]
Cli = Callable[..., Done]
MakeNode = Callable[[str, str], Node]

ROOT = Path(__file__).resolve().parents[2]


class Folders(GitHost):
    """Repositories in a folder of this machine."""

    def __init__(self, repositories: Path) -> None:
        repositories.mkdir()
        super().__init__(repositories, {})

    def url(self, name: str, user: str | None = None) -> str:
        scheme = "file://" if user == WRITERS[0] else ""
        return f"{scheme}{self.repositories}/{name}.git"


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "served")


@pytest.fixture(autouse=True)
def no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to answer."""
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.delenv("SSH_ASKPASS", raising=False)


@pytest.fixture(params=["folders", "git_http", "git_https", "git_ssh"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> GitHost:
    """Each kind of server by turns."""
    host: GitHost = request.getfixturevalue(request.param)
    for name, value in host.client_environment.items():
        monkeypatch.setenv(name, value)
    return host


@pytest.fixture
def bare(host: GitHost, tmp_path: Path) -> Path:
    """An empty repository of the server."""
    return host.create(tmp_path.name)


@pytest.fixture
def without_git(tmp_path: Path) -> str:
    """A ``PATH`` on which there is ssh, and no git."""
    folder = tmp_path / "only-ssh"
    folder.mkdir()
    ssh = shutil.which("ssh")
    if ssh:
        (folder / "ssh").symlink_to(ssh)
    return str(folder)


@pytest.fixture(params=["git", "dulwich"])
def by(request: pytest.FixtureRequest, without_git: str) -> dict[str, str]:
    """Variables with which runref talks through the git binary, or without one."""
    return {} if request.param == "git" else {"PATH": without_git}


@pytest.fixture
def make_clone(tmp_path: Path) -> MakeClone:
    """Make a repository with a commit, and the git remote origin if there is a URL."""

    def make(name: str = "clone", url: str = "", *init_arguments: str) -> Clone:
        path = tmp_path / name
        path.mkdir()
        clone = Clone(path)
        clone.git("init", "-q", "-b", "main", *init_arguments)
        clone.write("train.py", "print('training')\n")
        clone.commit("first")
        if url:
            clone.git("remote", "add", "origin", url)
        return clone

    return make


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in a clone: `cli(clone, "push")`.

    It runs in this process, or in one of its own where dulwich is to be used: that leaves pipes
    open when the other side hangs up.
    """

    def call(clone: Clone, *argv: str, **environ: str) -> Done:
        if environ:
            return clone.runref(*argv, **environ)
        monkeypatch.chdir(clone.path)
        capfd.readouterr()
        status = run(argv)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return call


@pytest.fixture
def homes() -> Path:
    """The home folder of the test."""
    return Path(os.environ["HOME"])


@pytest.fixture
def node(tmp_path: Path, nfs: NfsServer) -> Iterator[MakeNode]:
    """Make nodes, which end with the test: `node("a", script)`."""
    environment: Mapping[str, str] = {
        "PYTHONPATH": str(ROOT / "src"),
        "PATH": os.environ["PATH"],
        **{name: value for name, value in os.environ.items() if name.startswith("GIT_")},
    }
    with ExitStack() as nodes:

        def make(name: str, script: str) -> Node:
            path = tmp_path / f"{name}.sh"
            path.write_text(script)
            made = Node(name, tmp_path / name, nfs, ["bash", str(path)], environment)
            nodes.callback(made.close)
            return made

        yield make
