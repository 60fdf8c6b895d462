"""The index: every version and shape that git writes reads as `git ls-files -s` lists it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.git.index import IndexDamaged, UnsupportedIndex
from runref.git.repository import Repository


def tracked(path: Path):
    return Repository.open(path).tracked()


def listed(path: Path) -> dict[bytes, tuple[int, str]]:
    done = subprocess.run(
        ["git", "ls-files", "-s", "-z"], cwd=path, capture_output=True, check=True
    )
    lines = (line.partition(b"\t") for line in done.stdout.split(b"\0") if line)
    return {name: (int(head[:6], 8), head.split()[1].decode()) for head, _, name in lines}


def same(path: Path) -> bool:
    ours = {name: (entry.mode, entry.oid) for name, entry in tracked(path).items()}
    return ours == listed(path) and list(ours) == list(listed(path))


def add(path: Path, names) -> None:
    """Enter paths into the index without files: any name that git takes."""
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=path,
        input=b"x",
        capture_output=True,
        check=True,
    ).stdout.strip()
    lines = b"".join(b"%s %s\t%s\0" % (mode, blob, name) for name, mode in names.items())
    subprocess.run(["git", "update-index", "-z", "--index-info"], cwd=path, input=lines, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_version_and_format(make_repo, object_format, version):
    repo = make_repo("r", f"--object-format={object_format}")
    for number in range(50):
        repo.write("d" * (number % 9 + 1) + f"/{number}/" + "n" * number, str(number))
    repo.write("run.sh", "").chmod(0o755)
    (repo.path / "link").symlink_to("run.sh")
    repo.commit()
    repo.git("update-index", "--index-version", str(version))
    if version == 3:
        repo.git("update-index", "--skip-worktree", "run.sh")
    data = (repo.path / ".git/index").read_bytes()
    assert data[7] == version
    assert same(repo.path)
    modes = {entry.mode for entry in tracked(repo.path).values()}
    assert modes == {0o100644, 0o100755, 0o120000}


def test_without_an_index_nothing_is_tracked(make_repo):
    assert tracked(make_repo("empty").path) == {}


def test_names_longer_than_the_length_field(repo):
    name = b"/".join([b"x" * 200] * 25)
    add(repo.path, {name: b"100644", name + b"y": b"100644"})
    for version in ("2", "4"):
        repo.git("update-index", "--index-version", version)
        assert name in tracked(repo.path)
        assert same(repo.path)


def test_of_a_conflict_our_side_counts(repo):
    base = repo.git("rev-parse", "HEAD")
    repo.write("train.py", "ours")
    repo.write("pkg/model.py", "ours")
    repo.commit()
    repo.git("checkout", "-q", "-b", "theirs", base)
    repo.write("train.py", "theirs")
    repo.git("rm", "-q", "pkg/model.py")
    repo.write("both.py", "theirs")
    repo.commit()
    for _ in range(2):  # a path that both sides added has no base
        repo.git("checkout", "-q", "main")
    repo.write("both.py", "ours")
    repo.commit()
    with pytest.raises(AssertionError):
        repo.git("merge", "-q", "theirs")
    entries = tracked(repo.path)
    for name in (b"train.py", b"pkg/model.py", b"both.py"):
        assert entries[name].stage == 2
        assert entries[name].oid == repo.git("rev-parse", f"main:{os.fsdecode(name)}")
    repo.git("reset", "-q", "--hard")
    repo.git("checkout", "-q", "theirs")
    with pytest.raises(AssertionError):
        repo.git("merge", "-q", "main")
    assert tracked(repo.path)[b"pkg/model.py"].stage in (1, 3)  # deleted by us: what there is


def test_flags_tell_what_is_not_checked_out_or_only_announced(repo):
    repo.git("update-index", "--skip-worktree", "train.py")
    repo.write("later.py", "x")
    repo.git("add", "-N", "later.py")
    entries = tracked(repo.path)
    assert entries[b"train.py"].skip_worktree
    assert not entries[b"train.py"].intent_to_add
    assert entries[b"later.py"].intent_to_add
    assert not entries[b"pkg/model.py"].skip_worktree
    assert same(repo.path)


def test_a_sparse_index_is_expanded_from_its_trees(repo):
    for path in ("in/a.py", "out/b.py", "out/deep/c.py", "out/deep/d.py", "z.py"):
        repo.write(path, path)
    repo.commit()
    full = listed(repo.path)
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    assert b"sdir" in (repo.path / ".git/index").read_bytes()
    ours = tracked(repo.path)
    assert {name: (entry.mode, entry.oid) for name, entry in ours.items()} == full
    assert ours[b"out/deep/c.py"].skip_worktree
    assert not ours[b"in/a.py"].skip_worktree


def test_optional_extensions_are_passed_over(repo):
    repo.git("config", "feature.manyFiles", "true")
    repo.git("config", "core.untrackedCache", "true")
    repo.write("new", "x")
    repo.commit()
    repo.git("update-index", "--force-untracked-cache")
    repo.git("status")
    data = (repo.path / ".git/index").read_bytes()
    assert b"UNTR" in data
    assert b"TREE" in data
    assert same(repo.path)


def test_an_index_without_checksum_is_read(repo):
    path = repo.path / ".git/index"
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    assert len(tracked(repo.path)) == 2


def test_damage_is_named(repo):
    path = repo.path / ".git/index"
    good = path.read_bytes()
    for bad in (good[:40] + b"\xff" + good[41:], good[:-30], good[:20], good + b"x"):
        path.write_bytes(bad)
        with pytest.raises(IndexDamaged, match="index"):
            tracked(repo.path)
    path.write_bytes(b"")
    with pytest.raises(UnsupportedIndex):
        tracked(repo.path)


@pytest.mark.parametrize(("name", "accepted"), [(b"XTRA", True), (b"xtra", False)])
def test_only_optional_unknown_extensions_are_accepted(repo, name, accepted):
    path = repo.path / ".git/index"
    body = path.read_bytes()[:-20] + name + (3).to_bytes(4, "big") + b"abc"
    path.write_bytes(body + hashlib.sha1(body).digest())
    if accepted:
        assert len(tracked(repo.path)) == 2
    else:
        with pytest.raises(UnsupportedIndex, match="xtra"):
            tracked(repo.path)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2", "4"])
def test_a_split_index_reads_as_git_reads_it(repo, version):
    names = [f"f{number:03}" for number in range(400)]
    for name in names:
        repo.write(name, name)
    repo.commit()
    repo.git("update-index", "--index-version", version)
    repo.git("config", "core.splitIndex", "true")
    repo.git("config", "splitIndex.maxPercentChange", "100")
    repo.git("update-index", "--split-index")
    assert list((repo.path / ".git").glob("sharedindex.*"))
    assert same(repo.path)
    for name in (*names[10:200], *names[201:260:3]):  # a long run, and single ones
        repo.write(name, "replaced")
    repo.write("f0105", "between")
    repo.write("zz", "last")
    repo.git("add", "-A")
    repo.git("rm", "-qf", *names[200:340:7], names[0], names[399])
    assert b"link" in (repo.path / ".git/index").read_bytes()
    assert same(repo.path)
    repo.git("update-index", "--no-split-index")
    assert same(repo.path)


def test_a_split_index_without_its_shared_file_is_named(repo):
    repo.git("update-index", "--split-index")
    (shared,) = (repo.path / ".git").glob("sharedindex.*")
    shared.unlink()
    with pytest.raises(IndexDamaged, match="shared"):
        tracked(repo.path)


def may_be_a_part(part: bytes) -> bool:
    return (
        not set(part) & {0, ord("/")} and part not in (b".", b"..") and b"git" not in part.lower()
    )


parts = st.binary(min_size=1, max_size=6).filter(may_be_a_part)
paths = st.lists(parts, min_size=1, max_size=3).map(b"/".join)


@pytest.mark.slow
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.dictionaries(paths, st.sampled_from([b"100644", b"100755", b"120000"]), max_size=12),
    version=st.sampled_from(["2", "4"]),
)
def test_any_names_read_as_git_lists_them(tmp_path_factory, names, version):
    """Bytes that are no UTF-8 and newlines included."""
    repo = tmp_path_factory.mktemp("index")
    subprocess.run(["git", "init", "-q", repo], check=True)
    add(repo, names)
    subprocess.run(["git", "update-index", "--index-version", version], cwd=repo, check=True)
    assert same(repo)


def test_reads_what_dulwich_reads(repo):
    from dulwich.index import Index

    for number in range(200):
        repo.write(f"{number % 7}/{number}.txt", str(number))
    repo.commit()
    theirs = {
        path: (e.mode, e.sha.decode()) for path, e in Index(str(repo.path / ".git/index")).items()
    }
    assert {path: (e.mode, e.oid) for path, e in tracked(repo.path).items()} == theirs
