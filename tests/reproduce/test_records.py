"""Records that cannot be reproduced, that differ from here and now, or that mean harm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

PROGRAM = "import runref; runref.init().log({'x': 1}); print('ran')"


@pytest.fixture
def recorded(repo: Any, cli: Any) -> Any:
    repo.write("train.py", PROGRAM)
    cli("run", "-i", "train.py", "--", "python", "train.py")
    return repo


def edit(repo: Any, change: Callable[[str], str], name: str = "run.yaml") -> None:
    """Change a file of the newest run in a commit of its own, as only someone else's tool would."""
    git_env = {**os.environ, "GIT_INDEX_FILE": str(repo.path / ".git/edit")}

    def git(*words: str, data: bytes | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=repo.path, env=git_env, input=data, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    git("read-tree", "refs/runref/runs")
    (path,) = [each for each in git("ls-files").splitlines() if each.endswith(f"/{name}")]
    before = git("cat-file", "blob", f"refs/runref/runs:{path}") + "\n"
    after = change(before)
    assert after != before
    blob = git("hash-object", "-w", "--stdin", data=after.encode())
    git("update-index", "--cacheinfo", f"100644,{blob},{path}")
    commit = git("commit-tree", "-p", "refs/runref/runs", "-m", "edit", git("write-tree"))
    git("update-ref", "refs/runref/runs", commit)


def problems(cli: Any) -> list[str]:
    done = cli("reproduce", "--json", "@")
    assert done.status == 3
    assert done.json["verdict"] == "not-runnable"
    assert "ran" not in done.err
    return list(done.json["problems"])


def test_a_snapshot_that_is_not_what_the_record_says(
    recorded: Any, cli: Any, checkouts: Any
) -> None:
    edit(recorded, lambda text: text.replace("manifest: sha256:", "manifest: sha256:00", 1))
    done = cli("reproduce", "--json", "@")
    assert done.status == 1
    assert '"snapshot-damaged"' in done.err
    assert "ran" not in done.err
    assert checkouts() == []


def test_a_snapshot_that_is_not_here(recorded: Any, cli: Any) -> None:
    tree = cli("show", "--json", "@").json["code"]["tree"]
    edit(recorded, lambda text: text.replace(tree, "a1" * (len(tree) // 2)))
    assert problems(cli) == ["the snapshot a1a1a1a is not in this repository"]


@pytest.mark.parametrize("path", ["../victim", "a/../../victim"])
def test_an_input_path_that_leads_out(recorded: Any, cli: Any, tmp_path: Path, path: str) -> None:
    edit(recorded, lambda text: text.replace("path: train.py", f"path: {path}"))
    assert problems(cli) == [f"input {path} leads out of the working tree"]


@pytest.mark.parametrize("directory", ["/tmp", "../elsewhere"])
def test_a_working_directory_outside(recorded: Any, cli: Any, directory: str) -> None:
    edit(recorded, lambda text: text.replace("command:\n", f"command:\n  directory: {directory}\n"))
    assert problems(cli) == [f"it ran in {directory}, outside the working tree"]


def test_ranks_that_a_launcher_started(recorded: Any, cli: Any) -> None:
    edit(recorded, lambda text: text.replace("command:\n", "ranks: 4\ncommand:\n"))
    assert problems(cli) == ["4 processes ran it, started by a launcher that was not recorded"]


def test_a_secret_in_the_command(repo: Any, cli: Any) -> None:
    repo.write("train.py", PROGRAM)
    cli("run", "--", "python", "train.py", "--api-key", "sk-verysecret1234567890")
    assert problems(cli) == ["the command held a secret, which was not recorded"]


def test_an_interrupted_run(repo: Any, cli: Any) -> None:
    repo.write("train.py", PROGRAM + "; import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    cli("run", "--", "python", "train.py")
    (problem,) = problems(cli)
    assert problem.startswith("the run was interrupted")


def test_differences_of_the_environment_are_told(recorded: Any, cli: Any) -> None:
    def other(text: str) -> str:
        lines = text.splitlines()
        place = lines.index("- name: click")
        lines[place + 1] = "  version: 1.2.3"
        return "\n".join(lines).replace(f"version: {python()}\n", "version: 3.1.4\n") + "\n"

    edit(recorded, other, "environment.yaml")
    done = cli("reproduce", "@")
    assert "  environment 1 of " in done.out
    assert f"packages differ, Python {python()} instead of 3.1.4, same CPU\n" in done.out
    assert "packages.click: 1.2.3 → " in done.out
    assert f"python.version: 3.1.4 → {python()}" in done.out
    assert done.status == 0


def python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def test_what_the_snapshot_lacks_is_named(repo: Any, cli: Any) -> None:
    repo.write("train.py", PROGRAM)
    repo.write("large.bin", b"\0" * (2 << 20))
    cli("run", "--", "python", "train.py")
    assert "              without large.bin (2.0 MiB, size)\n" in cli("reproduce", "@").out
