from __future__ import annotations

import os
from pathlib import Path

import pytest

from runref.artifacts import conflict


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working tree with its git directory, and what lies around them."""
    work = tmp_path / "home" / "work"
    for folder in (".git/hooks", "data", "../other"):
        (work / folder).mkdir(parents=True)
    (work / "data" / "train.csv").write_text("1")
    (work / "here").symlink_to(".")
    (work / "inside").symlink_to(".git")
    return work


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".", "is the whole working tree"),
        ("data/..", "is the whole working tree"),
        ("here/data/..", "is the whole working tree"),
        ("here/..", "holds the whole working tree"),
        ("..", "holds the whole working tree"),
        ("/", "holds the whole working tree"),
        (".git", "is the git directory"),
        (".git/hooks", "lies in the git directory"),
        (".git/hooks/none/yet", "lies in the git directory"),
        ("inside/hooks", "lies in the git directory"),
        ("data", ""),
        ("data/train.csv", ""),
        ("data/none/yet", ""),
        ("../other", ""),
        ("../worktree", ""),
        ("here", ""),  # a link stands for itself
    ],
)
def test_what_is_off_limits(work: Path, path: str, why: str) -> None:
    assert conflict(work / path, work, work / ".git") == why


def test_folders_are_compared_by_what_they_are(work: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(work)
    assert conflict(work, tmp_path / "link", work / ".git") == "is the whole working tree"
    assert conflict(tmp_path / "link" / "data", work, work / ".git") == ""


def test_a_git_directory_elsewhere(work: Path, tmp_path: Path) -> None:
    git = tmp_path / "store.git"
    (git / "refs").mkdir(parents=True)
    assert conflict(git / "refs", work, git) == "lies in the git directory"
    assert conflict(git, None, git) == "is the git directory"
    assert conflict(tmp_path, None, git) == "holds the git directory"
    assert conflict(work, None, git) == ""


def test_a_working_tree_inside_a_git_directory(tmp_path: Path) -> None:
    git = tmp_path / "bare.git"
    work = git / "main"
    work.mkdir(parents=True)
    assert conflict(work / "model.bin", work, git) == ""
    assert conflict(work, work, git) == "is the whole working tree"
    assert conflict(git / "hooks", work, git) == "lies in the git directory"


def test_a_relative_path(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / "data")
    assert conflict(Path(os.pardir), work, work / ".git") == "is the whole working tree"
    assert conflict(Path("train.csv"), work, work / ".git") == ""
