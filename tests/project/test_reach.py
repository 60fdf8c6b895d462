"""What records reach: everything that gc must keep, and what stops it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runref.artifacts import hash_path
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.project.annotating import annotate
from runref.project.claiming import claim_at
from runref.project.project import Project, open_project
from runref.project.reach import HoldingsUnknown, Reach, reach
from runref.project.remotes import Remote

pytestmark = pytest.mark.slow  # each run is a process

RECORD = """\
import sys
import runref
with runref.init(console=False) as run:
    run.use_input("data.csv")
    run.log_output("folder")
    if len(sys.argv) > 1:
        print(run.id, flush=True)
        input()
print(run.id)
"""


def project_of(path: Path) -> Project:
    return open_project(path, os.environ)


def record(repo: Any, text: str) -> str:
    """Record a run with an input and an output of two files; return its id."""
    prepare(repo, text)
    done = subprocess.run(
        [sys.executable, "-c", RECORD], cwd=repo.path, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


def prepare(repo: Any, text: str) -> None:
    repo.write("data.csv", f"input {text}")
    repo.write("folder/a", "of all runs")
    repo.write("folder/below/b", f"output {text}")


def needed(repo: Any) -> set[str]:
    """Return the digests that a run with the data of now must hold."""
    paths = ("data.csv", "folder", "folder/a", "folder/below/b")
    return {hash_path(repo.path / path).digest for path in paths}


@contextmanager
def live_run(repo: Any) -> Iterator[str]:
    """A run that goes on inside the block, and is killed at its end."""
    process = subprocess.Popen(
        [sys.executable, "-c", RECORD, "wait"],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_records_reach_files_directories_and_what_is_in_them(repo: Any) -> None:
    first = record(repo, "one")
    of_first = needed(repo)
    second = record(repo, "two")
    reached = reach([project_of(repo.path)])
    assert reached.digests == of_first | needed(repo)
    assert reached == Reach(reached.digests, {first, second}, {})


def test_a_removed_run_reaches_what_it_did_before(repo: Any) -> None:
    run_id = record(repo, "one")
    before = reach([project_of(repo.path)])
    annotate(project_of(repo.path), [run_id], removed=True)
    assert project_of(repo.path).index().newest() == []
    assert reach([project_of(repo.path)]) == before
    assert needed(repo) <= before.digests


def test_nothing_is_reached_where_nothing_was_recorded(repo: Any) -> None:
    assert reach([project_of(repo.path)]) == Reach()


def test_a_live_run_and_one_that_died_reach_what_they_named(repo: Any) -> None:
    prepare(repo, "live")
    with live_run(repo):
        assert reach([project_of(repo.path)]).digests == needed(repo)
    project = project_of(repo.path)
    assert project.index().ids() == []
    assert reach([project]).digests == needed(repo)


def test_a_run_that_waits_to_be_collected_reaches_too(repo: Any) -> None:
    """It is ready, and nobody has made a record of it yet."""
    prepare(repo, "ready")
    project = project_of(repo.path)
    with project.runs.lock(0):  # nobody else can move the ref
        subprocess.run([sys.executable, "-c", RECORD], cwd=repo.path, check=True)
    assert [run.run_id for run in project.spool.ready()] != []
    assert project.index().ids() == []
    assert reach([project]).digests == needed(repo)


@pytest.mark.parametrize("kind", ["tag", "annotated tag", "branch", "remote-tracking"])
def test_another_ref_holds_what_the_runs_ref_has_lost(repo: Any, kind: str) -> None:
    kept = record(repo, "paper")
    of_paper = needed(repo)
    make = {
        "tag": ["tag", "paper", "refs/runref/runs"],
        "annotated tag": ["tag", "-a", "-m", "paper", "paper", "refs/runref/runs"],
        "branch": ["branch", "paper", "refs/runref/runs"],
        "remote-tracking": ["update-ref", "refs/remotes/origin/runs", "refs/runref/runs"],
    }
    repo.git(*make[kind])
    repo.git("pack-refs", "--all")
    repo.git("update-ref", "-d", "refs/runref/runs")
    new = record(repo, "new")
    reached = reach([project_of(repo.path)])
    assert reached.digests == of_paper | needed(repo)
    assert reached.runs == {kept, new}
    (ref,) = reached.refs
    assert reached.refs == {ref: 1}
    repo.git("update-ref", "-d", ref)
    assert reach([project_of(repo.path)]).digests == needed(repo)


def test_a_tag_on_an_older_state_adds_nothing_that_is_there(repo: Any) -> None:
    record(repo, "one")
    repo.git("tag", "then", "refs/runref/runs")
    record(repo, "two")
    assert reach([project_of(repo.path)]).refs == {}


def test_a_record_that_cannot_be_read_stops_it(repo: Any) -> None:
    record(repo, "one")
    tree = repo.git("ls-tree", "-r", "refs/runref/runs", "--format=%(objectname) %(path)")
    (oid,) = [line[:40] for line in tree.splitlines() if line.endswith("/run.yaml")]
    path = repo.path / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with pytest.raises(HoldingsUnknown, match="record"):
        reach([project_of(repo.path)])


def test_a_live_run_that_cannot_be_read_stops_it(repo: Any) -> None:
    prepare(repo, "live")
    with live_run(repo) as run_id:
        (repo.path / ".git/runref/spool" / run_id / "start.json").write_text("{")
        with pytest.raises(HoldingsUnknown, match=run_id):
            reach([project_of(repo.path)])


def lose_manifest(repo: Any) -> str:
    project = project_of(repo.path)
    digest = hash_path(repo.path / "folder").digest
    project.artifacts.delete([digest])
    return digest


def test_a_manifest_that_is_lost_stops_it_until_it_is_given_up(repo: Any) -> None:
    record(repo, "one")
    digest = lose_manifest(repo)
    project = project_of(repo.path)
    with pytest.raises(HoldingsUnknown, match=digest[7:19]) as caught:
        reach([project])
    assert f"--lost {digest}" in caught.value.hint
    # What only that manifest names is nobody's; its own name stays held.
    assert reach([project], lost=[digest]).digests == {
        digest,
        hash_path(repo.path / "data.csv").digest,
    }


def test_a_manifest_that_is_damaged_stops_it(repo: Any) -> None:
    record(repo, "one")
    project = project_of(repo.path)
    path = project.artifacts.path_of(hash_path(repo.path / "folder").digest)
    path.chmod(0o644)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(HoldingsUnknown):
        reach([project])


def test_a_manifest_comes_from_the_remote_that_has_it(repo: Any, tmp_path: Path) -> None:
    record(repo, "one")
    lab = open_remote(str(tmp_path / "lab"), {}, name="lab")
    project = project_of(repo.path)
    digest = hash_path(repo.path / "folder").digest
    lab.write(digest, project.artifacts.path_of(digest))
    lose_manifest(repo)
    nobody = {"endpoint_url": "http://127.0.0.1:1", "key": "k", "secret": "s"}
    broken = open_remote("s3://bucket/x", nobody, name="broken")
    empty = open_remote(str(tmp_path / "empty"), {}, name="empty")
    with pytest.raises(HoldingsUnknown, match="broken"):
        reach([project], [broken, empty])
    assert reach([project], [broken, empty, lab]).digests == needed(repo)
    assert project.artifacts.contains(digest)


def test_two_repositories_reach_what_both_hold(repo: Any, make_repo: Any) -> None:
    other = make_repo("other")
    other.commit()
    runs = {record(repo, "one"), record(other, "two")}
    reached = reach([project_of(repo.path), project_of(other.path)])
    assert reached.runs == runs
    assert reached.digests == needed(repo) | needed(other)


def lab(tmp_path: Path) -> tuple[Remote, RemoteStore]:
    remote = Remote("lab", str(tmp_path / "lab"))
    return remote, remote.connect_bare()


def test_a_clone_claims_as_the_repository_it_is_a_clone_of(
    repo: Any, make_repo: Any, tmp_path: Path
) -> None:
    """By the run that started first, which all clones have; ids of one day are in no order."""
    oldest = record(repo, "one")
    remote, store = lab(tmp_path)
    clone = make_repo("clone")
    clone.git("fetch", "-q", str(repo.path), "refs/runref/runs:refs/runref/runs")
    annotate(project_of(clone.path), [oldest], removed=True)
    newer = oldest
    while newer >= oldest:  # until one of this clone's own comes before it in the alphabet
        newer = record(clone, "two")
    claim_at(project_of(repo.path), remote, store, ["sha256:" + "1" * 64])
    claim_at(project_of(clone.path), remote, store, ["sha256:" + "2" * 64])
    assert [path.name for path in (tmp_path / "lab/claims").iterdir()] == [oldest]


def test_what_is_claimed_is_claimed_once(repo: Any, tmp_path: Path) -> None:
    record(repo, "one")
    remote, store = lab(tmp_path)
    for digests in (["sha256:" + "1" * 64], ["sha256:" + "1" * 64], []):
        claim_at(project_of(repo.path), remote, store, digests)
    assert len(list((tmp_path / "lab/claims").rglob("*.jsonl"))) == 1
    shutil.rmtree(repo.path / ".git/runref/artifacts/claimed")
    claim_at(project_of(repo.path), remote, store, ["sha256:" + "1" * 64])
    assert len(list((tmp_path / "lab/claims").rglob("*.jsonl"))) == 2
