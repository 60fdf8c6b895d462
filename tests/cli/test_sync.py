"""Records from clone to clone, as two people have it who share a repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # `make check` is for all day

REF = "refs/runref/runs"


class Team:
    """A bare repository and its clones."""

    def __init__(self, folder: Path, make_repo: Callable[..., Any]) -> None:
        self.shared = make_repo("team.git", "--bare")
        self._make_repo = make_repo

    def clone(self, name: str) -> Any:
        clone = self._make_repo(name)
        clone.git("remote", "add", "origin", str(self.shared.path))
        clone.write("train.py", "print('training')\n")
        clone.commit("first")
        return clone


@pytest.fixture
def team(tmp_path: Path, make_repo: Callable[..., Any]) -> Team:
    return Team(tmp_path, make_repo)


@pytest.fixture
def ada(team: Team) -> Any:
    return team.clone("ada")


@pytest.fixture
def bob(team: Team) -> Any:
    return team.clone("bob")


def record(repo: Any, *tags: str) -> str:
    """Record a run and return its id."""
    program = f"import runref\nwith runref.init(tags={tags!r}, console=False) as r: print(r.id)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


def ids(cli: Any, repo: Any) -> list[str]:
    return sorted(each["id"] for each in cli("ls", "--json", cwd=repo.path).json["runs"])


def state(repo: Any) -> tuple[str, ...]:
    """What is the user's and nobody else's to change."""
    asked = (("status", "--porcelain"), ("stash", "list"), ("rev-parse", "HEAD"), ("branch", "-a"))
    return tuple(repo.git(*each) for each in asked)


def test_two_people_share_their_runs(cli: Any, ada: Any, bob: Any, validate: Any) -> None:
    before = state(ada), state(bob)
    first = record(ada)
    sent = cli("push", cwd=ada.path)
    assert (sent.status, sent.out, sent.err) == (0, "origin: 1 run sent\n", "")
    second = record(bob)
    pushed = cli("push", "--json", cwd=bob.path)
    validate("push", pushed.json)
    assert pushed.json["records"]["runs"] == 1
    assert pushed.json["records"]["received"][0]["runs"] == [first]
    pulled = cli("pull", "--json", cwd=ada.path)
    validate("pull", pulled.json)
    assert pulled.json["records"]["received"]["runs"] == [second]
    both = cli("sync", "--json", cwd=ada.path)
    validate("sync", both.json)
    assert both.json["pushed"]["runs"] == 0
    assert ids(cli, ada) == ids(cli, bob) == sorted([first, second])
    assert ada.git("rev-parse", REF) == bob.git("rev-parse", REF)
    assert (state(ada), state(bob)) == before
    for clone in (ada, bob):
        clone.fsck()
        assert not (clone.path / ".git/FETCH_HEAD").exists()
        assert not list((clone.path / ".git/runref/incoming").iterdir())


def test_both_keep_the_tags_they_gave_offline(cli: Any, ada: Any, bob: Any) -> None:
    run = record(ada, "mine")
    cli("push", cwd=ada.path)
    cli("pull", cwd=bob.path)
    cli("tag", "-a", "paper", "-d", "mine", run, cwd=ada.path)
    cli("tag", "-a", "baseline", run, cwd=bob.path)
    cli("sync", cwd=ada.path)
    cli("sync", cwd=bob.path)
    cli("sync", cwd=ada.path)
    shown = [cli("show", run, "--json", cwd=clone.path).json["tags"] for clone in (ada, bob)]
    assert [sorted(each) for each in shown] == [["baseline", "paper"]] * 2


def test_a_push_of_a_clone_that_is_behind_takes_one_command(cli: Any, ada: Any, bob: Any) -> None:
    runs = []
    for clone in (ada, bob, ada, bob):
        runs.append(record(clone))
        assert cli("push", cwd=clone.path).status == 0
    cli("pull", cwd=ada.path)
    assert ids(cli, ada) == sorted(runs)


def test_without_runs(cli: Any, ada: Any, bob: Any) -> None:
    assert cli("push", cwd=ada.path).out == "origin: no runs here yet\n"
    assert cli("pull", cwd=ada.path).out == "origin: no runs there yet\n"
    record(ada)
    cli("push", cwd=ada.path)
    assert cli("push", cwd=ada.path).out == "origin: nothing to send, all is there\n"
    assert cli("push", cwd=bob.path).out == "origin: no runs here yet\n"


def test_artifacts_go_first(cli: Any, ada: Any, tmp_path: Path) -> None:
    ada.write("data.csv", "1,2\n")
    program = "import runref\nwith runref.init(console=False) as run: run.use_input('data.csv')"
    subprocess.run([sys.executable, "-c", program], cwd=ada.path, check=True)
    alone = cli("push", cwd=ada.path)
    assert alone.out == "origin: 1 run sent\n"
    assert "1 artifact stay" in alone.err or "1 artifact stays" in alone.err
    cli("remote", "add", "lab", str(tmp_path / "lab"), cwd=ada.path)
    both = cli("push", cwd=ada.path)
    assert [line.split(":")[0] for line in both.out.splitlines()] == ["lab", "origin"]
    only = cli("push", "--no-artifacts", cwd=ada.path)
    assert only.out == "origin: nothing to send, all is there\n"


def test_a_remote_by_its_path(cli: Any, team: Team, ada: Any, make_repo: Any) -> None:
    run = record(ada)
    cli("push", cwd=ada.path)
    stranger = make_repo("stranger")
    assert cli("pull", str(team.shared.path), cwd=stranger.path).status == 0
    assert ids(cli, stranger) == [run]
    (ref,) = stranger.git("for-each-ref", "--format=%(refname)", "refs/runref/remotes").split()
    assert ref.startswith("refs/runref/remotes/at-")


def test_a_remote_that_went_back(cli: Any, team: Team, ada: Any) -> None:
    """A server restored from a backup has fewer runs; the next push gives them back."""
    record(ada)
    cli("push", cwd=ada.path)
    old = team.shared.git("rev-parse", REF)
    second = record(ada)
    cli("push", cwd=ada.path)
    team.shared.git("update-ref", REF, old)
    told = cli("pull", cwd=ada.path)
    assert told.status == 1
    assert f"went back: it had run {second}" in told.err
    assert len(ids(cli, ada)) == 2
    assert cli("push", cwd=ada.path).out == "origin: 1 run sent\n"
    assert team.shared.git("rev-parse", REF) == ada.git("rev-parse", REF)


def test_a_remote_that_lost_the_ref(cli: Any, team: Team, ada: Any) -> None:
    record(ada)
    cli("push", cwd=ada.path)
    team.shared.git("update-ref", "-d", REF)
    assert cli("push", cwd=ada.path).out == "origin: 1 run sent\n"


@pytest.mark.parametrize("git_on_path", [True, False])
def test_a_remote_that_is_not_there(
    cli: Any, ada: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, git_on_path: bool
) -> None:
    record(ada)
    if not git_on_path:
        monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("push", "pull", "sync"):
        gone = cli(command, "--json", str(tmp_path / "nowhere.git"), cwd=ada.path)
        assert (gone.status, gone.error["code"]) == (3, "git-unreachable")
        assert "nowhere.git" in gone.error["message"]


def test_plain_git_carries_the_records(
    cli: Any, team: Team, ada: Any, bob: Any, validate: Any
) -> None:
    done = cli("init", "--with-refspecs", "--json", cwd=ada.path)
    validate("init", done.json)
    assert len(done.json["refspecs"]) == 3
    assert cli("init", "--with-refspecs", "--json", cwd=ada.path).json["refspecs"] == []
    run = record(ada)
    ada.git("push", "-q")
    assert team.shared.git("rev-parse", REF) == ada.git("rev-parse", REF)
    assert team.shared.git("rev-parse", "main") == ada.git("rev-parse", "main")
    cli("init", "--with-refspecs", cwd=bob.path)
    bob.git("fetch", "-q")
    assert bob.git("rev-parse", "refs/runref/remotes/origin/runs") == ada.git("rev-parse", REF)
    assert ids(cli, bob) == []
    cli("pull", cwd=bob.path)
    assert ids(cli, bob) == [run]


def test_refspecs_need_a_remote(cli: Any, repo: Any) -> None:
    for words in ((), ("nobody",)):
        done = cli("init", "--json", "--with-refspecs", *words)
        assert (done.status, done.error["code"]) == (2, "no-git-remote")


def test_records_in_a_repository_of_their_own(
    cli: Any, ada: Any, make_repo: Any, tmp_path: Path
) -> None:
    """The code's repository gets no object and no ref; a clone of the code finds the records."""
    runs = make_repo("runs.git", "--bare")
    ada.write(".runref.yaml", "store: {repository: ../runs.git}\n")
    commit = ada.commit("records go elsewhere")
    before = ada.git("count-objects", "-v"), ada.git("for-each-ref")
    run = record(ada)
    assert (ada.git("count-objects", "-v"), ada.git("for-each-ref")) == before
    assert runs.git("for-each-ref", "--format=%(refname)") == REF
    (listed,) = cli("ls", "--json", cwd=ada.path).json["runs"]
    assert (listed["id"], listed["code"]["commit"]) == (run, commit)
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", ada.path, other], check=True)
    assert [each["id"] for each in cli("ls", "--json", cwd=other).json["runs"]] == [run]


def test_records_at_a_url_of_their_own(
    cli: Any, team: Team, ada: Any, bob: Any, make_repo: Any
) -> None:
    runs = make_repo("runs.git", "--bare")
    for clone in (ada, bob):
        clone.write(".runref.yaml", f"store: {{repository: 'file://{runs.path}'}}\n")
    run = record(ada)
    assert ada.git("for-each-ref", "refs/runref") == ""
    assert cli("push", cwd=ada.path).out == "origin: 1 run sent\n"
    assert team.shared.git("for-each-ref", "refs/runref") == ""
    cli("pull", cwd=bob.path)
    assert ids(cli, bob) == [run]
    bob.write(".runref.yaml", "store: {repository: 'file:///elsewhere.git'}\n")
    assert cli("ls", "--json", cwd=bob.path).error["code"] == "another-store"
    bob.write(".runref.yaml", "store: {repository: 'https://ada:hunter2@forge/runs.git'}\n")
    refused = cli("ls", "--json", cwd=bob.path)
    assert refused.error["code"] == "invalid-config"
    assert "hunter2" not in refused.err
