"""Records in a real repository, written the way tracking writes them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runref.git.objects import TreeEntry
from runref.git.repository import Repository
from runref.model.codec import dump_yaml
from runref.store.runs_ref import Addition, RunsRef, annotation_addition, run_addition
from runref.store.trees import BLOB, TreeEditor

MOMENT = "2026-11-21T14:03:12.123456Z"


class Writer:
    """Writes runs and annotations into the runs ref of a repository."""

    def __init__(self, path: Path) -> None:
        self.repository = Repository.open(path, environ=os.environ)
        self.runs = RunsRef(self.repository)
        self.objects = self.repository.objects

    def tree(self, run_id: str, files: Mapping[str, bytes] | None = None, **fields: Any) -> str:
        """Write a run's tree; `files` adds to or replaces those beside ``run.yaml``."""
        digest = "sha256:" + hashlib.sha256(run_id.encode()).hexdigest()
        document = {
            "format": 1,
            "runref": "0.1.0",
            "id": run_id,
            "status": "finished",
            "started": MOMENT,
            "finished": MOMENT,
            "duration": 0.0,
            "command": {"argv": ["python", "train.py"]},
            "note": digest,
            **fields,
        }
        held = {"run.yaml": dump_yaml(document), **(files or {})}
        return self.objects.write_tree(
            TreeEntry(name.encode(), BLOB, self.objects.write_blob(data))
            for name, data in held.items()
        )

    def add(self, *additions: Addition) -> str:
        with self.runs.lock(10):
            return self.runs.append(additions, reason="test")

    def run(self, run_id: str, files: Mapping[str, bytes] | None = None, **fields: Any) -> str:
        """Add a run and return its record hash."""
        tree = self.tree(run_id, files, **fields)
        self.add(run_addition(run_id, tree, f"run {run_id}\n", 1_795_000_000))
        return tree

    def entry(self, run_id: str, oid: str) -> None:
        """Add whatever `oid` is in the place of a run's tree."""
        self.add(run_addition(run_id, oid, "by hand\n", 1_795_000_000))

    def annotate(self, run_id: str, name: str, /, **fields: Any) -> None:
        document = {"run": run_id, "time": MOMENT, "author": "Ada <a@x>", "format": 1, **fields}
        self.annotation(run_id, name, dump_yaml(document))

    def annotation(self, run_id: str, name: str, data: bytes) -> None:
        blob = self.objects.write_blob(data)
        self.add(annotation_addition(run_id, name, blob, "tag\n", 1_795_000_000))

    def root_with(self, path: tuple[str, ...], mode: int, oid: str) -> str:
        """Commit a root tree in which something foreign stands at `path`, as no runref would."""
        root = TreeEditor(self.objects).insert(self.runs.root(), path, mode, oid)
        return self.commit(root)

    def commit(self, root: str) -> str:
        tip = self.runs.tip()
        made = self.objects.write_commit(
            tree=root,
            parents=[tip] if tip else [],
            identity="Ada <a@x>",
            time=1_795_000_000,
            message="by hand\n",
        )
        assert self.repository.ref("refs/runref/runs").compare_and_swap(tip, made, message="test")
        return made

    def lose(self, oid: str) -> None:
        """Remove a loose object, as a damaged disk or a partial copy does."""
        (Path(self.repository.common_dir) / "objects" / oid[:2] / oid[2:]).unlink()


@pytest.fixture
def writer(repo: Any) -> Writer:
    return Writer(repo.path)


@pytest.fixture
def make_writer() -> Callable[[Path], Writer]:
    return Writer
