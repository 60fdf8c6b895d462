"""The stat cache makes the next snapshot fast, and is never believed against the files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from runref.capture.snapshot import stat_cache
from runref.capture.snapshot.content import Reading


@pytest.fixture
def read_by(take):
    """How many files a snapshot had to look at."""

    def read_by(repo: Any, **rules: Any) -> int:
        looked_at: list[int] = []
        take(repo, progress=lambda done, _total: looked_at.append(done), **rules)
        return len(looked_at)

    return read_by


def cache_file(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").glob("snapshot-*.json")
    return found


def test_an_unchanged_tree_is_not_read_and_the_cache_not_written(
    repo, take, read_by, trusting, tmp_path
) -> None:
    repo.write("new.py", "x")
    repo.write("huge.bin", bytes(2_000_000))
    os.mkfifo(repo.path / "pipe")
    assert read_by(repo) == 5
    written = cache_file(tmp_path).stat()
    assert read_by(repo) == 0
    code = take(repo)
    assert {left.path: left.reason for left in code.left_out} == {
        "huge.bin": "size",
        "pipe": "special",
    }
    assert (code.files, code.untracked) == (3, 1)
    assert cache_file(tmp_path).stat() == written


def test_only_changed_files_are_read(repo, take, read_by, trusting, added) -> None:
    for number in range(30):
        repo.write(f"d{number % 3}/{number}.py", str(number))
    repo.commit()
    read_by(repo)
    repo.write("d1/1.py", "edited")
    repo.write("d2/new/deep.py", "new")
    (repo.path / "d0/0.py").unlink()
    assert read_by(repo) == 2
    code = take(repo)
    assert code.tree == added(repo)
    assert (code.edited, code.untracked, code.deleted) == (1, 1, 1)


def test_a_file_just_changed_is_read_again(repo, take) -> None:
    """A second edit of the same size may leave all times as they are."""
    path = repo.write("train.py", "0000")
    times = path.stat().st_mtime_ns
    for number in range(40):
        path.write_text(f"{number:04}")
        os.utime(path, ns=(times, times))
        code = take(repo)
        assert repo.git("show", f"{code.tree}:train.py") == f"{number:04}"


def test_a_file_younger_than_two_seconds_is_not_believed(repo, read_by) -> None:
    assert [read_by(repo), read_by(repo)] == [2, 2]


def test_a_file_that_changes_while_it_is_read_is_not_believed(repo, trusting) -> None:
    path = repo.write("train.py", "one")
    with Reading(os.fsencode(path)) as reading:
        assert reading.stamp().holds(os.fsencode(path))
        path.write_text("three")
        assert not reading.stamp().holds(os.fsencode(path))


def test_a_moved_head_changes_the_counts(repo, take, trusting) -> None:
    repo.write("new.py", "x")
    repo.commit()
    assert take(repo).edited == 0
    repo.git("update-ref", "HEAD", "HEAD~1")
    assert take(repo).edited == 1


def test_exec_bits_that_only_the_index_has(repo, take, held, trusting) -> None:
    repo.git("config", "core.fileMode", "false")
    assert held(repo, take(repo).tree)[b"train.py"][0] == "100644"
    repo.git("update-index", "--chmod=+x", "train.py")
    assert held(repo, take(repo).tree)[b"train.py"][0] == "100755"


def test_a_commit_changes_the_counts_without_reading(repo, take, read_by, trusting) -> None:
    repo.write("train.py", "edited")
    repo.write("new.py", "x")
    assert take(repo).edited == 1
    repo.commit()
    assert read_by(repo) == 0
    code = take(repo)
    assert (code.edited, code.untracked) == (0, 0)
    assert code.commit == repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    "place", [".gitignore", "pkg/.gitignore", ".git/info/exclude", "{home}/.config/git/ignore"]
)
def test_new_and_removed_ignore_rules_count_at_once(
    repo, take, held, trusting, isolated_home, place
) -> None:
    rules = repo.path / place.format(home=isolated_home)
    rules.unlink(missing_ok=True)
    repo.write("pkg/x.log", "x")
    repo.write("pkg/kept.txt", "x")

    def logs() -> bool:
        return b"pkg/x.log" in held(repo, take(repo).tree)

    assert logs()
    rules.parent.mkdir(parents=True, exist_ok=True)
    rules.write_text("*.log\n")
    assert not logs()
    rules.write_text("*.txt\n*.o\n")
    assert logs()
    rules.write_text("*.log\n")
    assert not logs()
    rules.unlink()
    assert logs()


def test_an_ignore_file_that_ignores_itself(repo, take, held, trusting) -> None:
    repo.write("venv/.gitignore", "*\n")
    repo.write("venv/lib.py", "x")
    assert b"venv/lib.py" not in held(repo, take(repo).tree)
    repo.write("venv/.gitignore", "#\n")
    assert b"venv/lib.py" in held(repo, take(repo).tree)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"[]",
        lambda data: data.replace(b"train.py", b"train.pz"),
        lambda data: b"\0" * len(data),
    ],
)
def test_a_damaged_cache_counts_as_none(repo, take, trusting, tmp_path, damage) -> None:
    before = take(repo)
    file = cache_file(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    assert take(repo) == before
    assert take(repo) == before


def test_a_cache_of_another_version_counts_as_none(
    repo, take, read_by, trusting, monkeypatch
) -> None:
    before = take(repo)
    monkeypatch.setattr(stat_cache, "_VERSION", 999)
    assert read_by(repo) == 2
    assert take(repo) == before


def test_a_cache_that_cannot_be_written_costs_only_time(repo, take, tmp_path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should")
    assert take(repo).files == 2


def test_a_snapshot_that_git_pruned_is_written_again(repo, take, trusting) -> None:
    repo.write("new.py", "x")
    code = take(repo)
    repo.git("gc", "-q", "--prune=now")
    with pytest.raises(AssertionError):
        repo.git("cat-file", "-e", code.tree)
    assert take(repo) == code
    assert repo.git("show", f"{code.tree}:new.py") == "x"


def test_a_snapshot_is_kept_young(repo, take, trusting) -> None:
    """So that a gc with an expiry leaves what the next record will name."""
    repo.write("new.py", "x")
    code = take(repo)
    for path in (repo.path / ".git/objects").rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))
    assert take(repo) == code
    repo.git("gc", "-q", "--prune=1.hour.ago")
    assert repo.git("show", f"{code.tree}:new.py") == "x"


def test_other_rules_decide_anew(repo, take, trusting) -> None:
    repo.write("big.bin", bytes(3000))
    assert take(repo, max_file_size=2000).left_out[0].path == "big.bin"
    assert take(repo, max_file_size=4000).left_out == ()
    assert take(repo, max_file_size=2000, keep=("*.bin",)).left_out == ()


def test_adding_a_left_out_file_to_git_keeps_it_without_reading_others(
    repo, take, read_by, trusting
) -> None:
    repo.write("big.bin", bytes(2_000_000))
    assert [left.reason for left in take(repo).left_out] == ["size"]
    repo.git("add", "big.bin")
    assert read_by(repo) == 1
    code = take(repo)
    assert (code.left_out, code.files) == ((), 3)
    repo.git("rm", "-q", "--cached", "big.bin")
    assert [left.reason for left in take(repo).left_out] == ["size"]


def test_two_objects_stores_have_two_caches(make_repo, repo, take, held, trusting) -> None:
    store = make_repo("store")
    repo.write("new.py", "x")
    first, second = take(repo), take(repo, store=store.path)
    assert first.tree == second.tree
    shutil.rmtree(repo.path / ".git")
    assert b"new.py" in held(store, second.tree)
