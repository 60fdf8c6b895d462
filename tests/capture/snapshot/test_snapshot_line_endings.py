"""Files whose line endings git converts: unchanged to git, other bytes in the working tree."""

from __future__ import annotations

import os

import pytest

from runref.capture.snapshot import SnapshotRules, take_snapshot
from runref.git.repository import Repository

ROWS = b"".join(b"%d,%d\r\n" % (row, row * row) for row in range(2000))


def commit_converted(repo, rules: str, content: bytes = ROWS) -> None:
    """Git has LF, the working tree CR LF."""
    name, _, value = rules.partition("=")
    if name == "core.autocrlf":
        repo.git("config", name, value)
    else:
        repo.write(".gitattributes", f"{rules}\n")
    repo.write("data.csv", content)
    repo.commit()
    assert b"\r" not in repo.git("cat-file", "blob", "HEAD:data.csv").encode()
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    [
        "*.csv text eol=crlf",
        "*.csv text",
        "* text=auto",
        "core.autocrlf=true",
        "core.autocrlf=input",
    ],
)
@pytest.mark.parametrize("cap", [1 << 20, 100])
def test_what_git_takes_for_unchanged_is_kept_as_it_lies(
    repo, take, held, trusting, rules, cap
) -> None:
    commit_converted(repo, rules)
    for _ in range(2):  # the second one remembers
        code = take(repo, max_file_size=cap)
        assert (code.edited, code.untracked, code.left_out) == (0, 0, ())
        _, oid = held(repo, code.tree)[b"data.csv"]
        assert repo.git("cat-file", "-s", oid) == str(len(ROWS))
    (repo.path / "data.csv").write_bytes(ROWS + b"new,row\r\n")
    code = take(repo, max_file_size=cap)
    assert code.edited == 1
    assert [left.path for left in code.left_out] == (["data.csv"] if cap == 100 else [])


def test_content_that_git_has_is_no_secret(repo, take) -> None:
    key = b"-----BEGIN RSA PRIVATE KEY-----\r\nMIIEpAIBAAKCAQEA0123456789abcdefgh\r\n"
    commit_converted(repo, "* text=auto", key)
    code = take(repo)
    assert (code.edited, code.left_out) == (0, ())


@pytest.mark.parametrize(
    ("rules", "committed", "lies"),
    [
        ("*.csv -text", b"a\nb\n", b"a\r\nb\r\n"),
        ("*.csv binary", b"a\nb\n", b"a\r\nb\r\n"),
        ("*.txt text", b"a\nb\n", b"a\r\nb\r\n"),
        ("* text=auto", b"\0a\nb\n", b"\0a\r\nb\r\n"),
    ],
)
def test_what_git_does_not_convert_is_edited(repo, take, rules, committed, lies) -> None:
    repo.write(".gitattributes", f"{rules}\n")
    repo.write("data.csv", committed)
    repo.commit()
    repo.write("data.csv", lies)
    assert repo.git("status", "--porcelain") == " M data.csv"
    assert take(repo).edited == 1


def test_a_new_setting_counts_for_files_that_are_known(repo, take, trusting) -> None:
    repo.write("data.csv", b"a\nb\n")
    repo.commit()
    repo.write("data.csv", b"a\r\nb\r\n")
    assert take(repo).edited == 1
    repo.git("config", "core.autocrlf", "input")
    assert take(repo).edited == 0


def test_new_attributes_count_while_a_repository_stays_open(repo, tmp_path) -> None:
    """A sweep takes many snapshots in one process."""
    repo.write("data.csv", b"a\nb\n")
    repo.commit()
    repo.write("data.csv", b"a\r\nb\r\n")
    repository = Repository.open(repo.path, environ=os.environ)

    def edited() -> int:
        return take_snapshot(
            repository, repo.path, SnapshotRules(), cache_dir=tmp_path / "cache"
        ).edited

    assert edited() == 1
    repo.write(".gitattributes", "* text=auto\n")
    assert edited() == 0


def test_a_known_file_is_unchanged_once_git_has_it(repo, take, trusting) -> None:
    repo.git("config", "core.autocrlf", "input")
    repo.write("data.csv", ROWS)
    assert take(repo, max_file_size=100).left_out[0].path == "data.csv"
    repo.commit()
    code = take(repo, max_file_size=100)
    assert (code.edited, code.untracked, code.left_out) == (0, 0, ())


def test_a_change_of_the_index_alone_has_no_file_read_again(repo, take, trusting) -> None:
    commit_converted(repo, "* text=auto")
    take(repo, max_file_size=100)
    repo.write("other.py", "x = 1\n")
    repo.git("add", "other.py")
    read: list[int] = []
    take(repo, max_file_size=100, progress=lambda _done, total: read.append(total))
    assert read == [1]
