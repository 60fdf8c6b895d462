"""Trees from elsewhere: whole, as git writes them, and no larger than they look."""

from __future__ import annotations

import os

import pytest

from runref.git.closure import Closure, TreeRefused
from runref.git.format import FILE, GITLINK, TREE, TreeEntry
from runref.git.pack_reader import PackedObject
from runref.git.repository import Repository


class Trees:
    """Writes objects, and says which came."""

    def __init__(self, repo) -> None:
        self.objects = Repository.open(repo.path, environ=os.environ).objects
        self.held: dict[str, PackedObject] = {}

    def blob(self, data: bytes = b"x") -> str:
        return self._hold(self.objects.write_blob(data), "blob")

    def tree(self, *entries: TreeEntry) -> str:
        return self._hold(self.objects.write_tree(entries), "tree")

    def raw(self, body: bytes) -> str:
        return self._hold(self.objects.write("tree", body), "tree")

    def closure(self, **limits: int) -> Closure:
        return Closure(self.objects, self.held, **limits)

    def _hold(self, oid: str, kind) -> str:
        self.held[oid] = PackedObject(kind, 0)
        return oid


@pytest.fixture
def trees(repo) -> Trees:
    return Trees(repo)


def test_everything_that_is_reached_is_told(trees):
    inner = trees.tree(TreeEntry(b"a", FILE, trees.blob()), TreeEntry(b"b", FILE, trees.blob(b"b")))
    elsewhere = TreeEntry(b"sub", GITLINK, "1" * 40)
    root = trees.tree(TreeEntry(b"in", TREE, inner), TreeEntry(b"on", TREE, inner), elsewhere)
    closure = trees.closure()
    assert closure.walk(root, "code") == 7
    assert closure.reached == trees.held.keys()


def test_what_did_not_come_is_named_even_if_it_is_here(trees):
    blob = trees.objects.write_blob(b"is here already")
    root = trees.tree(TreeEntry(b"secret", FILE, blob))
    with pytest.raises(TreeRefused, match=r"'code/secret': object .* is missing"):
        trees.closure().walk(root, "code")


def test_a_file_that_is_a_folder_and_the_other_way_round(trees):
    for entry in (TreeEntry(b"a", FILE, trees.tree()), TreeEntry(b"a", TREE, trees.blob())):
        with pytest.raises(TreeRefused, match="should be"):
            trees.closure().walk(trees.tree(entry), "")


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b"a/b", b"git~1"])
def test_names_that_lead_elsewhere(trees, name):
    root = trees.tree(TreeEntry(name, FILE, trees.blob()))
    with pytest.raises(TreeRefused, match="it holds the name"):
        trees.closure().walk(root, "")


def test_names_out_of_order_or_twice(trees):
    blob, folder = bytes.fromhex(trees.blob()), bytes.fromhex(trees.tree())
    for body in (
        b"100644 b\0" + blob + b"100644 a\0" + blob,
        b"100644 a\0" + blob + b"100644 a\0" + blob,
        b"100644 a\0" + blob + b"40000 a\0" + folder,
        b"100644 a\0" + blob + b"100644 a.b\0" + blob + b"40000 a\0" + folder,
    ):
        with pytest.raises(TreeRefused, match=r"twice or out of order|of one name"):
            trees.closure().walk(trees.raw(body), "")


def test_modes_that_git_does_not_have(trees):
    body = b"100666 a\0" + bytes.fromhex(trees.blob())
    with pytest.raises(TreeRefused, match="the mode 100666"):
        trees.closure().walk(trees.raw(body), "")


def test_few_trees_that_unfold_to_very_many_paths(trees):
    tree = trees.tree(TreeEntry(b"x", FILE, trees.blob()))
    for _ in range(12):
        tree = trees.tree(*(TreeEntry(b"%d" % each, TREE, tree) for each in range(10)))
    with pytest.raises(TreeRefused, match="more than 1,000,000 paths"):
        trees.closure().walk(tree, "")


def test_folders_that_lie_too_deep_in_each_other(trees):
    tree = trees.tree()
    for _ in range(300):
        tree = trees.tree(TreeEntry(b"d", TREE, tree))
    closure = trees.closure()
    with pytest.raises(TreeRefused, match="more than 200 folders"):
        closure.walk(tree, "")


def test_depth_is_that_of_the_place_where_a_tree_stands(trees):
    tree = trees.tree()
    for _ in range(5):
        tree = trees.tree(TreeEntry(b"d", TREE, tree))
    closure = trees.closure(deepest=8)
    closure.walk(tree, "")
    for _ in range(3):
        tree = trees.tree(TreeEntry(b"e", TREE, tree))
    with pytest.raises(TreeRefused, match="more than 8 folders"):
        closure.walk(tree, "")
