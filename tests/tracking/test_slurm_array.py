"""Arrays of jobs on a cluster record into one repository; nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from tests.conftest import GitRepo
from tests.servers.slurm import Slurm

pytestmark = pytest.mark.slow

JOBS = 100

TRAIN = """
import os
import runref

task = int(os.environ["SLURM_ARRAY_TASK_ID"])
with runref.init(params={"task": task}) as run:
    run.log({"loss": 1 / task})
    with open(f"model-{task}", "w") as file:
        file.write("weights " * task)
    run.log_output(f"model-{task}")
"""

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


@pytest.fixture
def repo(make_repo, tmp_path: Path) -> GitRepo:
    """What the login node has: a repository, and a spool elsewhere."""
    repo = make_repo("fit")
    repo.write(".runref.yaml", f"spool: {tmp_path}/spool\n")
    repo.write(".gitignore", "model-*\n")
    repo.write("train.py", TRAIN)
    repo.commit("first")
    repo.commit("second")
    return repo


def on_a_node(repo: GitRepo, *, may_write: bool) -> str:
    """Return the command that trains, as a job that may or may not write the repository."""
    read_only = ["unshare", "--mount", "sh", "-c", READ_ONLY, f"{repo.path}/.git"]
    return shlex.join([*([] if may_write else read_only), sys.executable, "train.py"])


def on_the_login_node(repo: GitRepo, *words: str) -> Any:
    command = [sys.executable, "-m", "runref", *words, "--json"]
    done = subprocess.run(command, cwd=repo.path, capture_output=True, check=True)
    return json.loads(done.stdout)


def tasks(repo: GitRepo) -> Sequence[int]:
    runs = on_the_login_node(repo, "ls", "--all")["runs"]
    assert {run["status"] for run in runs} == {"finished"}
    return sorted(run["params"]["task"]["value"] for run in runs)


@pytest.mark.parametrize("may_write", [True, False], ids=["jobs write", "jobs only read"])
def test_every_job_of_an_array_is_recorded_once(slurm: Slurm, repo: GitRepo, may_write: bool):
    train = on_a_node(repo, may_write=may_write)
    slurm.wait(slurm.sbatch(train, array=f"1-{JOBS}", chdir=str(repo.path)), seconds=1200)
    waiting = list((repo.path.parent / "spool").glob("*/*.ready"))
    assert len(waiting) == (0 if may_write else JOBS)
    recovered = on_the_login_node(repo, "recover")
    assert (len(recovered["committed"]), recovered["problems"]) == (len(waiting), {})
    assert tasks(repo) == list(range(1, JOBS + 1))
    assert repo.git("rev-list", "--count", "refs/runref/runs") == str(JOBS)
    assert not list((repo.path.parent / "spool").glob("*/*-*"))
    repo.fsck()


@pytest.mark.parametrize("may_write", [True, False], ids=["jobs write", "jobs only read"])
def test_jobs_with_shallow_clones_of_their_own(slurm: Slurm, repo: GitRepo, may_write: bool):
    script = dedent(f"""\
        set -e
        clone=$(mktemp -d)
        git clone -q --depth 1 file://{repo.path} "$clone"
        cd "$clone"
        export RUNREF_STORE={repo.path}
        {on_a_node(repo, may_write=may_write)}
        """)
    slurm.wait(slurm.sbatch(script, array="1-5"))
    on_the_login_node(repo, "recover")
    assert tasks(repo) == [1, 2, 3, 4, 5]
    for run in on_the_login_node(repo, "ls")["runs"]:
        code = on_the_login_node(repo, "show", run["id"])["code"]
        assert code["commit"] == repo.git("rev-parse", "HEAD")
        assert code["tree"] == repo.git("rev-parse", "HEAD^{tree}")
    repo.fsck()
