"""A remote that is not what it was: set back, emptied, replaced, or with an altered run."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.sync.clones import RUNS, Clone, Done, new_id, runs_of
from tests.sync.conftest import Cli, Folders, MakeClone

pytestmark = pytest.mark.slow


@pytest.fixture
def bare(folders: Folders) -> Path:
    return folders.create("team")


@pytest.fixture
def team(bare: Path) -> Clone:
    """The repository of the server, seen as a clone."""
    return Clone(bare)


@pytest.fixture
def ours(bare: Path, make_clone: MakeClone, cli: Cli) -> Clone:
    """A clone with three runs that the server has, too."""
    clone = make_clone("ours", str(bare))
    clone.add(*(new_id() for _ in range(3)))
    assert cli(clone, "push").status == 0
    return clone


def nothing_is_lost(clone: Clone, before: Mapping[str, str]) -> None:
    assert clone.runs().items() >= before.items()
    assert clone.leftovers() == []
    clone.fsck()


def test_an_older_ref_is_named_and_brings_nothing_back(
    ours: Clone, team: Clone, bare: Path, cli: Cli
):
    before, tip = ours.runs(), ours.tip()
    team.git("update-ref", RUNS, f"{tip}^")
    (gone,) = before.keys() - runs_of(bare).keys()
    done = cli(ours, "pull")
    assert done.status == 1
    assert "went back" in done.err
    assert gone in done.err
    assert ours.tip() == tip
    nothing_is_lost(ours, before)
    assert cli(ours, "push").status == 0
    assert runs_of(bare) == before


def test_an_older_ref_is_mended_by_a_push_alone(ours: Clone, team: Clone, bare: Path, cli: Cli):
    before = ours.runs()
    team.git("update-ref", RUNS, f"{ours.tip()}~2")
    ours.add()
    assert cli(ours, "push").status == 0
    assert runs_of(bare) == ours.runs()
    nothing_is_lost(ours, before)


def test_a_ref_that_is_gone_is_named_and_pushed_again(
    ours: Clone, team: Clone, bare: Path, cli: Cli
):
    before = ours.runs()
    team.git("update-ref", "-d", RUNS)
    done = cli(ours, "pull", "--json")
    assert (done.status, set(done.json["records"]["missing_there"])) == (1, before.keys())
    nothing_is_lost(ours, before)
    assert cli(ours, "push").status == 0
    assert runs_of(bare) == before


def test_another_history_is_merged(
    ours: Clone, team: Clone, bare: Path, make_clone: MakeClone, cli: Cli
):
    before = ours.runs()
    team.git("update-ref", "-d", RUNS)
    stranger = make_clone("stranger", str(bare))
    stranger.add()
    assert cli(stranger, "push").status == 0
    done = cli(ours, "pull", "--json")
    assert (done.status, set(done.json["records"]["missing_there"])) == (1, before.keys())
    assert ours.runs() == before | stranger.runs()
    nothing_is_lost(ours, before)
    assert cli(ours, "push").status == 0
    assert cli(stranger, "pull").status == 0
    assert runs_of(bare) == ours.runs() == stranger.runs()


def refused(done: Done, code: str, run_id: str) -> None:
    assert (done.status, done.error["code"]) == (1, code), done
    assert run_id in done.error["message"]
    assert done.error["hint"]


@pytest.mark.parametrize("verb", ["pull", "push", "sync"])
def test_an_altered_run_is_refused(
    ours: Clone, team: Clone, make_clone: MakeClone, cli: Cli, verb: str
):
    altered, *others = sorted(ours.runs())
    team.git("update-ref", "-d", RUNS)
    forger = make_clone("forger", str(team.path))
    forger.add(altered, note="better than it was")
    forger.add()
    assert cli(forger, "push").status == 0
    before, tip, there = ours.runs(), ours.tip(), team.tip()
    ours.add()
    done = cli(ours, verb, "--json")
    refused(done, "histories-disagree", altered)
    assert not [each for each in others if each in done.error["message"]]
    assert ours.git("rev-parse", f"{RUNS}^") == tip
    assert team.tip() == there
    nothing_is_lost(ours, before)


def test_a_record_of_another_run_is_refused(
    ours: Clone, team: Clone, make_clone: MakeClone, cli: Cli
):
    liar, tip = make_clone("liar", str(team.path)), ours.tip()
    claimed = new_id()
    liar.add(claimed, id=new_id())
    assert cli(liar, "sync", "--json").status == 0
    before = ours.git("for-each-ref"), ours.git("count-objects", "-v")
    for verb in ("pull", "sync"):
        refused(cli(ours, verb, "--json"), "history-refused", claimed)
    assert (ours.git("for-each-ref"), ours.git("count-objects", "-v")) == before
    assert ours.tip() == tip
    assert ours.leftovers() == []


def test_one_lie_among_a_thousand_records_is_found(team: Clone, make_clone: MakeClone, cli: Cli):
    liar, ours = make_clone("liar", str(team.path)), make_clone("ours", str(team.path))
    liar.add(*(new_id() for _ in range(1000)))
    claimed = new_id()
    liar.add(claimed, id=new_id())
    assert cli(liar, "push", "--json").status == 0
    refused(cli(ours, "pull", "--json"), "history-refused", claimed)
    assert ours.tip() == ""


@pytest.mark.parametrize("order", list(itertools.permutations(("ada", "ben"))), ids=str)
def test_both_keep_what_they_did_offline_to_one_runs_tags(
    bare: Path, make_clone: MakeClone, cli: Cli, order: tuple[str, str]
):
    ada, ben = make_clone("ada", str(bare)), make_clone("ben", str(bare))
    (run_id,) = ada.add(tags=["draft"])
    assert cli(ada, "push").status == 0
    assert cli(ben, "pull").status == 0
    assert cli(ada, "tag", "-a", "paper", run_id).status == 0
    assert cli(ben, "tag", "-a", "checked", "-d", "draft", run_id).status == 0
    clones = {"ada": ada, "ben": ben}
    for name in (*order, order[0]):
        assert cli(clones[name], "sync").status == 0
    for clone in clones.values():
        shown = cli(clone, "show", run_id, "--json")
        assert set(shown.json["tags"]) == {"checked", "paper"}, shown
        assert clone.annotations() == 2
    assert ada.tip() == ben.tip()
