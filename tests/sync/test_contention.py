"""Many who push at once: nobody's runs are lost, and none is there twice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.servers.git_hosting import WRITERS, GitHost
from tests.sync.clones import Clone, check_server, command, new_id, runs_of
from tests.sync.conftest import MakeClone

pytestmark = pytest.mark.slow

EACH = 3
"""Runs of each clone."""


@pytest.fixture
def clones(make_clone: MakeClone) -> Callable[[int], list[Clone]]:
    """Make clones, each with runs that no other has."""

    def make(count: int) -> list[Clone]:
        first = make_clone("clone-0")
        found = [first]
        for number in range(1, count):
            path = first.path.with_name(f"clone-{number}")
            shutil.copytree(first.path, path)
            found.append(Clone(path))
        for clone in found:
            clone.add(*(new_id() for _ in range(EACH)))
        return found

    return make


def at_once(clones: Sequence[Clone], url: Callable[[int], str], *argv: str) -> None:
    """Run a command in all clones at the same time; fail unless each one does it."""
    processes = [
        subprocess.Popen(
            command(*argv, url(number)),
            cwd=clone.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, clone in enumerate(clones)
    ]
    told = [process.communicate(timeout=550) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(clones), told


@pytest.mark.parametrize("count", [2, 8, 32])
@pytest.mark.parametrize("host", ["git_http", "git_ssh"], indirect=True)
def test_clones_that_push_at_once(
    host: GitHost, bare: Path, clones: Callable[[int], list[Clone]], count: int
):
    made = clones(count)
    every = {run_id: tree for clone in made for run_id, tree in clone.runs().items()}
    assert len(every) == EACH * count

    def url(number: int) -> str:
        return host.url(bare.stem, WRITERS[number % len(WRITERS)])

    at_once(made, url, "push")
    assert runs_of(bare) == every
    check_server(bare)
    first, last = made[0], made[-1]
    at_once([first, last], url, "pull")
    assert first.runs() == last.runs() == every
    assert first.leftovers() == last.leftovers() == []


def test_clones_that_sync_at_once_with_a_folder(
    tmp_path: Path, clones: Callable[[int], list[Clone]]
):
    bare = tmp_path / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    made = clones(8)
    every = {run_id: tree for clone in made for run_id, tree in clone.runs().items()}
    at_once(made, lambda _: str(bare), "sync")
    assert runs_of(bare) == every
    check_server(bare)
