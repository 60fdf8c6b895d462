"""Runs of processes that may not write the repository, and have a spool that they may write."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.conftest import GitRepo

from runref.artifacts import LocalStore
from runref.project.project import Project, open_project
from runref.store.recorded import read_record
from runref.tracking.apart import sweep_contents

pytestmark = pytest.mark.slow  # `make check` is for all day

TRAIN = """
import os, signal, sys
import runref

with runref.init() as run:
    run.log({"loss": 0.5})
    os.makedirs("made/sub", exist_ok=True)
    for name in ("weights", "sub/more"):
        with open(f"made/{name}", "w") as file:
            file.write("made " * 100_000)
    run.log_output("made")
    run.use_input("data.csv")
    if "kill" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def repo(make_repo, tmp_path: Path) -> GitRepo:
    """A repository whose spool is elsewhere, with one commit, one edit and one ignored input."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can mount, with unshare of util-linux")
    repo = make_repo("fit")
    repo.write(".runref.yaml", f"spool: {tmp_path}/spool\n")
    repo.write(".gitignore", "data.csv\nmade/\n")
    repo.write("train.py", TRAIN)
    repo.write("pkg/model.py", "DEPTH = 3\n")
    repo.commit("first")
    repo.write("pkg/model.py", "DEPTH = 4\n")
    repo.write("data.csv", "1,2\n" * 100_000)
    if problem := apart(repo, "true").stderr:
        pytest.skip(f"nothing can be mounted here: {problem.strip()}")
    return repo


def read_only(repo: GitRepo, command: Sequence[str]) -> list[str]:
    """Return a command to which the git directory is read-only."""
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, str(repo.path / ".git"), *command]


def apart(repo: GitRepo, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to which the git directory is read-only."""
    words = read_only(repo, command)
    return subprocess.run(words, cwd=repo.path, capture_output=True, text=True, check=False)


def runref(*words: str) -> list[str]:
    return [sys.executable, "-m", "runref", *words]


def project(repo: GitRepo) -> Project:
    return open_project(repo.path, os.environ)


def recover(repo: GitRepo) -> dict[str, Sequence[str]]:
    done = subprocess.run(
        runref("recover", "--json"), cwd=repo.path, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_a_run_waits_and_is_recorded_whole(repo: GitRepo):
    before = repo.git("for-each-ref"), set((repo.path / ".git").rglob("*"))
    done = apart(repo, *runref("run", "--", sys.executable, "train.py"))
    assert done.returncode == 0, done.stderr
    assert "cannot be written from here" in done.stderr
    assert (repo.git("for-each-ref"), set((repo.path / ".git").rglob("*"))) == before
    (run_id,) = recover(repo)["committed"]
    opened = project(repo)
    record = read_record(opened.repository.objects, run_id, opened.runs.find(run_id).tree)
    assert (record.status, record.notices) == ("finished", ())
    assert repo.git("show", f"{record.code.tree}:pkg/model.py") == "DEPTH = 4"
    assert [each.path for each in (*record.inputs, *record.outputs)] == ["data.csv", "made"]
    shutil.rmtree(repo.path / "made")
    subprocess.run(runref("get", run_id, "made"), cwd=repo.path, check=True)
    assert (repo.path / "made/sub/more").read_text() == "made " * 100_000
    for each in (*record.inputs, *record.outputs):
        opened.artifacts.verify(each.digest)
    assert not list(opened.spool.path.glob("artifacts/sha256/*/*"))
    assert not list(opened.spool.ready())
    repo.fsck()


def test_what_the_repository_has_is_not_written_again(repo: GitRepo):
    repo.git("gc", "-q")
    apart(repo, *runref("run", "--", "true"))
    (run,) = project(repo).spool.ready()
    kinds = {
        subprocess.check_output(
            ["git", "cat-file", "-t", path.parent.name + path.name],
            cwd=repo.path,
            env=os.environ | {"GIT_OBJECT_DIRECTORY": str(run.objects_path)},
            text=True,
        )
        for path in run.objects_path.glob("??/*")
    }
    assert kinds == {"blob\n", "tree\n"}
    first = repo.git("rev-parse", "HEAD:train.py")
    assert not (run.objects_path / first[:2] / first[2:]).exists()


def test_a_killed_run_is_recorded_whole(repo: GitRepo):
    assert apart(repo, sys.executable, "train.py", "kill").returncode == -signal.SIGKILL
    done = recover(repo)
    (run_id,) = done["recovered"]
    assert done["committed"] == [run_id]
    opened = project(repo)
    record = read_record(opened.repository.objects, run_id, opened.runs.find(run_id).tree)
    assert (record.status, record.notices) == ("interrupted", ())
    assert repo.git("show", f"{record.code.tree}:pkg/model.py") == "DEPTH = 4"
    for each in (*record.inputs, *record.outputs):
        opened.artifacts.verify(each.digest)
    repo.fsck()


def test_a_content_that_two_runs_share_stays_for_the_second(repo: GitRepo):
    for _ in range(2):
        apart(repo, *runref("run", "-i", "data.csv", "--", "true"))
    spool = project(repo).spool
    aside = Path(f"{spool.path}-aside")
    _, second = spool.ready()
    second.path.rename(aside)
    recover(repo)
    aside.rename(second.path)
    (run_id,) = recover(repo)["committed"]
    opened = project(repo)
    record = read_record(opened.repository.objects, run_id, opened.runs.find(run_id).tree)
    opened.artifacts.verify(record.inputs[0].digest)


def test_a_damaged_content_keeps_its_run_in_the_spool(repo: GitRepo):
    apart(repo, *runref("run", "-i", "data.csv", "--", "true"))
    opened = project(repo)
    (content,) = opened.spool.artifacts_path.glob("sha256/*/*")
    content.chmod(0o644)
    content.write_bytes(b"other")
    done = subprocess.run(
        runref("recover"), cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert "stays in the spool" in done.stderr
    assert "does not have the digest" in done.stderr
    assert opened.runs.tip() == ""


def test_a_lost_snapshot_is_said_in_the_record(repo: GitRepo):
    apart(repo, *runref("run", "--", "true"))
    opened = project(repo)
    (run,) = opened.spool.ready()
    blob = repo.git("hash-object", "pkg/model.py")
    (run.objects_path / blob[:2] / blob[2:]).unlink()
    (run_id,) = recover(repo)["committed"]
    record = read_record(opened.repository.objects, run_id, opened.runs.find(run_id).tree)
    assert record.code is None
    assert [notice.code for notice in record.notices] == ["no-snapshot"]
    repo.fsck()


@pytest.mark.parametrize("waiting", [True, False])
def test_contents_that_no_run_came_for_go_with_the_last_run(repo: GitRepo, waiting: bool):
    if waiting:
        apart(repo, *runref("run", "--", "true"))
    opened = project(repo)
    (repo.path / "lost").write_text("lost")
    store = LocalStore(opened.spool.artifacts_path)
    old, new = (store.add(repo.path / name) for name in ("lost", "data.csv"))
    os.utime(store.path_of(old.digest), (0, 0))
    sweep_contents(opened.spool)
    assert store.contains(old.digest) is waiting
    recover(repo)
    assert not store.contains(old.digest)
    assert store.contains(new.digest)


def test_what_a_live_run_borrows_outlives_the_run_that_brought_it(repo: GitRepo):
    subprocess.run(runref("run", "--", "true"), cwd=repo.path, check=True)
    (first,) = project(repo).runs.runs()
    repo.write("beside.py", "TWO = 2\n")  # or both runs had the same tree
    end = repo.path.parent / "end"
    os.mkfifo(end)
    command = read_only(repo, runref("run", "--", "sh", "-c", f"echo live > {end}; cat {end}"))
    with subprocess.Popen(command, cwd=repo.path, stderr=subprocess.PIPE) as process:
        assert end.read_text() == "live\n"
        forgotten = subprocess.run(
            runref("forget", first.id, "--local", "--reason", "x"), cwd=repo.path, check=False
        )
        end.write_text("")
        process.communicate()
    assert forgotten.returncode == 0
    (run_id,) = recover(repo)["committed"]
    record = project(repo).read(run_id).record
    assert record.notices == ()
    assert repo.git("show", f"{record.code.tree}:pkg/model.py") == "DEPTH = 4"
    repo.fsck()


def test_commands_that_cannot_write_leave_it_alone(repo: GitRepo):
    apart(repo, *runref("run", "-n", "waiting", "--", "true"))
    listed = apart(repo, *runref("ls", "--columns", "name"))
    assert (listed.returncode, listed.stdout.split()) == (0, ["name", "waiting"])
    assert apart(repo, *runref("recover")).returncode == 1
    assert len(recover(repo)["committed"]) == 1


def test_gc_understands_what_waits(repo: GitRepo):
    apart(repo, sys.executable, "train.py")
    subprocess.run(runref("gc", "--artifacts"), cwd=repo.path, check=True)
    assert list(project(repo).spool.ready())


def test_without_a_spool_that_can_be_written_it_is_told(repo: GitRepo):
    (repo.path / ".runref.yaml").unlink()
    done = apart(repo, *runref("run", "--", "true"))
    assert "this run is not recorded" in done.stderr
    assert done.returncode == 0
