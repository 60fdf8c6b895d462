"""Commits of the runs ref are signed where git is set to sign, and a run is recorded either way."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.signers import GpgHome, SshKeys

from runref.git.repository import Repository
from runref.git.signing import programs
from runref.store.origins import adding_commits
from runref.store.runs_ref import RunsRef, run_addition

A, B, C = "20261121-4f1c9b2e7a3d", "20261121-4f1d00000000", "20270214-0123456789ab"
REF = "refs/runref/runs"


@pytest.fixture
def told() -> list[str]:
    return []


def add(writer: Any, told: list[str], *run_ids: str) -> RunsRef:
    """Add runs as a new process does: with git's settings read anew."""
    runs = RunsRef(Repository.open(writer.repository.root, environ=os.environ), told.append)
    append(runs, writer, *run_ids)
    return runs


def append(runs: RunsRef, writer: Any, *run_ids: str) -> None:
    additions = [
        run_addition(each, writer.tree(each), f"run\n\nRun: {each}\n", 1_795_000_000)
        for each in run_ids
    ]
    with runs.lock(10):
        runs.append(additions, reason="test")


def states(repo: Any) -> list[str]:
    """Return what git says of each commit's signature, the newest first."""
    return [str(line) for line in repo.git("log", "--format=%G?", REF).splitlines()]


def test_commits_are_signed_by_ssh(
    repo: Any, writer: Any, told: list[str], ssh_keys: SshKeys
) -> None:
    ssh_keys.set_up(repo)
    repo.git("config", "commit.gpgSign", "true")
    add(writer, told, A, B)
    assert states(repo) == ["G", "G"]
    repo.git("verify-commit", REF, f"{REF}~1")
    repo.fsck()
    assert told == []


def test_commits_are_signed_by_gpg(repo: Any, writer: Any, told: list[str], gpg: GpgHome) -> None:
    gpg.make("Ada Tester <ada@example.org>")
    repo.git("config", "commit.gpgSign", "true")
    add(writer, told, A)
    repo.git("verify-commit", REF)
    repo.fsck()
    assert told == []


def test_nothing_is_signed_where_git_is_not_set_to(repo: Any, writer: Any, told: list[str]) -> None:
    repo.git("config", "gpg.ssh.program", "/nowhere")
    add(writer, told, A)
    assert (states(repo), told) == (["N"], [])


def test_a_key_that_is_gone_loses_no_run_and_is_told_once(
    repo: Any, writer: Any, told: list[str]
) -> None:
    for name, value in {
        "commit.gpgSign": "true",
        "gpg.format": "ssh",
        "user.signingKey": "/nowhere/key",
    }.items():
        repo.git("config", name, value)
    runs = add(writer, told, A, B)
    append(runs, writer, C)
    assert states(repo) == ["N", "N", "N"]
    assert {run.id for run in runs.runs()} == {A, B, C}
    (message,) = told
    assert "/nowhere/key" in message
    assert message.startswith("commits of the runs ref are not signed, runs are recorded: ")


@pytest.mark.slow
def test_a_program_that_waits_costs_one_wait_for_all_runs(
    repo: Any, writer: Any, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = tmp_path / "waiting"
    waiting.write_text('#!/bin/sh\necho >> "$0.calls"\nexec sleep 600\n')
    waiting.chmod(0o755)
    repo.git("config", "commit.gpgSign", "true")
    repo.git("config", "gpg.program", str(waiting))
    monkeypatch.setattr(programs, "_PATIENCE_SECONDS", 1.0)
    before = time.monotonic()
    add(writer, told, A, B, C)
    assert time.monotonic() - before < 60
    assert waiting.with_suffix(".calls").read_text() == "\n"
    assert states(repo) == ["N", "N", "N"]
    assert len(told) == 1


def test_settings_that_cannot_be_understood_lose_no_run(
    repo: Any, writer: Any, told: list[str]
) -> None:
    runs = RunsRef(Repository.open(repo.path, environ=os.environ), told.append)
    additions = [run_addition(A, writer.tree(A), "run\n", 1)]
    repo.git("config", "gpg.format", "x509")
    repo.git("config", "commit.gpgSign", "true")
    with runs.lock(10):
        runs.append(additions, reason="test")
    assert [run.id for run in runs.runs()] == [A]
    assert "x509" in told[0]


def test_the_commit_that_added_a_run_is_found(repo: Any, writer: Any, told: list[str]) -> None:
    runs = add(writer, told, A, B)
    writer.annotate(A, "tag.yaml", add_tags=["x"])
    trees = {run.id: run.tree for run in runs.runs()}
    found = adding_commits(runs.objects, runs.tip(), {**trees, C: trees[A]})
    assert found == {A: repo.git("rev-parse", f"{REF}~2"), B: repo.git("rev-parse", f"{REF}~1")}
    assert adding_commits(runs.objects, "", trees) == {}
    assert adding_commits(runs.objects, runs.tip(), {A: trees[B]}) == {}


def test_a_commit_that_only_claims_to_add_a_run_is_not_believed(
    repo: Any, writer: Any, told: list[str]
) -> None:
    runs = add(writer, told, A)
    tree = repo.git("rev-parse", f"{REF}^{{tree}}")
    claim = repo.git("commit-tree", tree, "-p", REF, "-m", f"mine\n\nRun: {A}")
    added = repo.git("rev-parse", REF)
    repo.git("update-ref", REF, claim)
    run = runs.find(A)
    assert run is not None
    assert adding_commits(runs.objects, runs.tip(), {A: run.tree}) == {A: added}


def test_the_commit_of_a_run_is_found_behind_a_merge(
    repo: Any, writer: Any, told: list[str]
) -> None:
    add(writer, told, A)
    base = repo.git("rev-parse", REF)
    runs = add(writer, told, B)
    left, tree = repo.git("rev-parse", REF), repo.git("rev-parse", f"{REF}^{{tree}}")
    merge = repo.git("commit-tree", tree, "-p", base, "-p", left, "-m", f"merge\n\nRun: {B}")
    repo.git("update-ref", REF, merge)
    run = runs.find(B)
    assert run is not None
    assert adding_commits(runs.objects, runs.tip(), {B: run.tree}) == {B: left}
