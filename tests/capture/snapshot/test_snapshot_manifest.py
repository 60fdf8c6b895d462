"""The manifest: its format, and that the git tree alone gives it again."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.capture.snapshot import manifest_digest, manifest_of
from runref.git.repository import Repository
from runref.model.snapshot_manifest import manifest_line

SHA = "ab" * 32


def test_the_format(repo, take) -> None:
    repo.write("run.sh", "go")
    (repo.path / "run.sh").chmod(0o755)
    (repo.path / "a link").symlink_to("run.sh")
    repo.write(b"b\n\xff", "")
    code = take(repo)
    manifest = manifest_of(Repository.discover(repo.path).objects, code.tree)
    hashed = [hashlib.sha256(data).hexdigest().encode() for data in (
        b"run.sh", b"", b"DEPTH = 3\n", b"go", b"print('training')\n")]  # fmt: skip
    assert manifest == (
        b"120000 %s 6 a link\n"
        b'100644 %s 0 "b\\012\\377"\n'
        b"100644 %s 10 pkg/model.py\n"
        b"100755 %s 2 run.sh\n"
        b"100644 %s 18 train.py\n" % tuple(hashed)
    )
    assert code.manifest == manifest_digest(manifest)
    assert code.manifest == "sha256:" + hashlib.sha256(manifest).hexdigest()


def test_sorted_by_path_not_as_git_sorts(repo, take) -> None:
    for name in ("a/b", "a.c", "a-d", "a0"):
        repo.write(name, name)
    code = take(repo)
    lines = manifest_of(Repository.discover(repo.path).objects, code.tree).splitlines()
    listed = [line.split(b" ", 3)[3] for line in lines]
    assert listed == sorted(listed)


def test_nothing_in_it(make_repo, take) -> None:
    code = take(make_repo())
    assert code.manifest == "sha256:" + hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"plain/a b.py", b"plain/a b.py"),
        ("ünï/日本".encode(), "ünï/日本".encode()),
        (b'say "hi"', b'"say \\"hi\\""'),
        (b"back\\slash", b'"back\\\\slash"'),
        (b"tab\there", b'"tab\\011here"'),
        ("é\n".encode(), b'"\\303\\251\\012"'),
        (b"\x7f", b'"\\177"'),
    ],
)
def test_paths(path: bytes, shown: bytes) -> None:
    assert manifest_line(path, 0o100644, SHA, 1) == b"100644 %s 1 %s\n" % (SHA.encode(), shown)


@given(st.sets(st.binary(min_size=1, max_size=6).filter(lambda b: b"\0" not in b), min_size=2))
def test_no_two_paths_share_a_line(paths: set[bytes]) -> None:
    lines = {manifest_line(path, 0o100644, SHA, 1) for path in paths}
    assert len(lines) == len(paths)
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    assert all(line.decode() for line in lines)
