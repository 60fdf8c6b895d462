"""The tree of a snapshot is the working tree, and nothing of the user's is touched."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.capture.snapshot import SnapshotRules, stat_cache, take_snapshot
from runref.capture.snapshot.survey import WorkingTreeUnreadable
from runref.git.repository import Repository


def test_edits_untracked_deleted_links_and_exec_bits(repo, take, held, added) -> None:
    repo.write("gone.py", "x")
    repo.write("tool.sh", "#!/bin/sh\n")
    repo.write(".gitignore", "*.log\n/out/\n")
    repo.commit()
    repo.write("train.py", "print('edited')\n")
    repo.write("helper/new.py", "NEW = 1\n")
    repo.write("noise.log", "ignored")
    repo.write("out/result", "ignored")
    (repo.path / "gone.py").unlink()
    (repo.path / "tool.sh").chmod(0o755)
    (repo.path / "link").symlink_to("train.py")
    (repo.path / "to-folder").symlink_to("pkg")
    (repo.path / "loop").symlink_to("loop")
    (repo.path / "empty").mkdir()

    code = take(repo)
    found = held(repo, code.tree)

    assert set(found) == {
        b".gitignore", b"helper/new.py", b"link", b"loop", b"pkg/model.py", b"to-folder",
        b"tool.sh", b"train.py",
    }  # fmt: skip
    assert found[b"tool.sh"][0] == "100755"
    assert found[b"to-folder"][0] == "120000"
    assert repo.git("show", f"{code.tree}:train.py") == "print('edited')"
    assert (code.edited, code.untracked, code.deleted) == (2, 4, 1)
    assert (code.files, code.left_out) == (8, ())
    assert code.commit == repo.git("rev-parse", "HEAD")
    assert code.branch == "main"
    assert code.tree == added(repo)
    repo.fsck()


def test_the_users_state_is_untouched(repo, take) -> None:
    repo.write("train.py", "stashed\n")
    repo.git("stash")
    repo.write("pkg/model.py", "staged\n")
    repo.git("add", "pkg/model.py")
    repo.write("pkg/model.py", "staged, then edited\n")
    repo.write("new.py", "x")

    def state() -> tuple[object, ...]:
        index = repo.path / ".git/index"
        files = {
            path: (path.lstat().st_mtime_ns, path.read_bytes())
            for path in repo.path.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(repo.path).parts
        }
        return (
            index.read_bytes(),
            index.stat().st_mtime_ns,
            repo.git("for-each-ref"),
            repo.git("stash", "list"),
            (repo.path / ".git/HEAD").read_bytes(),
            files,
        )

    before = state()
    code = take(repo)
    assert repo.git("show", f"{code.tree}:pkg/model.py") == "staged, then edited"
    assert state() == before


def test_tracked_files_count_even_where_ignored(repo, take, held, added) -> None:
    repo.write("kept/a.bin", "1")
    repo.write("kept/sub/b.bin", "2")
    repo.write("single.bin", "3")
    repo.commit()
    repo.write(".gitignore", "kept/\n*.bin\n")
    repo.write("kept/sub/b.bin", "2 edited")
    repo.write("kept/other.bin", "untracked and ignored")
    for _ in range(2):
        code = take(repo)
        assert {b"kept/a.bin", b"kept/sub/b.bin", b"single.bin"} <= set(held(repo, code.tree))
        assert b"kept/other.bin" not in held(repo, code.tree)
        assert code.tree == added(repo)
    (repo.path / "kept/a.bin").unlink()
    code = take(repo)
    assert code.deleted == 1
    repo.write("kept/a.bin", "back")
    code = take(repo)
    assert code.deleted == 0
    assert code.tree == added(repo)


def test_a_link_in_an_ignored_folder_holds_no_tracked_files(repo, take, held, added) -> None:
    repo.write("kept/sub/b.bin", "1")
    repo.commit()
    repo.write(".gitignore", "kept/\n")
    shutil.move(repo.path / "kept/sub", repo.path / "moved")
    (repo.path / "kept/sub").symlink_to("../moved")
    code = take(repo)
    assert b"kept/sub/b.bin" not in held(repo, code.tree)
    assert code.tree == added(repo)


def test_a_folder_that_became_a_link_holds_no_tracked_files(repo, take, held, added) -> None:
    shutil.move(repo.path / "pkg", repo.path / "moved")
    (repo.path / "pkg").symlink_to("moved")
    code = take(repo)
    assert held(repo, code.tree)[b"pkg"][0] == "120000"
    assert code.tree == added(repo)
    assert (code.deleted, code.untracked) == (1, 2)


def test_names_of_any_bytes(repo, take, held, added) -> None:
    names = [
        b"two\nlines",
        b"sp ace",
        b"\xff\xfe",
        "é".encode(),
        b'quo"te',
        b"back\\slash",
        b"\x01",
    ]
    for name in names:
        repo.write(name, name)
        repo.write(b"d" + name + b"/" + name, name)
    code = take(repo)
    assert set(names) <= set(held(repo, code.tree))
    assert code.tree == added(repo)
    assert take(repo) == code


def test_no_commit_yet(make_repo, take, added) -> None:
    repo = make_repo()
    code = take(repo)
    assert (code.tree, code.files, code.commit) == (added(repo), 0, "")
    repo.write("staged.py", "x")
    repo.git("add", "staged.py")
    repo.write("untracked.py", "x")
    code = take(repo)
    assert (code.commit, code.branch) == ("", "main")
    assert (code.edited, code.untracked, code.deleted) == (1, 1, 0)
    assert code.tree == added(repo)


def test_detached_head(repo, take) -> None:
    repo.git("checkout", "-q", "--detach")
    code = take(repo)
    assert (code.commit, code.branch) == (repo.git("rev-parse", "HEAD"), "")
    assert code.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert (code.edited, code.untracked, code.deleted) == (0, 0, 0)


def test_counts_follow_the_commit(repo, take) -> None:
    repo.write("train.py", "edited\n")
    repo.write("staged.py", "new\n")
    repo.git("add", "staged.py")
    repo.write("pkg/other.py", "untracked\n")
    first = take(repo)
    assert (first.edited, first.untracked, first.deleted) == (2, 1, 0)
    repo.commit()
    second = take(repo)
    assert second.tree == first.tree
    assert (second.edited, second.untracked, second.deleted) == (0, 0, 0)
    repo.git("rm", "-q", "--cached", "train.py")
    third = take(repo)
    assert third.tree == first.tree
    assert (third.edited, third.untracked, third.deleted) == (0, 1, 0)


def test_file_and_folder_trade_places(repo, take, added) -> None:
    (repo.path / "train.py").unlink()
    repo.write("train.py/inside.py", "x")
    shutil.rmtree(repo.path / "pkg")
    repo.write("pkg", "now a file")
    code = take(repo)
    assert code.tree == added(repo)
    assert (code.untracked, code.deleted) == (2, 2)


def test_linked_worktree(repo, take, added, tmp_path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(repo)(tmp_path / "linked")
    linked.write("train.py", "in the linked worktree\n")
    in_main, in_linked = take(repo), take(linked)
    assert in_main.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert in_linked.tree == added(linked)
    assert in_linked.branch == "side"
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_sha256_repository(make_repo, take, added) -> None:
    repo = make_repo("repo", "--object-format=sha256")
    repo.write("a/b.py", "x")
    repo.commit()
    repo.write("c.py", "y")
    code = take(repo)
    assert len(code.tree) == 64
    assert code.tree == added(repo)
    repo.fsck()


def test_exec_bits_where_they_mean_nothing(repo, take, held, added) -> None:
    repo.write("tool.sh", "x")
    (repo.path / "tool.sh").chmod(0o755)
    repo.commit()
    repo.git("config", "core.fileMode", "false")
    (repo.path / "tool.sh").chmod(0o644)
    (repo.path / "train.py").chmod(0o755)
    code = take(repo)
    assert held(repo, code.tree)[b"tool.sh"][0] == "100755"
    assert held(repo, code.tree)[b"train.py"][0] == "100644"
    assert code.tree == added(repo)


def test_a_sparse_checkout_has_deleted_nothing(repo, take, held) -> None:
    repo.git("sparse-checkout", "set", "--no-cone", "/train.py")
    assert not (repo.path / "pkg").exists()
    code = take(repo)
    assert set(held(repo, code.tree)) == {b"train.py"}
    assert code.deleted == 0


def test_a_folder_that_is_no_checkout(repo, take, held, tmp_path) -> None:
    code_folder = tmp_path / "copied"
    repo.write(".git/info/exclude", "*.py\n")
    for name, content in {
        "run.py": "x",
        ".gitignore": "*.log\n",
        "a.log": "x",
        "p/b.py": "y",
    }.items():
        path = code_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    code = take(code_folder, store=repo.path)
    assert set(held(repo, code.tree)) == {b".gitignore", b"p/b.py", b"run.py"}
    assert (code.commit, code.branch, code.edited, code.untracked) == ("", "", 0, 3)
    assert take(code_folder, store=repo.path) == code


def test_another_checkout_recorded_into_a_store(make_repo, repo, take, held) -> None:
    store = make_repo("store")
    repo.write("train.py", "edited")
    code = take(repo, store=store.path)
    assert set(held(store, code.tree)) == {b"train.py", b"pkg/model.py"}
    assert (code.commit, code.edited) == (repo.git("rev-parse", "HEAD"), 1)


def test_the_store_inside_the_folder_is_not_in_the_snapshot(tmp_path, take, held) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "--bare", folder / "runs.git"], check=True)
    (folder / "run.py").write_text("x")
    code = take(folder, store=folder / "runs.git")
    assert set(held(folder / "runs.git", code.tree)) == {b"run.py"}


def test_own_folders_inside_are_not_in_the_snapshot(repo, take, held, trusting) -> None:
    repo.write("runs/live/.gitkeep", "")
    repo.commit()
    repo.write("runs/live/console", "step 1\n")
    repo.write("runs/plot.py", "import live\n")
    assert b"runs/live/console" in held(repo, take(repo).tree)
    (repo.path / "link").symlink_to("runs")
    # That the last snapshot had them does not matter, nor how the folder is called.
    for _ in range(2):
        code = take(repo, own_folders=[repo.path / "link/live"])
        assert (code.edited, code.untracked, code.deleted) == (0, 2, 0)
        found = held(repo, code.tree).keys()
        assert {path for path in found if path.startswith(b"runs/")} == {
            b"runs/plot.py",
            b"runs/live/.gitkeep",  # git has it anyway, so it is not taken for deleted
        }
    assert code.left_out == ()


def test_a_missing_root_is_named(repo, tmp_path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(WorkingTreeUnreadable, match="gone"):
        take_snapshot(
            Repository.discover(repo.path), gone, SnapshotRules(), cache_dir=tmp_path / "cache"
        )


def test_special_files_are_named(repo, take) -> None:
    os.mkfifo(repo.path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(repo.path / "socket"))
        code = take(repo)
    assert [(left.path, left.reason) for left in code.left_out] == [
        ("pipe", "special"),
        ("socket", "special"),
    ]
    assert code.tree == repo.git("rev-parse", "HEAD^{tree}")


def test_a_pipe_in_the_place_of_a_tracked_file(repo, take) -> None:
    (repo.path / "train.py").unlink()
    os.mkfifo(repo.path / "train.py")
    code = take(repo)
    assert [left.reason for left in code.left_out] == ["special"]
    assert code.files == 1


def test_what_vanishes_meanwhile_is_named(repo, take, held) -> None:
    for number in range(5):
        repo.write(f"new/{number}.py", str(number))
    seen = []

    def remove_the_rest(done: int, total: int) -> None:
        seen.append((done, total))
        shutil.rmtree(repo.path / "new", ignore_errors=True)

    code = take(repo, progress=remove_the_rest)
    assert seen == [(number, 7) for number in range(1, 8)]
    vanished = {left.path for left in code.left_out}
    assert {left.reason for left in code.left_out} == {"vanished"}
    in_tree = {os.fsdecode(path) for path in held(repo, code.tree) if path.startswith(b"new/")}
    assert vanished | in_tree == {f"new/{number}.py" for number in range(5)}
    assert len(vanished) >= 4
    assert take(repo).left_out == ()


def test_what_becomes_a_pipe_meanwhile_is_not_waited_for(repo, take) -> None:
    for number in range(3):
        repo.write(f"new/{number}.py", str(number))

    def replace_the_rest(done: int, total: int) -> None:
        if done == 1:
            shutil.rmtree(repo.path / "new")
            (repo.path / "new").mkdir()
            for number in range(3):
                os.mkfifo(repo.path / f"new/{number}.py")

    code = take(repo, progress=replace_the_rest)
    assert {left.reason for left in code.left_out} == {"vanished"}


AS_NOBODY = """
import os, sys
from pathlib import Path
from runref.capture.snapshot import SnapshotRules, take_snapshot
from runref.git.repository import Repository

os.umask(0)
root, cache = map(Path, sys.argv[1:])
repository = Repository.discover(root)
def take():
    code = take_snapshot(repository, root, SnapshotRules(), cache_dir=cache)
    return code.files, [(left.path, left.reason) for left in code.left_out]
take()  # imports what root alone may be able to read
if os.geteuid() == 0:
    os.seteuid(65534)
print(take())
print(take())
"""


def test_what_cannot_be_read_is_named(repo) -> None:
    """In a process that may not read everything, as root may."""
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder, "repo"), Path(folder, "cache")
        shutil.copytree(repo.path, root)
        cache.mkdir()
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(path.stat().st_mode | 0o777)
        (root / "closed").mkdir(mode=0)
        (root / "train.py").chmod(0)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(root), str(cache)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    expected = "(1, [('closed/', 'unreadable'), ('train.py', 'unreadable')])"
    assert done.stdout.splitlines() == [expected, expected], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [b"git~1", b".GIT", b".git ", b".git.", b".git::$DATA", b"a\\.git", ".g\u200cit".encode()],
)
@pytest.mark.parametrize("folder", [False, True])
def test_names_that_git_refuses(repo, take, name: bytes, folder: bool) -> None:
    if folder:
        repo.write(name + b"/inside", "x")
    else:
        repo.write(name, "x")
    code = take(repo)
    assert [left.reason for left in code.left_out] == ["name"]
    assert os.fsencode(code.left_out[0].path).rstrip(b"/") == name
    assert code.tree == repo.git("rev-parse", "HEAD^{tree}")
    # git's own judgement: were it in a tree, the repository would not be clean.
    made = repo.git("hash-object", "-w", "--stdin", input=b"x")
    line = b"100644 blob %s\t%s\0" % (made.encode(), name)
    repo.git("mktree", "-z", input=line)
    with pytest.raises(AssertionError, match="hasDotgit"):
        repo.fsck()


def test_a_gitmodules_that_is_a_link(repo, take) -> None:
    (repo.path / ".gitmodules").symlink_to("train.py")
    code = take(repo)
    assert [(left.path, left.reason) for left in code.left_out] == [(".gitmodules", "name")]
    repo.fsck()


names = st.sampled_from(["a", "b.py", "c", "d e", "x.log", "ünï"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
edits = st.one_of(
    st.tuples(st.just("write"), paths, st.sampled_from(["", "1", "two\n", "three"])),
    st.tuples(st.just("remove"), paths, st.just("")),
    st.tuples(st.just("link"), paths, st.sampled_from(["a", "nowhere", "."])),
    st.tuples(st.just("exec"), paths, st.just("")),
    st.tuples(
        st.just("ignore"),
        st.sampled_from(["", "a/", "c/"]),
        st.sampled_from(["x.log\n", "c/\n*.py\n!b.py\n"]),
    ),
    st.tuples(st.just("commit"), st.just(""), st.just("")),
    st.tuples(st.just("stage"), st.just(""), st.just("")),
    st.tuples(st.just("take"), st.just(""), st.just("")),
)


numbers = itertools.count()


def apply(repo, edit: tuple[str, str, str]) -> None:
    kind, name, value = edit
    target = repo.path / name / ".gitignore" if kind == "ignore" else repo.path / name
    if kind == "stage":
        repo.git("add", "-A")
    elif kind == "commit":
        repo.commit()
    elif kind == "remove" and target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    elif kind == "remove":
        # Whatever stands in the way of the path means that it is not there.
        with suppress(OSError):
            target.unlink()
    elif kind == "exec" and target.is_file() and not target.is_symlink():
        target.chmod(target.stat().st_mode ^ 0o111)
    elif kind in {"write", "link", "ignore"}:
        put(repo.path, target, value, link=kind == "link")


def put(root: Path, target: Path, value: str, *, link: bool) -> None:
    """Write a file or link, unless a file, link or folder is in the way."""
    above = [folder for folder in target.parents if folder != root and root in folder.parents]
    if any(f.is_symlink() or f.is_file() for f in above) or target.is_dir() or target.is_symlink():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.unlink(missing_ok=True)
        target.symlink_to(value)
    else:
        target.write_text(value)
    # Two edits within one tick of the clock have different times, so that they can be believed.
    now = 1_700_000_000_000_000_000 + next(numbers)
    os.utime(target, ns=(now, now), follow_symlinks=False)


@pytest.mark.slow
@pytest.mark.parametrize("belief", ["cautious", "trusting"])
@given(steps=st.lists(edits, max_size=14))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_tree_is_what_git_would_add(
    make_repo, take, added, monkeypatch, belief: str, steps: list[tuple[str, str, str]]
) -> None:
    if belief == "trusting":
        monkeypatch.setattr(stat_cache, "_SETTLED_AFTER", -(10**10))
    repo = make_repo(f"law-{next(numbers)}")
    for step in steps:
        if step[0] == "take":
            assert take(repo).tree == added(repo)
        else:
            apply(repo, step)
    code = take(repo)
    assert code.tree == added(repo)
    assert take(repo) == code
    assert (code.edited, code.untracked, code.deleted) == counted_by_git(repo, code.tree)


def counted_by_git(repo, tree: str) -> tuple[int, int, int]:
    commit = repo.git("rev-parse", "-q", "--verify", "HEAD^{tree}") if has_commit(repo) else EMPTY
    changes = repo.git("diff-tree", "-r", "-z", "--no-renames", "--name-status", commit, tree)
    fields = changes.split("\0")[:-1]
    tracked = set(repo.git("ls-files", "-z").split("\0"))
    kinds = dict(zip(fields[1::2], fields[0::2], strict=True))
    untracked = {path for path, kind in kinds.items() if kind == "A" and path not in tracked}
    deleted = {path for path, kind in kinds.items() if kind == "D"}
    return len(kinds) - len(untracked) - len(deleted), len(untracked), len(deleted)


EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def has_commit(repo) -> bool:
    return bool(repo.git("for-each-ref", "refs/heads"))
