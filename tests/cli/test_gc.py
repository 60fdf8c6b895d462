"""``runref gc``: what it tells, removes, keeps and refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # `make check` is for all day

RECORD = """\
import runref
with runref.init(console=False) as run:
    run.use_input("data.csv")
    run.log_output("folder")
print(run.id)
"""


def record(repo: Any, text: str) -> str:
    """Record a run with an input and a directory of two files; return its id."""
    repo.write("data.csv", f"input {text}")
    repo.write("folder/a", "of all runs")
    repo.write("folder/b", f"output {text}")
    done = subprocess.run(
        [sys.executable, "-c", RECORD], cwd=repo.path, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("sha256/*/*") if path.is_file())


def age(folder: Path, days: int) -> None:
    """Make all of a store, and what was claimed there, so many days older."""
    for path in (*stored(folder), *folder.glob("claims/*/*.jsonl")):
        moment = path.stat().st_mtime - days * 24 * 3600
        os.utime(path, (moment, moment))


@pytest.fixture
def lab(repo: Any, cli: Any, tmp_path: Path) -> Path:
    """A folder that is a remote."""
    assert cli("remote", "add", "lab", str(tmp_path / "lab")).status == 0
    return tmp_path / "lab"


@pytest.fixture
def here(repo: Any) -> Path:
    return repo.path / ".git/runref/artifacts"


@pytest.fixture
def outgrown(repo: Any, cli: Any, lab: Path, here: Path) -> Any:
    """A history that was deleted and begun anew, all of it long ago, here and at a remote.

    3 contents belong to the deleted run alone, 3 to the new one alone, and both have 1.
    """
    record(repo, "one")
    assert cli("push", "--artifacts").status == 0
    repo.git("tag", "old", "refs/runref/runs")
    repo.git("update-ref", "-d", "refs/runref/runs")
    record(repo, "two")
    assert cli("push", "--artifacts").status == 0
    for folder in (here, lab):
        assert len(stored(folder)) == 7
        age(folder, 20)
    return repo


def free_sizes(repo: Any) -> int:
    """Return the bytes of what only the deleted run held: two files and the manifest."""
    return len("input one") + len("output one") + manifest_size(repo)


def manifest_size(repo: Any) -> int:
    (size,) = {
        path.stat().st_size
        for path in stored(repo.path / ".git/runref/artifacts")
        if path.read_bytes().startswith(b"{")
    }
    return size


def test_a_tag_keeps_what_its_runs_need(
    outgrown: Any, cli: Any, here: Path, lab: Path, validate: Any
) -> None:
    done = cli("gc", "--artifacts", "--all-remotes", "--json")
    assert done.status == 0
    validate("gc", done.json)
    assert done.json["refs"] == {"refs/tags/old": 1}
    for place in done.json["places"]:
        assert (place["freed"]["count"], place["held"]["count"]) == (0, 7)
    told = cli("gc", "--artifacts").out
    assert "refs/tags/old holds 1 run that the runs ref does not" in told
    assert len(stored(here)) == len(stored(lab)) == 7


def test_a_dry_run_tells_the_bytes_of_every_place_and_removes_nothing(
    outgrown: Any, cli: Any, here: Path, lab: Path, validate: Any
) -> None:
    outgrown.git("tag", "-d", "old")
    done = cli("gc", "--artifacts", "--dry-run", "--json")
    validate("gc", done.json)
    (local, *_) = done.json["places"]
    assert local["freed"] == {"count": 3, "size": free_sizes(outgrown)}
    assert local["held"]["count"] == 4
    assert len(stored(here)) == len(stored(lab)) == 7
    told = cli("gc", "--artifacts", "--dry-run")
    assert told.out.startswith(
        f"local store: 3 artifacts that no record holds, {free_sizes(outgrown)} B to be freed; 4 "
    )


def test_a_repository_that_is_not_known_is_named_and_the_rest_goes_on(
    outgrown: Any, cli: Any, lab: Path, tmp_path: Path, validate: Any
) -> None:
    """Its history was deleted here: that is no different from one that was never here."""
    outgrown.git("tag", "-d", "old")
    done = cli("gc", "--artifacts", "--dry-run", "--json")
    assert done.status == 1
    validate("gc", done.json)
    (failed,) = done.json["failed"]
    assert (failed["remote"], failed["error"]["code"]) == ("lab", "remote-shared")
    only = cli("gc", "--artifacts", "--remote", "lab", "--json")
    assert (only.status, only.out, only.error["code"]) == (3, "", "remote-shared")
    assert len(stored(lab)) == 7


def test_another_repository_is_named_by_also(
    repo: Any, cli: Any, make_repo: Any, lab: Path, here: Path
) -> None:
    record(repo, "ours")
    cli("push", "--artifacts")
    other = make_repo("other")
    other.commit()
    record(other, "theirs")
    cli("remote", "add", "lab", str(lab), cwd=other.path)
    assert cli("push", "--artifacts", cwd=other.path).status == 0
    age(lab, 20)
    assert cli("gc", "--artifacts", "--remote", "lab", "--json").error["code"] == "remote-shared"
    assert len(stored(lab)) == 7
    done = cli("gc", "--artifacts", "--remote", "lab", "--also", str(other.path))
    assert (done.status, done.out) == (
        0,
        "lab: 0 artifacts that no record holds, 0 B freed; 7 held\n",
    )
    assert cli("gc", "--artifacts", "--also", str(other.path)).status == 0
    assert len(stored(here)) == 4


def test_what_is_free_goes_and_the_rest_still_verifies(
    outgrown: Any, cli: Any, here: Path, lab: Path
) -> None:
    outgrown.git("tag", "-d", "old")
    before, size = {path.name for path in stored(here)}, free_sizes(outgrown)
    done = cli("gc", "--artifacts")
    assert (done.status, done.err) == (0, "")
    assert done.out == (f"local store: 3 artifacts that no record holds, {size} B freed; 4 held\n")
    assert len(stored(lab)) == 7  # not named
    left = stored(here)
    assert {path.name for path in left} < before
    for path in left:
        digest = subprocess.run(["sha256sum", path], capture_output=True, check=True).stdout[:64]
        assert digest.decode() == path.parent.name + path.name
    assert cli("get", "@", "folder", "data.csv", "-o", "back", "--no-fetch").status == 0
    assert (outgrown.path / "back/folder/b").read_text() == "output two"
    assert cli("gc", "--artifacts").out.startswith("local store: 0 artifacts")


@pytest.mark.slow
def test_the_guard_is_what_min_age_says(outgrown: Any, cli: Any, here: Path) -> None:
    outgrown.git("tag", "-d", "old")
    for guard, count in (("30d", 0), ("3w", 0), ("19d", 3)):
        document = cli("gc", "--artifacts", "--min-age", guard, "--dry-run", "--json").json
        local = document["places"][0]
        assert (local["freed"]["count"], local["young"]["count"]) == (count, 3 - count)
    assert len(stored(here)) == 7


def test_what_a_clone_pushed_stays_though_its_record_is_not_known(
    repo: Any, cli: Any, make_repo: Any, lab: Path
) -> None:
    record(repo, "ours")
    cli("push", "--artifacts")
    clone = make_repo("clone")
    clone.git("fetch", "-q", str(repo.path), "refs/runref/runs:refs/runref/runs")
    cli("remote", "add", "lab", str(lab), cwd=clone.path)
    record(clone, "theirs")
    assert cli("push", "--artifacts", cwd=clone.path).status == 0
    for path in stored(lab):  # of all contents, but not of the claims
        os.utime(path, (1, 1))
    done = cli("gc", "--artifacts", "--remote", "lab")
    assert (done.status, len(stored(lab))) == (0, 7)
    assert "4 held, 3 (" in done.out
    assert "claimed by a push" in done.out
    age(lab, 20)
    assert cli("gc", "--artifacts", "--remote", "lab").status == 0
    assert len(stored(lab)) == 4


def test_one_remote_that_fails_does_not_stop_the_others(
    outgrown: Any, cli: Any, lab: Path, tmp_path: Path, validate: Any
) -> None:
    (tmp_path / "file").write_text("no folder")
    cli("remote", "add", "bad", str(tmp_path / "file/below"))
    done = cli("gc", "--artifacts", "--all-remotes", "--json")
    assert done.status == 1
    validate("gc", done.json)
    assert [each["name"] for each in done.json["places"]] == ["local store", "lab"]
    assert [each["remote"] for each in done.json["failed"]] == ["bad"]
    assert "bad: " in done.err


@pytest.mark.slow
def test_a_clone_without_the_data_asks_the_remote_for_manifests(
    outgrown: Any, cli: Any, make_repo: Any, lab: Path
) -> None:
    clone = make_repo("clone")
    clone.git("fetch", "-q", str(outgrown.path), "refs/runref/runs:refs/runref/runs")
    alone = cli("gc", "--artifacts", "--json", cwd=clone.path)
    assert (alone.status, alone.error["code"]) == (3, "holdings-unknown")
    cli("remote", "add", "lab", str(lab), cwd=clone.path)
    done = cli("gc", "--artifacts", "--json", cwd=clone.path)
    assert done.status == 0
    # Nothing but the manifest came.
    assert done.json["places"][0]["held"] == {"count": 1, "size": manifest_size(outgrown)}


def test_a_lost_manifest_is_given_up(outgrown: Any, cli: Any, here: Path, lab: Path) -> None:
    outgrown.git("tag", "-d", "old")
    outgrown.git("update-ref", "-d", "refs/runref/runs")
    record(outgrown, "three")
    (manifest,) = [
        path
        for path in stored(here)
        if path.read_bytes().startswith(b"{") and path.stat().st_mtime > lab.stat().st_mtime - 60
    ]
    digest = f"sha256:{manifest.parent.name}{manifest.name}"
    manifest.unlink()
    stopped = cli("gc", "--artifacts", "--json")
    assert (stopped.status, stopped.error["code"]) == (3, "holdings-unknown")
    assert f"--lost {digest}" in stopped.error["hint"]
    assert len(stored(here)) == 9
    assert cli("gc", "--artifacts", "--lost", digest).status == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "--artifacts"),
        (["--artifacts", "--min-age", "soon"], 2, "'soon' is no duration"),
        (["--artifacts", "--min-age", "-1d"], 2, "no duration"),
        (["--artifacts", "--remote", "nowhere"], 2, "no remote 'nowhere'"),
        (["--artifacts", "--lost", "4f1c"], 2, "'4f1c' is not a digest"),
        (["--artifacts", "--also", "/"], 3, "in no git repository"),
        (["--artifacts", "--also", "no/such/folder"], 2, "no/such/folder"),
        (["--artifacts", "4f1c"], 2, "unexpected"),
    ],
)
def test_what_is_no_request(repo: Any, cli: Any, words: list[str], status: int, said: str) -> None:
    done = cli("gc", *words)
    assert (done.status, done.out) == (status, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_without_runs_and_remotes(repo: Any, cli: Any, validate: Any) -> None:
    done = cli("gc", "--artifacts", "--all-remotes", "--json")
    assert done.status == 0
    validate("gc", done.json)
    assert cli("gc", "--artifacts").out == (
        "local store: 0 artifacts that no record holds, 0 B freed; 0 held\n"
    )
