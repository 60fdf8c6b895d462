"""Runs that are recorded and run again by the real command line, in this process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runref.cli.main import run


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture(autouse=True)
def own_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`python` is the interpreter of the tests, and checkouts go where the test can count them."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    checkouts = tmp_path / "checkouts"
    checkouts.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(checkouts))


@pytest.fixture
def cli(repo: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    def call(*argv: str, cwd: Path | None = None) -> Done:
        monkeypatch.chdir(cwd or repo.path)
        capfd.readouterr()
        status = run(argv)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return call


@pytest.fixture
def checkouts(tmp_path: Path) -> Callable[[], list[str]]:
    """What is left of checkouts."""
    return lambda: sorted(path.name for path in (tmp_path / "checkouts").iterdir())
