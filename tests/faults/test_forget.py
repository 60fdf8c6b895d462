"""``runref forget`` beside processes that record, and killed at any moment."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from runref.project.project import open_project
from runref.project.reach import reach
from runref.store.differences import forgotten_runs

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("RUNREF_KILL_ROUNDS", "10"))

# Every run has a snapshot and files that others have, too, forgotten ones among them: all of it was
# stored before, and is held by nobody else as often as not.
WRITER = """
    import os, sys
    import runref
    name, count = sys.argv[1], int(sys.argv[2])
    for number in range(count):
        with open("code.txt", "w") as file:
            file.write(f"version {number % 2}" * 100)
        with runref.init(console=False, experiment="keep" if number % 3 else "drop") as run:
            run.use_input(f"pool/{number % 4}")
            run.log({"loss": number})
        os.write(1, b".")
"""

FORGETTER = """
    import os, sys
    from runref.cli.main import run
    os.write(1, b"begun")
    while True:
        policy = ["--query", 'experiment == "drop"', "--yes", "--json"]
        status = run(["gc", *policy])
        if status not in (0, 1, 3):
            sys.exit(4)
"""

ONCE = """
    import sys
    from runref.cli.main import run
    print("begun", flush=True)
    sys.exit(run(["forget", *sys.argv[1:], "--reason", "test"]))
"""


@pytest.fixture
def start(victims: Any) -> Iterator[Callable[..., Any]]:
    """Starts programs, which do not outlive the test."""
    with ExitStack() as stack:

        def begin(source: str, *arguments: str, quiet: bool = False) -> Any:
            process = stack.enter_context(victims.start(source, *arguments))
            stack.callback(process.kill)
            return process

        yield begin


def prepare(repo: Any, *, packed: bool) -> None:
    for number in range(4):
        repo.write(f"pool/{number}", f"input {number}")
    repo.write(".gitignore", "pool\n")
    repo.commit("data is elsewhere")
    if packed:
        repo.git("config", "gc.auto", "0")


def check_whole(repo: Any) -> set[str]:
    """Fail unless every run of the history has all that it names; return their ids."""
    repo.fsck()
    project = open_project(repo.path, os.environ)
    local = project.artifacts
    held = reach([project]).digests
    there = {each.digest for each in local.contents()}
    assert held <= there
    for run in project.runs.runs():
        record = project.read(run.id).record
        assert record.code is not None, record.notices
        assert not record.notices
    return {run.id for run in project.runs.runs()}


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_that_runs_use_is_freed_while_they_are_recorded(
    repo: Any, victims: Any, start: Callable[..., Any], packed: bool
) -> None:
    prepare(repo, packed=packed)
    log = (repo.path.parent / "log").open("wb")
    source = "\n".join(line.removeprefix("    ") for line in FORGETTER.splitlines())
    forgetter = subprocess.Popen(
        [sys.executable, "-c", source], cwd=repo.path, stdout=log, stderr=log
    )
    try:
        for _round in range(2):
            writers = [start(WRITER, name, "8") for name in ("a", "b")]
            for writer in writers:
                out, err = writer.communicate(timeout=300)
                assert (writer.returncode, out) == (0, "." * 8), err
            if packed:
                repo.git("repack", "-q", "-d")
        assert forgetter.poll() is None, (repo.path.parent / "log").read_text()
    finally:
        forgetter.kill()
        forgetter.wait()
        log.close()
    victims.recover()
    kept = check_whole(repo)
    project = open_project(repo.path, os.environ)
    gone = forgotten_runs(project.repository.objects, project.runs.root())
    assert not kept & gone
    assert len(kept | gone) == 2 * 2 * 8  # none was lost
    assert gone  # it did forget some


def test_a_forget_that_is_killed_leaves_the_old_or_the_new_and_the_next_one_ends_it(
    repo: Any, victims: Any, start: Callable[..., Any]
) -> None:
    prepare(repo, packed=False)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    span = 1.0
    for number in range(ROUNDS):
        repo.write("secret.txt", f"secret of round {number} " * 50)
        secret_run, out = _record(victims), ""
        (repo.path / "secret.txt").unlink()
        other = _record(victims)
        before = check_whole(repo)
        oid = repo.git("hash-object", "--stdin", input=f"secret of round {number} ".encode() * 50)
        if number % 2:
            repo.git("repack", "-q", "-a", "-d")
        process = start(ONCE, secret_run)
        assert process.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0, span))
        process.kill()
        out, _ = process.communicate()
        now = check_whole(repo)
        assert now in (before, before - {secret_run}), (seed, out)
        done = victims.start(ONCE, secret_run)
        with done:
            _, err = done.communicate(timeout=120)
        assert done.returncode == 0, (seed, err)
        assert check_whole(repo) == before - {secret_run}
        listed = subprocess.run(
            ["git", "cat-file", "-e", oid], cwd=repo.path, check=False, capture_output=True
        )
        assert listed.returncode != 0, (seed, number)
        assert not list((repo.path / ".git/objects").glob("tmp_obj_forget*")), seed
        assert not (repo.path / ".git/runref/forgetting/unfinished.json").exists(), seed
        assert other in now


def _record(victims: Any) -> str:
    source = """
        import runref
        with runref.init(console=False) as run:
            run.log({"loss": 1.0})
        print(run.id)
    """
    out, _ = victims.run(source)
    return str(out).split()[-1]
