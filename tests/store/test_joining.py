"""Two histories become one: the same tree from either side, and no commit is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import GitRepo

from runref.model.codec import dump_yaml
from runref.model.ids import run_path
from runref.model.merge import HistoriesDisagree
from runref.store.joining import Joined, graft, join
from runref.store.runs_ref import Addition
from runref.store.trees import BLOB, TreeEditor

MOMENT = "2026-11-21T14:03:12.123456Z"
ONE, TWO, THREE = (f"20261121-{number:012x}" for number in (1, 0x20, 0x300000000000))


@pytest.fixture
def clone(make_repo: Callable[..., Any], make_writer: Callable[..., Any]) -> Callable[[str], Any]:
    """Make a repository of its own, with a writer."""

    def make(name: str) -> Any:
        return make_writer(make_repo(name).path)

    return make


def bring(here: Any, there: Any) -> str:
    """Copy the objects of another clone's history here, and return its tip."""
    source = str(there.repository.root)
    GitRepo(here.repository.root).git("fetch", "-q", source, "refs/runref/runs")
    return str(there.runs.tip())


def joined(here: Any, there: Any) -> Joined:
    return join(here.runs, bring(here, there), origin="there")


def forget(writer: Any, run_id: str) -> None:
    """Start a new history without a run, with a tombstone for it."""
    editor = TreeEditor(writer.objects)
    root = writer.runs.root()
    for folder in ("runs", "annotations"):
        root = editor.remove(root, (folder, *run_path(run_id)))
    document = {"format": 1, "run": run_id, "time": MOMENT, "author": "Ada <a@x>", "reason": "why"}
    blob = writer.objects.write_blob(dump_yaml(document))
    root = editor.insert(root, ("tombstones", *run_path(run_id), "t-ada.yaml"), BLOB, blob)
    tip = writer.runs.commit(root, [], message="forget\n", time=1_795_000_000)
    with writer.runs.lock(5):
        assert writer.runs.move(writer.runs.tip(), tip, reason="test")


def held(writer: Any) -> set[str]:
    return {run.id for run in writer.runs.runs()}


def parents(writer: Any) -> tuple[str, ...]:
    return tuple(writer.objects.read_commit(writer.runs.tip()).parents)


def test_a_first_history_is_taken_as_it_is(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    done = joined(bob, ada)
    assert (done.runs, done.tip) == ((ONE,), ada.runs.tip())
    assert bob.runs.tip() == ada.runs.tip()
    assert joined(bob, ada).runs == ()


def test_a_longer_history_is_fast_forwarded_to(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    joined(bob, ada)
    ada.run(TWO)
    assert joined(bob, ada).runs == (TWO,)
    assert bob.runs.tip() == ada.runs.tip()
    bob.run(THREE)
    before = bob.runs.tip()
    assert joined(bob, ada) == Joined(before)


def test_both_orders_give_the_same_tree(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    joined(bob, ada)
    ada.run(TWO)
    ada.annotate(ONE, "1-ada.yaml", add_tags=["good"])
    bob.run(THREE)
    bob.annotate(ONE, "1-bob.yaml", add_tags=["paper"])
    tips = ada.runs.tip(), bob.runs.tip()
    of_bob, of_ada = bring(ada, bob), bring(bob, ada)
    first = join(ada.runs, of_bob, origin="bob")
    second = join(bob.runs, of_ada, origin="ada")
    assert ada.runs.root() == bob.runs.root()
    assert (first.runs, first.annotations) == ((THREE,), 1)
    assert (second.runs, second.annotations) == ((TWO,), 1)
    assert held(ada) == {ONE, TWO, THREE}
    assert set(parents(ada)) == set(parents(bob)) == set(tips)


def test_histories_without_a_common_commit_become_one(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    bob.run(TWO)
    assert joined(ada, bob).runs == (TWO,)
    assert held(ada) == {ONE, TWO}
    joined(bob, ada)
    assert bob.runs.tip() == ada.runs.tip()


def test_a_run_that_was_altered_is_refused(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    bob.run(ONE, note="another")
    before = ada.runs.tip()
    with pytest.raises(HistoriesDisagree, match=ONE):
        joined(ada, bob)
    assert ada.runs.tip() == before


def test_what_others_forgot_goes_and_does_not_come_back(clone: Any) -> None:
    """A clone was away for a month, with a run of its own; another one forgot a shared run."""
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    ada.run(TWO)
    ada.annotate(ONE, "1-ada.yaml", note="secret")
    joined(bob, ada)
    forget(ada, ONE)
    forgotten = ada.runs.tip()
    bob.run(THREE)
    bob.annotate(ONE, "1-bob.yaml", add_tags=["mine"])
    done = joined(bob, ada)
    assert (done.forgotten, done.rewritten) == ((ONE,), True)
    assert held(bob) == {TWO, THREE}
    assert bob.runs.annotation_files(ONE) == {}
    assert parents(bob) == (forgotten,)
    done = joined(ada, bob)
    assert (done.runs, done.forgotten, done.refused) == ((THREE,), (), ())
    assert ada.runs.tip() == bob.runs.tip()


def test_an_old_history_does_not_bring_back_what_was_forgotten(clone: Any) -> None:
    ada, old = clone("ada"), clone("old")
    ada.run(ONE)
    ada.run(TWO)
    joined(old, ada)
    old.run(THREE)
    forget(ada, ONE)
    before = ada.runs.tip()
    done = joined(ada, old)
    assert (done.runs, done.refused, done.rewritten) == ((THREE,), (ONE,), False)
    assert held(ada) == {TWO, THREE}
    assert parents(ada) == (before,)


def test_two_that_forget_at_the_same_time(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    for run in (ONE, TWO, THREE):
        ada.run(run)
    joined(bob, ada)
    forget(ada, ONE)
    forget(bob, TWO)
    of_bob, of_ada = bring(ada, bob), bring(bob, ada)
    assert join(ada.runs, of_bob, origin="bob").forgotten == (TWO,)
    assert join(bob.runs, of_ada, origin="ada").forgotten == (ONE,)
    assert held(ada) == held(bob) == {THREE}
    assert ada.runs.root() == bob.runs.root()
    assert parents(ada) == parents(bob) == ()


def test_a_tree_is_added_run_by_run(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE, experiment="fit")
    ada.annotate(ONE, "1-ada.yaml", add_tags=["good"])
    bob.run(TWO)
    before = bob.runs.tip()
    bring(bob, ada)
    done = graft(bob.runs, ada.runs.root(), origin="week47.rrb")
    assert (done.runs, done.annotations) == ((ONE,), 1)
    (parent,) = parents(bob)
    commit = bob.objects.read_commit(parent)
    assert commit.parents == (before,)
    assert commit.message.startswith("fit · python train.py")
    assert graft(bob.runs, ada.runs.root(), origin="week47.rrb") == Joined(done.tip)


def test_a_tree_with_tombstones_starts_a_new_history(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    ada.run(TWO)
    joined(bob, ada)
    forget(ada, ONE)
    bring(bob, ada)
    done = graft(bob.runs, ada.runs.root(), origin="week47.rrb")
    assert (done.forgotten, done.rewritten) == ((ONE,), True)
    assert held(bob) == {TWO}
    assert parents(bob) == ()
    assert bob.runs.root() == ada.runs.root()


def test_an_unreadable_run_of_ours_is_carried_over(clone: Any) -> None:
    ada, bob = clone("ada"), clone("bob")
    ada.run(ONE)
    ada.run(TWO)
    joined(bob, ada)
    bob.add(Addition(("runs", *run_path(THREE)), 0o040000, bob.tree(THREE, id=ONE), "x", 1))
    forget(ada, ONE)
    joined(bob, ada)
    assert held(bob) == {TWO, THREE}


def test_nothing_is_added_to_a_run_that_was_forgotten_meanwhile(clone: Any) -> None:
    ada = clone("ada")
    ada.run(ONE)
    ada.run(TWO)
    forget(ada, ONE)
    before = ada.runs.tip()
    ada.annotate(ONE, "1-ada.yaml", add_tags=["late"])
    ada.run(ONE)
    assert ada.runs.tip() == before
    ada.annotate(TWO, "1-ada.yaml", add_tags=["kept"])
    assert ada.runs.tip() != before
