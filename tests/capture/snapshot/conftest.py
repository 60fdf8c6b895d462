from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from runref.capture.snapshot import (
    SnapshotRules,
    manifest_digest,
    manifest_of,
    stat_cache,
    take_snapshot,
)
from runref.git.repository import Repository
from runref.model.record import Code

Take = Callable[..., Code]


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe the times of files that changed just now, so that tests need not wait two seconds."""
    monkeypatch.setattr(stat_cache, "_SETTLED_AFTER", -(10**10))


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Take a snapshot, and hold it against the laws that every one obeys."""

    def take(
        checkout: Any,
        *,
        store: Path | None = None,
        progress: Any = None,
        own_folders: Sequence[Path] = (),
        **rules: Any,
    ) -> Code:
        root = getattr(checkout, "path", checkout)
        repository = Repository.discover(store or root)
        code = take_snapshot(
            repository,
            root,
            SnapshotRules(**rules),
            cache_dir=tmp_path / "cache",
            environ=os.environ,
            own_folders=own_folders,
            on_progress=progress,
        )
        # A fresh look, so that nothing is believed that was not written.
        written = Repository.discover(store or root).objects
        assert code.manifest == manifest_digest(manifest_of(written, code.tree))
        return code

    return take


@pytest.fixture
def held() -> Callable[..., dict[bytes, tuple[str, str]]]:
    """What git finds in a tree: by path the mode and the object name."""

    def held(checkout: Any, tree: str) -> dict[bytes, tuple[str, str]]:
        root = getattr(checkout, "path", checkout)
        listed = subprocess.run(
            ["git", "ls-tree", "-r", "-z", tree], cwd=root, capture_output=True, check=True
        ).stdout
        found = {}
        for line in listed.split(b"\0")[:-1]:
            what, _, path = line.partition(b"\t")
            mode, _, oid = what.decode().split(" ")
            found[path] = (mode, oid)
        return found

    return held


@pytest.fixture
def added(tmp_path: Path) -> Callable[..., str]:
    """The tree that ``git add -A && git write-tree`` makes, through an index of its own."""

    def added(checkout: Any) -> str:
        root = checkout.path
        index = tmp_path / "index-of-the-test"
        git_dir = root / checkout.git("rev-parse", "--git-dir")
        index.unlink(missing_ok=True)
        if (git_dir / "index").exists():
            index.write_bytes((git_dir / "index").read_bytes())
        environ = {**os.environ, "GIT_INDEX_FILE": str(index)}
        subprocess.run(["git", "add", "-A"], cwd=root, env=environ, check=True, capture_output=True)
        done = subprocess.run(
            ["git", "write-tree"], cwd=root, env=environ, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    return added
