"""Refs: compare-and-swap that agrees with git, whatever git does at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from runref.git.files import CannotWrite
from runref.git.refs import STALE_LOCK_SECONDS, RefLocked, RefUnreadable
from runref.git.repository import Repository

NAME = "refs/runref/runs"


def opened(repo) -> Repository:
    return Repository.open(repo.path, environ=os.environ)


def commits(repo, count: int = 2) -> list[str]:
    objects = opened(repo).objects
    tree = objects.write_tree([])
    return [
        objects.write_commit(tree=tree, parents=[], identity="a <b>", time=number, message="m")
        for number in range(count)
    ]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("packed", [False, True])
def test_compare_and_swap_moves_only_what_is_as_expected(make_repo, object_format, packed):
    repo = make_repo("r", f"--object-format={object_format}")
    first, second = commits(repo)
    ref = opened(repo).ref(NAME)
    assert ref.read() == ""
    assert not ref.compare_and_swap(first, second, message="not there")
    assert ref.compare_and_swap("", first, message="run 1\nfinished")
    if packed:
        repo.git("pack-refs", "--all", "--prune")
        assert not (repo.path / ".git" / NAME).exists()
    assert ref.read() == first == repo.git("rev-parse", NAME)
    assert not ref.compare_and_swap("", second, message="must not exist")
    assert not ref.compare_and_swap(second, first, message="something else")
    assert ref.read() == first
    assert ref.compare_and_swap(first, second, message="run 2")
    assert ref.read() == second == repo.git("rev-parse", NAME)
    assert not (repo.path / f".git/{NAME}.lock").exists()
    lines = repo.git("reflog", "show", "--format=%H %gs %gn", NAME).splitlines()
    assert lines == [f"{second} run 2 Ada Tester", f"{first} run 1 finished Ada Tester"]
    repo.fsck()


def test_only_the_very_ref_is_found_among_packed_ones(repo):
    (commit,) = commits(repo, 1)
    for name in ("refs/heads/refs/runref/runs", "refs/runref/runs2", "refs/tags/runs"):
        repo.git("update-ref", name, commit)
    repo.git("tag", "-am", "annotated", "v1")
    repo.git("pack-refs", "--all")
    repository = opened(repo)
    assert repository.ref(NAME).read() == ""
    assert repository.ref("refs/runref/runs2").read() == commit
    assert repository.ref("refs/tags/v1").read() == repo.git("rev-parse", "refs/tags/v1")


def test_a_value_that_is_no_object_name_is_refused(repo):
    ref = opened(repo).ref(NAME)
    with pytest.raises(ValueError, match="no object name"):
        ref.compare_and_swap("", "a" * 64, message="sha256 in a sha1 repository")
    (repo.path / ".git/refs/runref").mkdir()
    (repo.path / ".git" / NAME).write_text("")
    with pytest.raises(RefUnreadable, match=NAME):
        ref.read()


def test_a_ref_that_cannot_be_read_is_not_taken_for_absent(repo):
    (first,) = commits(repo, 1)
    path = repo.path / ".git" / NAME
    path.parent.mkdir()
    path.symlink_to(path)  # reading it fails with ELOOP, as a network file system fails with EIO
    ref = opened(repo).ref(NAME)
    with pytest.raises(RefUnreadable) as caught:
        ref.compare_and_swap("", first, message="would start a new history")
    assert "readable" in caught.value.hint
    assert not path.with_suffix(".lock").exists()


def test_packed_refs_that_cannot_be_read_are_not_taken_for_absent(repo):
    path = repo.path / ".git/packed-refs"
    path.symlink_to(path)
    with pytest.raises(RefUnreadable, match="packed-refs") as caught:
        opened(repo).ref(NAME).read()
    assert "readable" in caught.value.hint


def test_a_file_where_a_folder_should_be_is_named(repo):
    (commit,) = commits(repo, 1)
    repo.git("update-ref", "refs/runref", commit)
    with pytest.raises(CannotWrite, match="refs/runref"):
        opened(repo).ref(NAME).compare_and_swap("", commit, message="m")


def test_a_fresh_lock_is_waited_for_and_respected(repo):
    (commit,) = commits(repo, 1)
    lock = repo.path / f".git/{NAME}.lock"
    lock.parent.mkdir()
    lock.write_text("")
    ref = opened(repo).ref(NAME)
    with pytest.raises(RefLocked) as caught:
        ref.compare_and_swap("", commit, message="m", wait=0.1)
    assert str(lock) in caught.value.hint
    assert lock.exists()
    assert ref.read() == ""


def test_a_lock_left_by_a_killed_process_is_removed(repo):
    (commit,) = commits(repo, 1)
    lock = repo.path / f".git/{NAME}.lock"
    lock.parent.mkdir()
    lock.write_text("")
    os.utime(lock, (time.time() - 11, time.time() - 11))
    ref = opened(repo).ref(NAME)
    assert ref.compare_and_swap("", commit, message="m", wait=0)
    assert not lock.exists()
    assert ref.read() == commit
    assert not list((repo.path / ".git").glob("runref_clock*"))


def test_the_age_of_a_lock_is_told(repo):
    ref = opened(repo).ref(NAME)
    assert ref.lock_age() is None
    lock = repo.path / f".git/{NAME}.lock"
    lock.parent.mkdir()
    lock.write_text("")
    assert 0 <= ref.lock_age() + 0.1 < STALE_LOCK_SECONDS  # the kernel stamps files a tick behind
    os.utime(lock, (time.time() - 100, time.time() - 100))
    assert 99 < ref.lock_age() < 200
    assert lock.exists()
    assert not list((repo.path / ".git").glob("runref_clock*"))


def test_the_age_of_a_lock_is_by_the_clock_of_its_file_system(repo, monkeypatch):
    lock = repo.path / f".git/{NAME}.lock"
    lock.parent.mkdir()
    lock.write_text("")
    ahead = time.time() + 3600
    monkeypatch.setattr("runref.git.refs.time", lambda: ahead)
    assert opened(repo).ref(NAME).lock_age() < STALE_LOCK_SECONDS


def test_a_lock_is_not_stale_because_our_clock_is_ahead(repo, monkeypatch):
    (commit,) = commits(repo, 1)
    lock = repo.path / f".git/{NAME}.lock"
    lock.parent.mkdir()
    lock.write_text("")
    ahead = time.time() + 3600
    monkeypatch.setattr("runref.git.refs.time", lambda: ahead)
    with pytest.raises(RefLocked):
        opened(repo).ref(NAME).compare_and_swap("", commit, message="m", wait=0.05)
    assert lock.exists()


WRITER = """
import os, sys
from pathlib import Path
from runref.git.locks import exclusive
from runref.git.repository import Repository

repository = Repository.open(Path(sys.argv[1]), fsync=False)
ref, objects = repository.ref("refs/runref/runs"), repository.objects
tree = objects.write_tree([])
for number in range(int(sys.argv[2])):
    while True:
        tip = ref.read()
        commit = objects.write_commit(
            tree=tree, parents=[tip] if tip else [], identity="a <b>", time=1,
            message=f"{os.getpid()} {number}",
        )
        if sys.argv[3] == "cas":
            moved = ref.compare_and_swap(tip, commit, message="run")
        else:
            with exclusive(repository.common_dir / "runref" / "lock", wait=60):
                moved = ref.compare_and_swap(tip, commit, message="run")
        if moved:
            break
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cas", "locked"])
def test_four_writers_lose_nothing_while_git_packs_refs_and_collects(repo, how):
    each = 50
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(repo.path), str(each), how])
        for _ in range(4)
    ]
    rounds = 0
    while any(writer.poll() is None for writer in writers):
        subprocess.run(
            ["git", "pack-refs", "--all"], cwd=repo.path, check=False, capture_output=True
        )
        if rounds % 10 == 5:
            subprocess.run(["git", "gc", "-q"], cwd=repo.path, check=False, capture_output=True)
        rounds += 1
    assert [writer.returncode for writer in writers] == [0] * 4
    assert rounds > 5
    subjects = repo.git("log", "--format=%s", NAME).splitlines()
    assert len(subjects) == len(set(subjects)) == 4 * each
    repo.fsck()


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_sound_repository(repo):
    """What was in the ref stays in it, and no lock outlives ten seconds."""
    known = 0
    for round_number in range(25):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(repo.path), "100000", "locked"])
            for _ in range(2)
        ]
        grown = time.monotonic() + 30
        while _count(repo) < known + 1 + round_number % 3:
            assert time.monotonic() < grown
        for writer in writers:
            writer.kill()
            writer.wait()
        count = _count(repo)
        assert count > known
        known = count
        lock = repo.path / f".git/{NAME}.lock"
        if lock.exists():
            os.utime(lock, (1, 1))
        leftovers = {p.name for p in (repo.path / ".git/objects").rglob("*") if "lock" in p.name}
        assert not leftovers
    repo.fsck()


def _count(repo) -> int:
    done = subprocess.run(
        ["git", "rev-list", "--count", NAME],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout or 0)


# HEAD


def test_head_of_an_empty_a_usual_and_a_detached_repository(make_repo, repo):
    empty = opened(make_repo("empty")).head()
    assert (empty.commit, empty.branch) == ("", "main")
    tip = repo.git("rev-parse", "HEAD")
    assert (opened(repo).head().commit, opened(repo).head().branch) == (tip, "main")
    repo.git("checkout", "-q", "-b", "feature/x")
    repo.git("pack-refs", "--all")
    assert (opened(repo).head().commit, opened(repo).head().branch) == (tip, "feature/x")
    repo.git("checkout", "-q", "--detach")
    assert (opened(repo).head().commit, opened(repo).head().branch) == (tip, "")


def test_a_head_that_leads_nowhere_is_named(repo):
    repository = opened(repo)
    (repo.path / ".git/HEAD").write_text("ref: refs/heads/a\n")
    (repo.path / ".git/refs/heads/a").write_text("ref: refs/heads/a\n")
    with pytest.raises(RefUnreadable, match="HEAD"):
        repository.head()
