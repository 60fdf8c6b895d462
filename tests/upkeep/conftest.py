"""A repository with a training script, and runs of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.upkeep.history import TRAIN, History

from runref.cli.main import run


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the repository with one run is kept that tests take copies of."""
    return tmp_path_factory.mktemp("recorded") / "repo"


@pytest.fixture
def history(repo: Any, recorded: Path) -> History:
    """A repository with a training script and one run of it."""
    if not recorded.exists():
        repo.write("train.py", TRAIN)
        repo.write(".gitignore", "*.bin\nmade/\n__pycache__/\n")
        repo.commit("a training")
        History(repo.path).record()
        shutil.copytree(repo.path, recorded, symlinks=True)
    shutil.rmtree(repo.path)
    shutil.copytree(recorded, repo.path, symlinks=True)
    return History(repo.path)


@pytest.fixture
def run_id(history: History) -> str:
    (run,) = history.runs.runs()
    return run.id


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(
    history: History, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run a command in this process, in the repository."""

    def call(*argv: str, cwd: Path | None = None) -> Done:
        monkeypatch.chdir(cwd or history.path)
        capfd.readouterr()
        status = run(argv)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return call
