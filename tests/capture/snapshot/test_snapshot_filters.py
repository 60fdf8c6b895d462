"""Files whose content in git is not their content in the working tree: Git LFS, encryption."""

from __future__ import annotations

import hashlib
import subprocess

import pytest


def pointer(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def commit_as_lfs(repo, path: str, content: bytes) -> None:
    """As git-lfs leaves it: the pointer is committed, the content lies in the working tree."""
    repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    repo.write(path, pointer(content))
    repo.commit()
    repo.write(path, content)


def test_the_snapshot_holds_the_pointer(repo, take) -> None:
    commit_as_lfs(repo, "data/model.bin", bytes(range(256)) * 8000)
    code = take(repo)
    assert code.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert (code.left_out, code.edited) == ((), 0)
    assert take(repo) == code


def test_edited_content_is_named_as_not_kept(repo, take) -> None:
    commit_as_lfs(repo, "model.bin", b"one" * 1000)
    repo.write("model.bin", b"two" * 1000)
    repo.write("new.bin", b"three" * 1000)
    code = take(repo)
    assert [(left.path, left.size, left.reason) for left in code.left_out] == [
        ("model.bin", 3000, "lfs"),
        ("new.bin", 5000, "lfs"),
    ]
    shown = repo.git("show", f"{code.tree}:model.bin") + "\n"
    assert shown == pointer(b"two" * 1000)
    assert (code.edited, code.untracked) == (1, 1)
    # Once git has the pointer, nothing is missing.
    for path, content in {"model.bin": b"two" * 1000, "new.bin": b"three" * 1000}.items():
        blob = repo.git("hash-object", "-w", "--stdin", input=pointer(content).encode())
        repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    assert take(repo).left_out == ()


def test_a_pointer_that_was_not_filled_in_stays(repo, take) -> None:
    repo.write(".gitattributes", "*.bin filter=lfs\n")
    repo.write("model.bin", pointer(b"elsewhere"))
    repo.write("empty.bin", b"")
    repo.commit()
    code = take(repo)
    assert code.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert code.left_out == ()


def test_attributes_that_change_are_heeded(repo, take, monkeypatch) -> None:
    from runref.capture.snapshot import stat_cache

    monkeypatch.setattr(stat_cache, "_SETTLED_AFTER", -(10**10))
    content = b"x" * 2000
    repo.write("model.bin", content)
    code = take(repo)
    assert repo.git("show", f"{code.tree}:model.bin") == content.decode()
    repo.write(".gitattributes", "*.bin filter=lfs\n")
    code = take(repo)
    assert repo.git("show", f"{code.tree}:model.bin") + "\n" == pointer(content)
    (repo.path / ".gitattributes").unlink()
    repo.write(".git/info/attributes", "model.* filter=lfs\n")
    code = take(repo)
    assert repo.git("show", f"{code.tree}:model.bin") + "\n" == pointer(content)
    (repo.path / ".git/info/attributes").unlink()
    code = take(repo)
    assert repo.git("show", f"{code.tree}:model.bin") == content.decode()


def test_what_git_encrypts_never_goes_in_as_plain_text(repo, take) -> None:
    repo.git("config", "filter.git-crypt.clean", "tr a-z b-za")
    repo.git("config", "filter.git-crypt.smudge", "tr b-za a-z")
    repo.write(".gitattributes", "vault/* filter=git-crypt\n")
    repo.write("vault/token.txt", "plain text\n")
    repo.commit()
    assert repo.git("show", "HEAD:vault/token.txt") == "qmbjo ufyu"
    repo.write("vault/token.txt", "other plain text\n")
    repo.write("vault/new.txt", "new plain text\n")
    code = take(repo)
    assert [(left.path, left.reason) for left in code.left_out] == [
        ("vault/new.txt", "secret-content"),
        ("vault/token.txt", "secret-content"),
    ]
    assert repo.git("show", f"{code.tree}:vault/token.txt") == "qmbjo ufyu"
    found = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"],
        cwd=repo.path, capture_output=True, check=True,
    )  # fmt: skip
    assert b"plain text" not in found.stdout


def test_bytes_are_kept_as_they_lie_there(repo, take) -> None:
    """Line ends are not converted: the run saw these bytes."""
    repo.write(".gitattributes", "* text=auto eol=crlf\n")
    repo.write("train.py", "one\r\ntwo\r\n")
    code = take(repo)
    kept = subprocess.run(
        ["git", "cat-file", "blob", f"{code.tree}:train.py"],
        cwd=repo.path, capture_output=True, check=True,
    )  # fmt: skip
    assert kept.stdout == b"one\r\ntwo\r\n"


@pytest.mark.parametrize("size", [1023, 1024, 3_000_000])
def test_pointers_of_any_size(repo, take, size: int) -> None:
    commit_as_lfs(repo, "model.bin", b"v" * size)
    assert take(repo).tree == repo.git("rev-parse", "HEAD^{tree}")
