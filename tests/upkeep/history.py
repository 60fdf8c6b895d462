"""Real runs in a real repository, and ways to damage each thing that they are made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runref.git.objects import TreeEntry
from runref.git.repository import Repository
from runref.model.codec import dump_yaml, load_yaml
from runref.model.ids import run_path
from runref.store.runs_ref import RUNS_REF, RunsRef, StoredRun
from runref.store.trees import BLOB, TREE, TreeEditor

TRAIN = """\
import os, sys, runref
with runref.init(params={"lr": 0.1}) as run:
    for step in range(5):
        run.log({"loss": 1 / (step + 1), "acc": step / 5}, step=step)
    print("trained", sys.argv[1])
    os.makedirs("made/deep", exist_ok=True)
    open("model.bin", "w").write("weights " * 100 + sys.argv[1])
    open("made/one.txt", "w").write("one")
    open("made/deep/two.txt", "w").write("two " + sys.argv[1])
    run.log_output("model.bin")
    run.log_output("made")
"""


class History:
    """The recorded runs of a repository, opened anew at each look, and damaged by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def repository(self) -> Repository:
        return Repository.open(self.path, environ=os.environ)

    @property
    def runs(self) -> RunsRef:
        return RunsRef(self.repository)

    @property
    def git_dir(self) -> Path:
        return Path(self.repository.common_dir)

    def record(self, word: str = "a") -> str:
        """Record a run as a user does, and return its id."""
        command = [sys.executable, "-m", "runref", "run", "--json", "--"]
        done = subprocess.run(
            [*command, sys.executable, "train.py", word],
            cwd=self.path,
            capture_output=True,
            check=True,
        )
        run_id: str = json.loads(done.stdout)["id"]
        return run_id

    def stored(self, run_id: str) -> StoredRun:
        found = self.runs.find(run_id)
        assert found is not None
        return found

    def entries(self, tree: str) -> dict[str, TreeEntry]:
        return {entry.name.decode(): entry for entry in self.repository.objects.read_tree(tree)}

    def document(self, run_id: str) -> dict[str, Any]:
        oid = self.entries(self.stored(run_id).tree)["run.yaml"].oid
        return load_yaml(self.repository.objects.read_blob(oid))

    def rewritten(self, tree: str, files: Mapping[str, bytes | TreeEntry | None]) -> str:
        """Write a run's tree anew with other files; none takes one away."""
        objects = self.repository.objects
        entries = self.entries(tree)
        for name, content in files.items():
            entries.pop(name, None)
            if isinstance(content, bytes):
                entries[name] = TreeEntry(name.encode(), BLOB, objects.write_blob(content))
            elif content is not None:
                entries[name] = content
        return objects.write_tree(entries.values())

    def forge(self, run_id: str, files: Mapping[str, bytes | TreeEntry | None]) -> StoredRun:
        """Put another tree in the place of a run's, as no runref would."""
        tree = self.rewritten(self.stored(run_id).tree, files)
        self.put(("runs", *run_path(run_id)), TREE, tree)
        return StoredRun(run_id, tree)

    def forge_record(self, run_id: str, change: Callable[[dict[str, Any]], None]) -> StoredRun:
        document = self.document(run_id)
        change(document)
        return self.forge(run_id, {"run.yaml": dump_yaml(document)})

    def put(self, path: tuple[str, ...], mode: int, oid: str) -> None:
        """Commit a root tree in which something else stands at `path`."""
        repository = self.repository
        tip = repository.ref(RUNS_REF).read()
        root = repository.objects.read_commit(tip).tree
        made = repository.objects.write_commit(
            tree=TreeEditor(repository.objects).insert(root, path, mode, oid),
            parents=[tip],
            identity="Eve <eve@example.org>",
            time=1_795_000_000,
            message="by hand\n",
        )
        assert repository.ref(RUNS_REF).compare_and_swap(tip, made, message="test")

    def loose(self, oid: str) -> Path:
        return self.git_dir / "objects" / oid[:2] / oid[2:]

    def artifact(self, digest: str) -> Path:
        hex_digits = digest.removeprefix("sha256:")
        return self.git_dir / "runref" / "artifacts" / "sha256" / hex_digits[:2] / hex_digits[2:]


def flip(path: Path, place: int = -1) -> None:
    """Change one byte of a file that nobody may write, as a bad disk does."""
    data = bytearray(path.read_bytes())
    data[place if place >= 0 else len(data) // 2] ^= 0x55
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
