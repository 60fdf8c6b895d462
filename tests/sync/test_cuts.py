"""Connections that are cut, and commands that are killed: the next command puts all right."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.servers.faults import CutBody, CutUpload, Fault, HangUpAfter, HangUpBefore, harmless
from tests.servers.git_hosting import WRITERS, during_fetch, during_push
from tests.servers.git_http import GitHttp
from tests.servers.proxy import Proxy
from tests.sync.clones import RUNS, Clone, check_server, command, runs_of
from tests.sync.conftest import Cli, Folders, MakeClone

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("RUNREF_KILL_ROUNDS", "10"))
"""Each kills three programs; set it to a hundred for a thorough search."""


@pytest.fixture
def bare(git_http: GitHttp, tmp_path: Path) -> Path:
    return git_http.create(tmp_path.name)


@pytest.fixture
def url(git_http: GitHttp, git_proxy: Proxy, bare: Path) -> str:
    return git_http.behind(git_proxy.url).url(bare.stem, WRITERS[0])


PUSH_FAULTS = [HangUpBefore(), HangUpAfter(), CutUpload(0), CutUpload(200), CutUpload(2000)]


@pytest.mark.parametrize("fault", PUSH_FAULTS, ids=repr)
def test_a_push_that_is_cut(
    url: str, bare: Path, git_proxy: Proxy, make_clone: MakeClone, cli: Cli,
    by: Mapping[str, str], fault: Fault,
):  # fmt: skip
    clone = make_clone("clone", url)
    clone.add(size=3000)
    git_proxy.rule = during_push(fault)
    before = clone.tip()
    done = cli(clone, "push", "--json", **by)
    assert (done.status, done.error["code"]) == (3, "git-unreachable"), done
    assert clone.tip() == before
    assert clone.leftovers() == []
    git_proxy.rule = harmless
    clone.add()
    assert cli(clone, "push", **by).status == 0
    assert runs_of(bare) == clone.runs()
    assert len(clone.runs()) == 2
    check_server(bare)


FETCH_FAULTS = [HangUpBefore(), CutBody(0), CutBody(300), CutBody(3000)]


@pytest.mark.parametrize("fault", FETCH_FAULTS, ids=repr)
def test_a_fetch_that_is_cut(
    url: str, bare: Path, git_proxy: Proxy, make_clone: MakeClone, cli: Cli,
    by: Mapping[str, str], fault: Fault,
):  # fmt: skip
    there = make_clone("there", url)
    there.add(size=5000)
    assert cli(there, "push").status == 0
    here = make_clone("here", url)
    here.add()
    before = here.git("for-each-ref")
    git_proxy.rule = during_fetch(fault)
    for verb in ("pull", "sync"):
        done = cli(here, verb, "--json", **by)
        assert (done.status, done.error["code"]) == (3, "git-unreachable"), done
        assert here.git("for-each-ref") == before
        assert here.leftovers() == []
        here.fsck()
    git_proxy.rule = harmless
    assert cli(here, "sync", **by).status == 0
    assert runs_of(bare) == here.runs()
    assert len(here.runs()) == 2


def killed_sometime(clone: Clone, verb: str, seconds: float, **environ: str) -> None:
    """Start a command and kill it after some seconds, wherever it is then."""
    process = subprocess.Popen(
        command(verb),
        cwd=clone.path,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_commands_that_are_killed_wherever_they_are(
    folders: Folders, make_clone: MakeClone, by: Mapping[str, str]
):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    bare = folders.create("team")
    clones = [make_clone(name, str(bare)) for name in ("one", "two")]
    for clone in clones:
        clone.add()
    begin = time.monotonic()
    assert clones[0].runref("sync", **by).status == 0
    usual = time.monotonic() - begin
    recorded = set(runs_of(bare))
    for _ in range(ROUNDS):
        for verb in ("push", "pull", "sync"):
            clone = chance.choice(clones)
            recorded.update(clone.add())
            killed_sometime(clone, verb, chance.uniform(0.2, 1) * usual, **by)
            clone.git("cat-file", "-e", f"{RUNS}^{{tree}}")
    for clone in (*clones, *clones):
        done = clone.runref("sync", **by)
        assert done.status == 0, (seed, done)
    recorded.update(clones[0].runs(), clones[1].runs())
    assert clones[0].runs() == clones[1].runs() == runs_of(bare), seed
    assert set(runs_of(bare)) == recorded, seed
    for clone in clones:
        _no_git_works(clone)
        assert clone.runref("pull", **by).status == 0
        assert clone.leftovers() == [], seed
        assert not list((clone.path / ".git").rglob("*.lock")), seed
        clone.fsck()
    check_server(bare)


def _no_git_works(clone: Clone) -> None:
    """Wait until the git processes whose parents were killed have come to their own ends."""
    inside = f"{clone.path}/.git/runref/incoming/"
    deadline = time.monotonic() + 60
    while any(inside in line for line in _commands()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _commands() -> list[str]:
    return subprocess.check_output(["ps", "-eo", "args"], text=True).splitlines()
