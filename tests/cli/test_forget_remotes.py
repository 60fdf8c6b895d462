"""``runref forget`` where the history and its artifacts were shared."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_forget import SECRET, blob, has, holds_text, record, stored

pytestmark = pytest.mark.slow  # `make check` is for all day


@pytest.fixture
def team(repo: Any, tmp_path: Path) -> Path:
    """A bare repository that is the remote origin."""
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "team.git"], check=True)
    repo.git("remote", "add", "origin", str(tmp_path / "team.git"))
    return tmp_path / "team.git"


@pytest.fixture
def clone(team: Path, make_repo: Callable[..., Any], cli: Any) -> Callable[[], Any]:
    def make() -> Any:
        other = make_repo("clone")
        other.git("remote", "add", "origin", str(team))
        assert cli("pull", cwd=other.path).status == 0
        return other

    return make


def listed(cli: Any, cwd: Path | None = None) -> set[str]:
    return {each["id"] for each in cli("ls", "--json", cwd=cwd).json["runs"]}


def test_the_history_of_a_git_remote_is_replaced_and_clones_follow(
    repo: Any, cli: Any, team: Path, clone: Any, validate: Any
) -> None:
    first, gone = record(repo, "one"), record(repo, SECRET)
    assert cli("push", "--no-artifacts").status == 0
    other = clone()
    assert listed(cli, other.path) == {first, gone}
    oid = blob(repo, gone)
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 0, done.err
    validate("forget", done.json)
    assert done.json["pushed"] == [{"remote": "origin", "forgotten": 1}]
    assert not has(repo, oid)
    tip = repo.git("rev-parse", "refs/runref/runs")
    there = subprocess.run(
        ["git", f"--git-dir={team}", "rev-parse", "refs/runref/runs"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert there.stdout.strip() == tip
    assert repo.git("rev-parse", "refs/runref/remotes/origin/runs") == tip

    new = record(other, "in the clone")
    pulled = cli("pull", cwd=other.path)
    assert f"forgotten there, and gone here, too: run {gone}" in pulled.err
    assert listed(cli, other.path) == {first, new}
    assert not has(other, oid)
    assert holds_text(other.path / ".git", SECRET) == []
    other.fsck()
    assert cli("push", "--no-artifacts", cwd=other.path).status == 0
    assert cli("pull").status == 0
    assert listed(cli) == {first, new}


def test_a_clone_that_was_away_brings_nothing_back(
    repo: Any, cli: Any, team: Path, clone: Any
) -> None:
    first, gone = record(repo, "one"), record(repo, SECRET)
    assert cli("push", "--no-artifacts").status == 0
    other = clone()
    assert cli("forget", gone, "--reason", "test").status == 0
    new = record(other, "in the clone")
    assert cli("push", "--no-artifacts", cwd=other.path).status == 0
    assert cli("pull").status == 0
    assert listed(cli) == listed(cli, other.path) == {first, new}
    for each in (repo, other):
        assert holds_text(each.path / ".git", SECRET) == []
        each.fsck()


def test_a_server_that_takes_no_rewritten_history_is_told(repo: Any, cli: Any, team: Path) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    assert cli("push", "--no-artifacts").status == 0
    hook = team / "hooks/update"
    hook.write_text(
        "#!/bin/sh\n"
        'git merge-base --is-ancestor "$2" "$3" || { echo "non-fast-forward" >&2; exit 1; }\n'
    )
    hook.chmod(0o755)
    oid = blob(repo, gone)
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 1
    (failed,) = done.json["failed"]
    assert failed["name"] == "origin"
    assert failed["error"]["code"] == "push-refused"
    assert "takes no rewritten history" in failed["error"]["hint"]
    assert not has(repo, oid)  # here it is forgotten
    repo.fsck()
    hook.unlink()
    again = cli("forget", gone, "--remote", "origin", "--json")
    assert again.status == 0, again.err
    assert again.json["pushed"] == [{"remote": "origin", "forgotten": 1}]
    assert not has(repo, oid)
    assert holds_text(repo.path / ".git", SECRET) == []


def test_local_leaves_remotes_alone(repo: Any, cli: Any, team: Path) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    assert cli("push", "--no-artifacts").status == 0
    old = repo.git("rev-parse", "refs/runref/runs")
    assert cli("forget", gone, "--reason", "test", "--local").status == 0
    there = subprocess.run(
        ["git", f"--git-dir={team}", "rev-parse", "refs/runref/runs"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert there.stdout.strip() == old
    assert holds_text(repo.path / ".git", SECRET) == []
    repo.fsck()


@pytest.fixture
def lab(repo: Any, cli: Any, tmp_path: Path) -> Path:
    """A folder that is a remote of artifacts."""
    assert cli("remote", "add", "lab", str(tmp_path / "lab")).status == 0
    return tmp_path / "lab"


def test_what_only_it_held_goes_from_remotes_too(
    repo: Any, cli: Any, lab: Path, validate: Any
) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    assert cli("push", "--artifacts").status == 0
    assert f"output {SECRET}" in stored(lab)
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 0, done.err
    validate("forget", done.json)
    assert {each["name"]: each["freed"]["count"] for each in done.json["artifacts"]} == {
        "local store": 3,
        "lab": 3,
    }
    for folder in (lab, repo.path / ".git/runref/artifacts"):
        assert stored(folder) >= {"of all runs", "output one", "input one"}
        assert not any(SECRET in text for text in stored(folder))
    assert cli("push", "--artifacts").status == 0
    assert cli("gc", "--artifacts", "--all-remotes").status == 0


def test_what_another_clone_claimed_stays(
    repo: Any, cli: Any, lab: Path, make_repo: Callable[..., Any]
) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    other = make_repo("other")
    other.git("fetch", "-q", str(repo.path), "refs/runref/runs:refs/runref/runs")
    cli("remote", "add", "lab", str(lab), cwd=other.path)
    record(other, SECRET)  # a run of its own that reads and writes the same
    assert cli("push", "--artifacts").status == 0
    assert cli("push", "--artifacts", cwd=other.path).status == 0
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 0
    (there,) = [each for each in done.json["artifacts"] if each["name"] == "lab"]
    assert (there["freed"]["count"], there["claimed"]["count"]) == (0, 3)
    assert f"output {SECRET}" in stored(lab)


def test_a_remote_that_fails_is_cleared_the_next_time(
    repo: Any, cli: Any, lab: Path, tmp_path: Path
) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    assert cli("push", "--artifacts").status == 0
    lab.rename(tmp_path / "away")
    lab.write_text("no folder")
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 1
    assert [each["name"] for each in done.json["failed"]] == ["lab"]
    lab.unlink()
    (tmp_path / "away").rename(lab)
    assert f"output {SECRET}" in stored(lab)
    assert cli("forget", gone).status == 0
    assert f"output {SECRET}" not in stored(lab)


def test_caches_of_the_user_know_nothing_of_it(repo: Any, cli: Any, isolated_home: Path) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    cli("ls")
    cli("plot", "loss")
    cache = isolated_home / ".cache/runref"
    assert any(SECRET.encode() in path.read_bytes() for path in cache.rglob("*.sqlite3"))
    assert cli("forget", gone, "--reason", "test").status == 0
    assert not any(
        SECRET.encode() in path.read_bytes() for path in cache.rglob("*") if path.is_file()
    )
    assert os.environ["XDG_CACHE_HOME"] == str(isolated_home / ".cache")
