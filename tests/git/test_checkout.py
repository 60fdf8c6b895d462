"""Writing trees out: what `git checkout` would write, and nothing outside the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runref.git.changes import Change, tree_changes
from runref.git.checkout import TargetNotEmpty, UnsafeTree, write_out
from runref.git.files import CannotWrite
from runref.git.format import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE
from runref.git.objects import ObjectMissing, TreeEntry
from runref.git.repository import Repository


@pytest.fixture
def objects(repo):
    return Repository.open(repo.path).objects


def content(folder: Path) -> dict[bytes, object]:
    """What lies below a folder: content and exec bit of files, targets of links."""
    found: dict[bytes, object] = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            is_what: object = path.readlink()
        elif path.is_file():
            is_what = (path.read_bytes(), os.access(path, os.X_OK))
        else:
            is_what = "folder"
        found[os.fsencode(path.relative_to(folder))] = is_what
    return found


def test_writes_what_git_checks_out(repo, objects, tmp_path):
    repo.write(b"non-utf8 \xff\nnewline", b"\0binary\xff")
    repo.write("deep/er/file", "x")
    repo.write("run.sh", "#!").chmod(0o755)
    (repo.path / "inside").symlink_to("deep/er/file")
    (repo.path / "outside").symlink_to("/etc/passwd")
    (repo.path / "dangling").symlink_to("../nowhere")
    repo.commit()
    repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "git"))
    (tmp_path / "git/.git").unlink()
    (tmp_path / "ours").mkdir()
    report = write_out(objects, repo.git("rev-parse", "HEAD^{tree}"), tmp_path / "ours")
    assert content(tmp_path / "ours") == content(tmp_path / "git")
    assert (report.files, report.skipped) == (8, ())
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "ours/run.sh").stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE((tmp_path / "ours/train.py").stat().st_mode) == 0o666 & ~mask


def test_submodules_become_empty_folders_and_are_named(objects, tmp_path):
    blob = objects.write_blob(b"x")
    link = TreeEntry(b"sub", GITLINK, "ab" * 20)
    inner = objects.write_tree([link, TreeEntry(b"f", FILE, blob)])
    tree = objects.write_tree([TreeEntry(b"libs", TREE, inner)])
    report = write_out(objects, tree, tmp_path / "new")
    assert (report.files, report.skipped) == (1, (b"libs/sub",))
    assert content(tmp_path / "new")[b"libs/sub"] == "folder"


def raw_tree(objects, *entries: tuple[bytes, int, str]) -> str:
    """A tree as git would never write it."""
    parts = (b"%o %s\0%s" % (mode, name, bytes.fromhex(oid)) for name, mode, oid in entries)
    return objects.write("tree", b"".join(parts))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        b"..",
        b".",
        b"",
        b".git",
        b".GIT",
        b".git ",
        b".git.",
        b"git~1",
        b"GIT~1",
        b"/etc",
        b"a/b",
        b"../x",
        ".g\u200cit".encode(),
        b".git::$INDEX_ALLOCATION",
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_names_that_would_escape_are_refused(objects, tmp_path, name, nested):
    blob = objects.write_blob(b"evil")
    tree = raw_tree(objects, (name, FILE, blob))
    if nested:
        tree = raw_tree(objects, (b"folder", TREE, tree))
    before = content(tmp_path)
    with pytest.raises(UnsafeTree):
        write_out(objects, tree, tmp_path / "target")
    assert set(content(tmp_path)) - set(before) <= {b"target", b"target/folder"}


def test_links_are_never_followed_while_writing(objects, tmp_path):
    """The same name once as a link out of the folder, and once as a folder or a file."""
    (tmp_path / "outside").mkdir()
    blob = objects.write_blob(b"evil")
    entries = {
        "link": (b"x", SYMLINK, objects.write_blob(os.fsencode(tmp_path / "outside"))),
        "tree": (b"x", TREE, objects.write_tree([TreeEntry(b"planted", FILE, blob)])),
        "new": (b"x", SYMLINK, objects.write_blob(os.fsencode(tmp_path / "outside/planted"))),
        "file": (b"x", FILE, blob),
    }
    for order in (("link", "tree"), ("tree", "link"), ("new", "file"), ("file", "new")):
        tree = raw_tree(objects, *(entries[which] for which in order))
        with pytest.raises(UnsafeTree, match="twice") as caught:
            write_out(objects, tree, tmp_path / "-".join(order))
        assert "file system" in caught.value.hint
    assert not list((tmp_path / "outside").iterdir())


def test_the_target_must_be_new_or_empty(repo, objects, tmp_path):
    tree = repo.git("rev-parse", "HEAD^{tree}")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/precious").write_text("x")
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "full", tmp_path / "file"):
        with pytest.raises(TargetNotEmpty, match=target.name):
            write_out(objects, tree, target)
    with pytest.raises(CannotWrite, match="no/parent"):
        write_out(objects, tree, tmp_path / "no/parent")
    assert (tmp_path / "full/precious").read_text() == "x"


def test_a_missing_object_is_named(objects, tmp_path):
    tree = objects.write_tree([TreeEntry(b"f", FILE, "ab" * 20)])
    with pytest.raises(ObjectMissing, match="abab"):
        write_out(objects, tree, tmp_path / "target")


# changes


def changed(objects, old, new, **options) -> dict[bytes, str]:
    letters = {(True, False): "D", (False, True): "A", (True, True): "M"}
    found: dict[bytes, str] = {}
    for path, was, now in tree_changes(objects, old, new, **options):
        found[path] = found.get(path, "") + letters[was is not None, now is not None]
    return found


def test_changes_are_those_of_git_diff_tree(repo, objects):
    for path in (
        "same/a",
        "same/b",
        "edit",
        "gone",
        "mode",
        "to-folder",
        "from-folder/x",
        "from-folder/y",
    ):
        repo.write(path, path)
    repo.commit()
    repo.write("edit", "edited")
    (repo.path / "gone").unlink()
    (repo.path / "mode").chmod(0o755)
    (repo.path / "to-folder").unlink()
    repo.write("to-folder/new", "x")
    repo.git("rm", "-rqf", "from-folder")
    repo.write("from-folder", "x")
    repo.write("added/deep/er", "x")
    repo.commit()
    old, new = repo.git("rev-parse", "HEAD~1^{tree}"), repo.git("rev-parse", "HEAD^{tree}")
    lines = repo.git("diff-tree", "-r", "--no-renames", "--name-status", old, new).splitlines()
    expected = {os.fsencode(line.split("\t")[1]): line[0] for line in lines}
    assert changed(objects, old, new) == expected
    assert changed(objects, old, old) == {}
    whole = {
        os.fsencode(p): "A" for p in repo.git("ls-tree", "-r", "--name-only", new).splitlines()
    }
    assert changed(objects, "", new) == whole
    assert changed(objects, new, "") == dict.fromkeys(whole, "D")
    assert changed(objects, "", "") == {}


def test_equal_folders_are_not_read_and_depth_bounds_the_rest(repo, objects):
    absent = "ab" * 20  # reading it would raise
    blob = objects.write_blob(b"x")

    def tree(*names: bytes) -> str:
        run = [TreeEntry(b"code", TREE, absent), TreeEntry(b"run.yaml", FILE, blob)]
        day = [TreeEntry(name, TREE, objects.write_tree(run)) for name in names]
        return objects.write_tree([TreeEntry(b"day", TREE, objects.write_tree(day))])

    old, new = tree(b"1", b"2"), tree(b"2", b"3")
    assert changed(objects, old, new, depth=2) == {b"day/1": "D", b"day/3": "A"}
    assert changed(objects, old, new, depth=1) == {b"day": "M"}
    assert changed(objects, absent, absent) == {}
    with pytest.raises(ObjectMissing):
        changed(objects, old, new)


def test_a_mode_is_a_change(objects):
    blob = objects.write_blob(b"x")
    old = objects.write_tree([TreeEntry(b"f", FILE, blob)])
    new = objects.write_tree([TreeEntry(b"f", EXECUTABLE, blob)])
    (change,) = tree_changes(objects, old, new)
    assert change == Change(b"f", TreeEntry(b"f", FILE, blob), TreeEntry(b"f", EXECUTABLE, blob))
