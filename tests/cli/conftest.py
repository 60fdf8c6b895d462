"""The command line as a user has it: in this process for speed, or as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runref.cli.main import run

TRAIN = """\
import argparse
import runref
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.5)
lr = parser.parse_args().lr
with runref.init(params={"depth": 3}) as this:
    for step in range(5):
        this.log({"loss": 1 / (1 + lr * step), "val/acc": 1 - 1 / (2 + lr * step)}, step=step)
    print("trained with", lr)
    open("model.bin", "w").write(f"weights {lr}")
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


Cli = Callable[..., Done]


@pytest.fixture(autouse=True)
def own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python` is the interpreter of the tests."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def cli(repo: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process, in the repository or elsewhere."""

    def call(*argv: str, cwd: Path | None = None) -> Done:
        monkeypatch.chdir(cwd or repo.path)
        capfd.readouterr()
        status = run(argv)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    return call


@pytest.fixture
def process(repo: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as a process of its own."""

    def call(*argv: str, cwd: Path | None = None, **environ: str) -> Any:
        return subprocess.run(
            [sys.executable, "-m", "runref", *argv],
            cwd=cwd or repo.path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            timeout=120,
        )

    return call


@pytest.fixture
def training(repo: Any) -> Any:
    """The repository with a training script that writes an output."""
    repo.write("train.py", TRAIN)
    repo.write(".gitignore", "*.bin\n__pycache__/\n")
    repo.commit("a training")
    return repo


@pytest.fixture
def validate() -> Callable[[str, Any], None]:
    """Check a document against the definition of a command in the schema of the command line."""
    from jsonschema import Draft202012Validator

    from runref.model.schema import load_schema

    schema = load_schema("cli")
    Draft202012Validator.check_schema(schema)

    def check(command: str, document: Any) -> None:
        chosen = {**schema, "$ref": f"#/$defs/{command}"}
        errors = [
            f"{error.json_path}: {error.message[:200]}"
            for error in Draft202012Validator(chosen).iter_errors(document)
        ]
        assert not errors

    return check
