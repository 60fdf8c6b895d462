"""Servers that do not want a push: said in their words, with what to do, and nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.servers.git_hosting import (
    WRITERS,
    GitHost,
    configure,
    limit_pushes,
    refuse_pushes,
    refuse_rewinding,
)
from tests.sync.clones import RUNS, Clone, Done, check_server, runs_of
from tests.sync.conftest import Cli, MakeClone

pytestmark = pytest.mark.slow


@pytest.fixture
def clone(host: GitHost, bare: Path, make_clone: MakeClone) -> Clone:
    """A clone with a run, which the server has, too, and with another one, which it has not."""
    clone = make_clone("clone", host.url(bare.stem, WRITERS[0]))
    clone.add()
    assert clone.runref("push").status == 0
    clone.add()
    return clone


@pytest.fixture(params=["git", "dulwich"])
def push(
    request: pytest.FixtureRequest, clone: Clone, bare: Path, cli: Cli, without_git: str
) -> Callable[[], Done]:
    """Push; both what is here and what is there are the same after a refusal."""
    environ: Mapping[str, str] = {} if request.param == "git" else {"PATH": without_git}
    if environ and "folders" in request.node.callspec.params.values():
        pytest.skip("dulwich writes to a folder itself: no hook of the other side runs")

    def call() -> Done:
        here, there = clone.git("for-each-ref"), runs_of(bare)
        done = cli(clone, "push", "--json", **environ)
        if done.status:
            assert clone.git("for-each-ref") == here
            assert runs_of(bare) == there
        assert clone.leftovers() == []
        check_server(bare)
        return done

    return call


def refused(done: Done) -> str:
    """Fail unless a push was refused, and return what was said of it."""
    assert (done.status, done.error["code"]) == (1, "push-refused"), done
    assert done.error["hint"]
    return str(done.error["message"])


def allow(bare: Path) -> None:
    for hook in ("pre-receive", "update"):
        (bare / "hooks" / hook).unlink(missing_ok=True)
    for key in ("receive.maxInputSize", "receive.hideRefs", "receive.denyNonFastForwards"):
        subprocess.run(["git", "-C", str(bare), "config", "--unset", key], check=False)


def then_it_works(push: Callable[[], Done], clone: Clone, bare: Path) -> None:
    allow(bare)
    assert push().status == 0
    assert runs_of(bare) == clone.runs()


def test_a_hook(push: Callable[[], Done], clone: Clone, bare: Path):
    refuse_pushes(bare, "only on Tuesdays,\nsays the team")
    said = refused(push())
    assert "only on Tuesdays," in said
    assert "says the team" in said
    assert "hook declined" in said
    then_it_works(push, clone, bare)


def test_a_protected_ref(push: Callable[[], Done], clone: Clone, bare: Path):
    refuse_pushes(bare, 'GH013: Repository rule violations found for refs/runref/runs; "protected"')
    done = push()
    assert "GH013" in refused(done)
    assert "protection rules" in done.error["hint"]
    then_it_works(push, clone, bare)


def test_a_size_limit(push: Callable[[], Done], clone: Clone, bare: Path):
    clone.add(size=100_000)
    limit_pushes(bare, 10_000)
    done = push()
    assert done.status != 0
    assert done.error["code"] in ("push-refused", "git-unreachable"), done
    then_it_works(push, clone, bare)


def test_a_size_limit_is_quoted_where_git_hears_it(
    host: GitHost, bare: Path, clone: Clone, cli: Cli
):
    clone.add(size=100_000)
    limit_pushes(bare, 10_000)
    done = cli(clone, "push", "--json")
    assert "exceeds maximum" in refused(done)
    assert "receive.maxInputSize" in done.error["hint"]


def test_a_hidden_ref(push: Callable[[], Done], clone: Clone, bare: Path):
    configure(bare, "receive.hideRefs", "refs/runref")
    done = push()
    assert done.status == 1, done
    assert "store: {repository" in done.error["hint"] or "refuses" in done.error["message"]
    then_it_works(push, clone, bare)


def test_no_more_than_a_fast_forward_is_needed(
    host: GitHost, bare: Path, clone: Clone, make_clone: MakeClone, cli: Cli
):
    refuse_rewinding(bare)
    other = make_clone("other", host.url(bare.stem, WRITERS[1]))
    other.add()
    for each in (other, clone, other, clone):
        assert cli(each, "sync").status == 0
    assert clone.runs() == other.runs() == runs_of(bare)
    assert len(clone.runs()) == 3


def test_a_rewritten_history_needs_to_be_allowed(host: GitHost, bare: Path, clone: Clone, cli: Cli):
    refuse_rewinding(bare)
    (kept,) = runs_of(bare)
    there = clone.git("rev-parse", f"{RUNS}^")
    tree = clone.git("rev-parse", f"{RUNS}^{{tree}}")
    rewritten = clone.git("commit-tree", tree, "-m", "rewritten")
    clone.git("update-ref", RUNS, rewritten)
    # Ours has not forgotten anything, so the next push has both as parents, and is let in.
    assert cli(clone, "push").status == 0
    assert kept in clone.runs()
    clone.git("merge-base", "--is-ancestor", there, RUNS)
    assert runs_of(bare) == clone.runs()
