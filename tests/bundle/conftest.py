"""A repository with recorded runs, made once and copied for each test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runref.cli.main import run

TRAIN = """\
import pathlib
import sys
import runref

scale = int(sys.argv[1])
data = pathlib.Path("data/train.csv").read_text()
with runref.init(experiment="fit", params={"scale": scale}) as this:
    this.log({"loss": 1 / scale}, step=0)
    pathlib.Path("model.bin").write_bytes(b"\\0weights" + data.encode() * scale)
    folder = pathlib.Path("out")
    folder.mkdir(exist_ok=True)
    (folder / "same.txt").write_text("same in all runs")
    (folder / "own.txt").write_text(f"scale {scale}")
"""


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err.splitlines()[-1])["error"]


class Place:
    """A repository, and the command line in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.removesuffix("\n")

    def process(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "runref", *arguments],
            cwd=self.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def runref(self, *arguments: str) -> str:
        with self.process(*arguments) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
        return out.decode()

    def runs(self) -> list[str]:
        listed = self.git("ls-tree", "-r", "-d", "--name-only", "refs/runref/runs", "runs")
        return sorted({part for part in listed.replace("\n", "/").split("/") if "-" in part[8:9]})

    def artifacts(self) -> dict[str, Path]:
        """Return the stored contents by their digits."""
        folder = self.path / ".git/runref/artifacts/sha256"
        return {path.parent.name + path.name: path for path in folder.glob("*/*")}

    def state(self) -> dict[str, bytes]:
        """Return everything in the repository that a refused bundle must leave as it was."""
        git = self.path / ".git"
        passing = {"lock", "sweep-lock", "digests.json"}
        return {
            str(path.relative_to(git)): path.read_bytes()
            for path in git.rglob("*")
            if path.is_file() and path.name not in passing
        }


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("recorded")
    place = Place(base / "repo")
    (place.path / "data").mkdir(parents=True)
    (place.path / "train.py").write_text(TRAIN)
    (place.path / "data/train.csv").write_text("x,y\n1,2\n")
    (place.path / ".gitignore").write_text("model.bin\nout\n__pycache__\n")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "HOME": str(base),
        "XDG_CACHE_HOME": str(base / "cache"),
        **{f"GIT_{who}_NAME": "Ada Tester" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    }

    def do(*command: str) -> None:
        subprocess.run(command, cwd=place.path, env=environment, check=True, capture_output=True)

    do("git", "init", "-q", "-b", "main")
    do("git", "add", "-A")
    do("git", "commit", "-q", "-m", "first")
    for scale in ("1", "2", "3"):
        runref = (sys.executable, "-m", "runref")
        options = ("-i", "data/train.csv", "-o", "model.bin", "-o", "out")
        do(*runref, "run", *options, "--", sys.executable, "train.py", scale)
    do(*runref, "tag", "-a", "paper", "@")
    do(*runref, "bundle", "create", str(base / "all.rrb"), "--with", "inputs,outputs")
    return place.path


@pytest.fixture
def recorded(recorded_once: Path, tmp_path: Path) -> Place:
    """Three runs with an input and two outputs each, and one tag."""
    shutil.copytree(recorded_once, tmp_path / "recorded", symlinks=True)
    return Place(tmp_path / "recorded")


@pytest.fixture
def empty(make_repo: Callable[..., Any]) -> Place:
    """A repository without anything."""
    return Place(make_repo("empty").path)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command in this process, in a repository."""

    def call(place: Place, *argv: str) -> Done:
        monkeypatch.chdir(place.path)
        capfd.readouterr()
        status = run(argv)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return call


@pytest.fixture
def bundle(recorded_once: Path, tmp_path: Path) -> Path:
    """A bundle of all three runs, with everything."""
    return Path(shutil.copy(recorded_once.parent / "all.rrb", tmp_path))
