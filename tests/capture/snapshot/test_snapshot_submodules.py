"""Submodules and other repositories inside are plain folders of the snapshot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from runref.capture.snapshot import stat_cache

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day


@pytest.fixture(params=["cautious", "trusting"], autouse=True)
def cache_belief(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "trusting":
        monkeypatch.setattr(stat_cache, "_SETTLED_AFTER", -(10**10))


@pytest.fixture
def with_submodule(repo: Any, make_repo: Callable[..., Any]) -> Any:
    library = make_repo("library")
    library.write("lib.py", "LIB = 1\n")
    library.write("deep/inner.py", "x\n")
    library.commit()
    repo.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        str(library.path),
        "vendor/lib",
    )
    repo.commit()
    return repo


def paths(found: dict[bytes, tuple[str, str]]) -> set[bytes]:
    return set(found)


INSIDE = {b"vendor/lib/lib.py", b"vendor/lib/deep/inner.py"}
OUTSIDE = {b".gitmodules", b"pkg/model.py", b"train.py"}


def test_a_clean_submodule(with_submodule, take, held, tmp_path) -> None:
    code = take(with_submodule)
    assert paths(held(with_submodule, code.tree)) == INSIDE | OUTSIDE
    assert (code.edited, code.untracked, code.deleted) == (0, 0, 0)
    (submodule,) = code.submodules
    commit = with_submodule.git("-C", "vendor/lib", "rev-parse", "HEAD")
    assert (submodule.path, submodule.commit, submodule.changed) == ("vendor/lib", commit, False)
    assert submodule.url == str(tmp_path / "library")
    assert take(with_submodule) == code
    with_submodule.fsck()


def test_edits_inside(with_submodule, take, held) -> None:
    assert not take(with_submodule).submodules[0].changed
    with_submodule.write("vendor/lib/lib.py", "LIB = 2\n")
    code = take(with_submodule)
    assert with_submodule.git("show", f"{code.tree}:vendor/lib/lib.py") == "LIB = 2"
    assert code.submodules[0].changed
    assert (code.edited, code.untracked, code.deleted) == (1, 0, 0)
    with_submodule.git("-C", "vendor/lib", "checkout", "-q", ".")
    assert not take(with_submodule).submodules[0].changed


def test_its_own_ignore_rules_and_untracked_files(with_submodule, take, held) -> None:
    with_submodule.write(".gitignore", "*.py\n")
    with_submodule.commit()
    with_submodule.write("vendor/lib/.gitignore", "*.log\n")
    with_submodule.write("vendor/lib/new.py", "the rules around it are not for it")
    with_submodule.write("vendor/lib/x.log", "ignored")
    code = take(with_submodule)
    new = {b"vendor/lib/.gitignore", b"vendor/lib/new.py"}
    assert paths(held(with_submodule, code.tree)) == INSIDE | OUTSIDE | new | {b".gitignore"}
    assert (code.edited, code.untracked, code.submodules[0].changed) == (1, 0, True)


def test_another_commit_checked_out(with_submodule, take) -> None:
    inside = type(with_submodule)(with_submodule.path / "vendor/lib")
    inside.write("lib.py", "LIB = 3\n")
    commit = inside.commit()
    code = take(with_submodule)
    assert (code.submodules[0].commit, code.submodules[0].changed) == (commit, True)
    assert code.edited == 1
    with_submodule.git("add", "vendor/lib")
    assert not take(with_submodule).submodules[0].changed
    assert take(with_submodule).edited == 1
    with_submodule.commit()
    assert take(with_submodule).edited == 0


def test_one_that_is_not_checked_out_keeps_its_link(with_submodule, take, held, tmp_path) -> None:
    with_submodule.git("submodule", "deinit", "-q", "-f", "vendor/lib")
    code = take(with_submodule)
    found = held(with_submodule, code.tree)
    assert found[b"vendor/lib"][0] == "160000"
    assert code.tree == with_submodule.git("rev-parse", "HEAD^{tree}")
    assert (code.edited, code.deleted, code.submodules) == (0, 0, ())
    assert take(with_submodule) == code
    with_submodule.fsck()
    with_submodule.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init")
    assert paths(held(with_submodule, take(with_submodule).tree)) >= INSIDE


def test_one_whose_git_directory_is_lost_is_an_ordinary_folder(with_submodule, take, held) -> None:
    take(with_submodule)
    shutil.rmtree(with_submodule.path / ".git/modules")
    code = take(with_submodule)
    assert paths(held(with_submodule, code.tree)) >= INSIDE
    assert code.submodules == ()


def test_submodules_of_submodules(with_submodule, make_repo, take, held) -> None:
    outer = make_repo("outer")
    outer.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        str(with_submodule.path),
        "mid",
    )
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive"
    )
    outer.commit()
    code = take(outer)
    assert {b"mid/" + path for path in INSIDE | OUTSIDE} <= paths(held(outer, code.tree))
    assert [(s.path, s.changed) for s in code.submodules] == [
        ("mid", False),
        ("mid/vendor/lib", False),
    ]
    assert (code.edited, code.untracked, code.deleted) == (0, 0, 0)
    outer.write("mid/vendor/lib/deep/inner.py", "edited")
    code = take(outer)
    assert [s.changed for s in code.submodules] == [True, True]
    assert code.edited == 1
    outer.fsck()


def test_a_repository_that_is_no_submodule(repo, make_repo, take, held) -> None:
    inside = make_repo("repo/tool")
    inside.write("tool.py", "x")
    inside.write(".gitignore", "*.log\n")
    inside.commit()
    inside.git("remote", "add", "origin", "https://user:secret@example.org/tool.git")
    inside.write("more.py", "untracked in it")
    inside.write("x.log", "ignored in it")
    code = take(repo)
    new = {b"tool/tool.py", b"tool/more.py", b"tool/.gitignore"}
    assert paths(held(repo, code.tree)) == {b"train.py", b"pkg/model.py"} | new
    assert (code.edited, code.untracked) == (0, 3)
    (found,) = code.submodules
    assert (found.path, found.url, found.changed) == ("tool", "https://example.org/tool.git", True)
    assert take(repo) == code
    repo.write(".gitignore", "tool/\n")
    assert b"tool/tool.py" not in held(repo, take(repo).tree)


def test_a_submodule_in_an_ignored_folder(with_submodule, take, held) -> None:
    with_submodule.write(".gitignore", "vendor/\n")
    for _ in range(2):
        code = take(with_submodule)
        assert paths(held(with_submodule, code.tree)) >= INSIDE
        assert code.submodules[0].path == "vendor/lib"
    with_submodule.write("vendor/lib/lib.py", "edited")
    assert take(with_submodule).submodules[0].changed


def test_a_broken_git_folder_is_no_repository(repo, take, held) -> None:
    repo.write("odd/.git/config", "x")
    repo.write("odd/file.py", "x")
    code = take(repo)
    assert b"odd/file.py" in held(repo, code.tree)
    assert not any(b".git/" in path for path in held(repo, code.tree))


def test_names_of_any_bytes(repo, make_repo, take, held) -> None:
    inside = make_repo(os.fsdecode(b"repo/\xff\n"))
    inside.write("a.py", "x")
    inside.commit()
    code = take(repo)
    assert b"\xff\n/a.py" in held(repo, code.tree)
    assert os.fsencode(code.submodules[0].path) == b"\xff\n"
    assert take(repo) == code


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:token@host.org/a@b.git", "https://host.org/a@b.git"),
        ("ssh://git:pw@host.org:22/a.git", "ssh://git@host.org:22/a.git"),
        ("git@host.org:a/b.git", "git@host.org:a/b.git"),
        ("me:pw@host.org:a/b.git", "me@host.org:a/b.git"),
        (
            "https://host.org/a.git?private_token=pw",
            "https://host.org/a.git?private_token=[secret]",
        ),
        ("../relative.git", "../relative.git"),
    ],
)
def test_urls_without_credentials(repo, make_repo, take, url: str, shown: str) -> None:
    inside = make_repo("repo/tool")
    inside.write("tool.py", "x")
    inside.commit()
    inside.git("remote", "add", "origin", url)
    assert take(repo).submodules[0].url == shown
