"""One repository with everything that commands work on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runref.errors import RunrefError
from runref.model.address import AmbiguousRun, UnknownRun
from runref.project.annotating import annotate
from runref.project.project import NoWorkingTree, Project, StillRunning, cache_folder, open_project

pytestmark = pytest.mark.slow  # `make check` is for all day


def record(repo: Any, count: int = 1) -> list[str]:
    """Record some runs and return their ids, oldest first."""
    program = f"""
import runref
for number in range({count}):
    with runref.init(name=str(number), console=False) as run:
        run.log({{"n": number}})
    print(run.id)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def project_of(repo: Any) -> Project:
    return open_project(repo.path, os.environ)


def test_every_kind_of_address(repo: Any) -> None:
    ids = record(repo, 3)
    project = project_of(repo)
    oldest = project.read(ids[0])
    commits = repo.git("log", "--reverse", "--format=%H", "refs/runref/runs").split()
    for address in (
        ids[0],
        ids[0][:15],
        ids[0][9:],
        ids[0][9:15],
        ids[0][9:15].upper(),
        oldest.tree,
        oldest.tree[:10],
        commits[0],
        commits[0][:10],
        "@~2",
    ):
        assert project.resolve(address).id == ids[0], address
    assert [project.resolve(a).id for a in ("@", "@~0", "@~", "@~1")] == [
        ids[2],
        ids[2],
        ids[1],
        ids[1],
    ]


@pytest.mark.parametrize("address", ["@~9", "0000", "HEAD", "12", "", "20200101-000000000000"])
def test_what_names_no_run(repo: Any, address: str) -> None:
    record(repo)
    with pytest.raises(UnknownRun):
        project_of(repo).resolve(address)


def test_how_many_runs_there_are_is_told(repo: Any) -> None:
    with pytest.raises(UnknownRun, match=r"@: the history holds 0 runs$"):
        project_of(repo).resolve("@")
    record(repo)
    with pytest.raises(UnknownRun, match=r"@~1: the history holds 1 runs$"):
        project_of(repo).resolve("@~1")


def test_a_date_names_one_run_or_is_ambiguous(repo: Any) -> None:
    ids = record(repo)
    assert project_of(repo).resolve(ids[0][:10]).id == ids[0]
    ids += record(repo, 16)  # at least two of 17 begin with the same digit
    digits = [run_id[9] for run_id in ids]
    twice = next(digit for digit in digits if digits.count(digit) > 1)
    with pytest.raises(AmbiguousRun, match=rf"matches {digits.count(twice)} runs"):
        project_of(repo).resolve(ids[0][:9] + twice)


def test_a_commit_of_the_users_own_names_no_run(repo: Any) -> None:
    record(repo)
    with pytest.raises(RunrefError):
        project_of(repo).resolve(repo.git("rev-parse", "HEAD"))


def test_a_live_run_can_be_found_and_not_resolved(repo: Any) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import runref; print(runref.init(console=False).id, flush=True);input()",
        ],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        run_id = running.stdout.readline().strip()
        project = project_of(repo)
        found = project.find(run_id[9:14])
        assert (found.id, found.live, found.record.status) == (run_id, True, "running")
        with pytest.raises(StillRunning):
            project.resolve(run_id)
        assert project.recover() is None
        running.communicate("\n")
    assert not project.find(run_id).live


def test_recover_writes_nothing_where_no_run_waits(repo: Any) -> None:
    record(repo)
    lock = repo.path / ".git/runref/lock"
    lock.unlink()
    assert project_of(repo).recover() is None
    assert not lock.exists()


def test_recover_records_a_killed_run(repo: Any) -> None:
    program = "import os, runref; runref.init(console=False); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program], cwd=repo.path, check=False)
    done = project_of(repo).recover()
    assert done is not None
    assert len(done.recovered) == 1
    assert project_of(repo).resolve("@").record.status == "interrupted"


def test_a_bare_repository_has_no_root(make_repo: Any) -> None:
    bare = make_repo("bare.git", "--bare")
    project = project_of(bare)
    assert project.folder is None
    assert project.live() == []
    with pytest.raises(NoWorkingTree):
        _ = project.root
    with pytest.raises(NoWorkingTree):
        _ = project.stores


def test_a_spool_elsewhere(repo: Any, tmp_path: Path) -> None:
    digits = hashlib.sha256(os.fsencode(repo.path / ".git")).hexdigest()[:12]
    for setting, folder in {
        f"{tmp_path}/shared": tmp_path / "shared",
        "~/shared": Path(os.environ["HOME"]) / "shared",
        "in-tree": repo.path / "in-tree",
    }.items():
        repo.write(".runref.yaml", f"spool: {setting}\n")
        assert project_of(repo).spool.path == folder / f"{repo.path.name}-{digits}"


def test_a_linked_worktree_has_the_spool_of_its_repository(repo: Any, tmp_path: Path) -> None:
    repo.write(".runref.yaml", f"spool: {tmp_path}/shared\n")
    repo.commit("settings")
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = open_project(tmp_path / "linked", os.environ)
    assert linked.spool.path == project_of(repo).spool.path


def test_clones_with_one_committed_spool_leave_each_other_s_runs_alone(
    repo: Any, make_repo: Any, tmp_path: Path
) -> None:
    repo.write(".runref.yaml", f"spool: {tmp_path}/shared\n")
    repo.commit("settings")
    clone = make_repo("elsewhere/repo")
    clone.git("pull", "-q", str(repo.path), "main")
    repo.write("edited.py", "only this clone has it\n")
    program = "import os, runref; runref.init(console=False); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program], cwd=repo.path, check=False)
    assert project_of(clone).recover() is None
    assert project_of(clone).live() == []
    assert project_of(repo).recover() is not None
    code = project_of(repo).resolve("@").record.code
    assert code is not None
    assert repo.git("cat-file", "blob", f"{code.tree}:edited.py") == "only this clone has it"


def test_recover_need_not_wait_for_a_process_that_is_collecting(repo: Any) -> None:
    program = "import os, runref; runref.init(console=False); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program], cwd=repo.path, check=False)
    project = project_of(repo)
    began = time.monotonic()
    with project.runs.lock(0):
        done = project.recover(wait=0)
    assert done is not None
    assert done.busy
    assert time.monotonic() - began < 4  # it would wait for 5 s
    assert project_of(repo).recover() is not None


def test_annotations_are_one_commit_each(repo: Any) -> None:
    ids = record(repo, 2)
    project = project_of(repo)
    annotate(project, ids, add_tags=["good"])
    annotate(project, ids[:1], remove_tags=["good"], note="")
    annotate(project, ids[:1], note="diverges\nlater")
    subjects = repo.git("log", "--format=%s", "-4", "refs/runref/runs").splitlines()
    assert subjects == [
        f"note: diverges later · {ids[0]}",
        f"tag -good · {ids[0]}",
        f"tag +good · {ids[1]}",
        f"tag +good · {ids[0]}",
    ]
    assert project.read(ids[0]).additions.tags == ()
    assert project.read(ids[1]).additions.tags == ("good",)
    repo.fsck()


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/runref")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder({}).name == "runref"


def test_large_files_are_linked_where_the_settings_say_so_and_git_does_not_track_them(
    repo: Any,
) -> None:
    large = bytes(1 << 20)
    tracked, untracked = repo.path / "weights.bin", repo.path / "model.pkl"
    tracked.write_bytes(large + b"tracked")
    untracked.write_bytes(large + b"untracked")
    repo.git("add", "weights.bin")

    def is_linked(path: Path) -> bool:
        store = project_of(repo).artifacts
        return store.path_of(store.add(path).digest).samefile(path)

    (repo.path / ".runref.yaml").write_text("artifacts: {link: hard}\n")
    assert not is_linked(tracked)
    assert tracked.stat().st_mode & 0o200
    assert is_linked(untracked)
    assert not untracked.stat().st_mode & 0o222
    other = repo.path / "other.pkl"
    other.write_bytes(large + b"other")
    (repo.path / ".git" / "index").write_bytes(b"no index")
    assert not is_linked(other)
    (repo.path / ".runref.yaml").unlink()
    other.write_bytes(large + b"another")
    assert not is_linked(other)
