"""Patches are what git applies, and where git has no choice, what git itself writes."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.git.format import EXECUTABLE, FILE, SYMLINK, TREE, TreeEntry
from runref.git.repository import Repository
from runref.model.line_difference import count_lines, differing_blocks, split_lines
from runref.model.patch import HEADER, Side, file_patch
from runref.project.comparing.code import changed_files

lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"def f():\n", b"\r\n"]))
texts = st.builds(lambda body, rest: b"".join(body) + rest, lines, st.sampled_from([b"", b"z"]))
contents = st.one_of(texts, st.binary(max_size=30), st.just(b"\0" * 60))
names = st.sampled_from(
    [b"a", b"b c", b"caf\xc3\xa9", b"raw\xff", b'quo"te', b"tab\there", b"new\nline", b"-x", b"d"]
)
files = st.tuples(st.sampled_from([FILE, EXECUTABLE]), contents)
links = st.tuples(st.just(SYMLINK), st.sampled_from([b"a", b"d/e", b"nowhere"]))
entries = st.one_of(files, files, links)
trees = st.dictionaries(names, entries | st.dictionaries(names, entries, min_size=1))


@given(st.lists(st.integers(0, 6)), st.lists(st.integers(0, 6)))
def test_what_lies_between_the_blocks_is_equal(left: list[int], right: list[int]) -> None:
    at = other = 0
    rebuilt: list[int] = []
    for block in differing_blocks(left, right):
        assert block.left_start - at == block.right_start - other
        rebuilt += left[at : block.left_start] + right[block.right_start : block.right_end]
        at, other = block.left_end, block.right_end
    assert rebuilt + left[at:] == right


@given(st.lists(st.integers(0, 6)), st.lists(st.integers(0, 6)))
def test_equal_sequences_have_no_blocks_and_sides_swap(left: list[int], right: list[int]) -> None:
    assert differing_blocks(left, left) == []
    added, removed = count_lines(differing_blocks(left, right))
    assert added - removed == len(right) - len(left)
    assert bool(added or removed) == (left != right)


@pytest.mark.slow
def test_one_line_that_moved_far_is_one_line() -> None:
    left = [b"%d\n" % number for number in range(50_000)]
    right = [*left[1:], left[0]]
    assert count_lines(differing_blocks(left, right)) == (1, 1)


def test_lines_that_never_repeat_alone_have_an_end() -> None:
    left = [b"xy"[n * n % 7 % 2 : 1 + n * n % 7 % 2] for n in range(30_000)]
    right = [b"xy"[n * n % 11 % 2 : 1 + n * n % 11 % 2] for n in range(30_000)]
    added, removed = count_lines(differing_blocks(left, right))
    assert 0 < added <= 30_000
    assert 0 < removed <= 30_000


def write_tree(objects: Any, tree: dict[bytes, Any]) -> str:
    entries = [
        TreeEntry(name, TREE, write_tree(objects, held))
        if isinstance(held, dict)
        else TreeEntry(name, held[0], objects.write_blob(held[1]))
        for name, held in tree.items()
    ]
    return str(objects.write_tree(entries))


def patch(objects: Any, old: str, new: str, *, binary: bool = True) -> bytes:
    def side(entry: TreeEntry | None) -> Side | None:
        return entry and Side(entry.mode, entry.oid, objects.read_blob(entry.oid))

    return b"".join(
        line.text + b"\n"
        for change in changed_files(objects, old, new)
        for line in file_patch(change.path, side(change.old), side(change.new), binary=binary)
    )


def git(repo: Any, *arguments: str, data: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", *arguments], cwd=repo.path, input=data, capture_output=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert not done.returncode or arguments[0] == "diff", done.stderr
    return done.stdout


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(trees, trees)
def test_git_applies_it_and_has_the_other_tree(repo: Any, old: Any, new: Any) -> None:
    objects = Repository.open(repo.path).objects
    before, after = write_tree(objects, old), write_tree(objects, new)
    text = patch(objects, before, after)
    assert bool(text) == (before != after)
    git(repo, "read-tree", before)
    if text:
        git(repo, "apply", "--cached", "--whitespace=nowarn", data=text)
    assert git(repo, "write-tree").decode().strip() == after


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(trees, trees)
def test_headers_are_those_of_git(repo: Any, old: Any, new: Any) -> None:
    objects = Repository.open(repo.path).objects
    before, after = write_tree(objects, old), write_tree(objects, new)
    theirs = git(repo, "diff", "--no-renames", "--abbrev=7", before, after)
    assert headers(patch(objects, before, after, binary=False)) == headers(theirs)


def headers(text: bytes) -> list[bytes]:
    """Everything that is no hunk; git's choice of what to match is its own."""
    return [line for line in text.split(b"\n") if line and line[:1] in b"dnoiB"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b"a\n"),
        (b"a", b"a\n"),
        (b"one\n", b""),
        (b"".join(b"%d\n" % n for n in range(40)), b"".join(b"%d\n" % n for n in range(5, 45))),
        (
            b"def f():\n" + b"    x\n" * 9 + b"    y\n    end\n",
            b"def f():\n" + b"    x\n" * 9 + b"    z\n    end\n",
        ),
        (
            b"a\n" + b"".join(b"%d\n" % n for n in range(6)) + b"b\n",
            b"".join(b"%d\n" % n for n in range(6)),
        ),
        (
            b"a\n" + b"".join(b"%d\n" % n for n in range(7)) + b"b\n",
            b"".join(b"%d\n" % n for n in range(7)),
        ),
        (b"caf\xe9\r\nb\n", b"caf\xe8\r\nb\n"),
        (b"class A:\n  a\n  b\n  c\n  d\n  e\n" * 3, b"class A:\n  a\n  b\n  c\n  d\n  f\n" * 3),
    ],
)
@pytest.mark.parametrize("name", [b"plain.py", b"with space.py", b"\xc3\xa9.py"])
def test_it_is_what_git_writes(repo: Any, old: bytes, new: bytes, name: bytes) -> None:
    objects = Repository.open(repo.path).objects
    before, after = (write_tree(objects, {name: (FILE, data)}) for data in (old, new))
    theirs = git(repo, "diff", "--abbrev=7", "--patience", before, after)
    assert patch(objects, before, after).decode("latin-1") == theirs.decode("latin-1")


def test_a_submodule_and_a_file_too_large_are_named(repo: Any) -> None:
    oids = ["1" * 40, "2" * 40]
    old, new = (Side(0o160000, oid, b"Subproject commit %s\n" % oid.encode()) for oid in oids)
    text = b"\n".join(line.text for line in file_patch(b"sub", old, new))
    assert text == (
        b"diff --git a/sub b/sub\nindex 1111111..2222222 160000\n--- a/sub\n+++ b/sub\n"
        b"@@ -1 +1 @@\n-Subproject commit " + b"1" * 40 + b"\n+Subproject commit " + b"2" * 40
    )
    large = list(file_patch(b"x", Side(FILE, oids[0], None), Side(FILE, oids[1], b"a\n")))
    assert large[-1] == (HEADER, b"Binary files a/x and b/x differ")


def test_lines_end_at_newlines_alone() -> None:
    assert split_lines(b"a\rb\x0cc\nd") == [b"a\rb\x0cc\n", b"d"]
    assert split_lines(b"") == []
    assert split_lines(b"\n") == [b"\n"]
