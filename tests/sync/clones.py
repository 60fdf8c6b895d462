"""Clones of a team: repositories with runs in them, and the commands that move these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from tests.conftest import GitRepo

from runref.git.objects import TreeEntry
from runref.git.repository import Repository
from runref.model.codec import dump_yaml
from runref.model.ids import run_path
from runref.store.runs_ref import RunsRef, annotation_addition, run_addition
from runref.store.trees import BLOB, TREE

RUNS = "refs/runref/runs"
MOMENT = "2026-11-21T14:03:12.123456Z"


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err.splitlines()[-1])["error"]


def command(*argv: str) -> list[str]:
    """Return the command line of a runref command."""
    return [sys.executable, "-m", "runref", *argv]


def new_id() -> str:
    return f"20261121-{token_hex(6)}"


class Clone(GitRepo):
    """A repository with runs."""

    def runref(self, *argv: str, **environ: str) -> Done:
        """Run a command as a process of its own."""
        done = subprocess.run(
            command(*argv),
            cwd=self.path,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def add(self, *ids: str, size: int = 1, **fields: Any) -> tuple[str, ...]:
        """Record runs, and return their ids.

        Args:
            ids: What they are called; without any, one run gets a new id.
            size: How many bytes of noise the console of each said.
            fields: Of their records.
        """
        repository = Repository.open(self.path, environ=os.environ)
        ids = ids or (new_id(),)
        trees = {each: self._tree(repository, each, size, fields) for each in ids}
        runs = RunsRef(repository)
        with runs.lock(60):
            runs.append(
                [
                    run_addition(each, tree, f"run {each}\n\nRun: {each}\n", 1_795_000_000)
                    for each, tree in trees.items()
                ],
                reason="test",
            )
        return ids

    def annotate(self, run_id: str, **fields: Any) -> None:
        """Add an annotation to a run."""
        document = {"run": run_id, "time": MOMENT, "author": "Ada <ada@example.org>", **fields}
        runs = RunsRef(Repository.open(self.path, environ=os.environ))
        blob = runs.objects.write_blob(dump_yaml({"format": 1, **document}))
        name = f"20261121T140312.123456Z-{token_hex(4)}.yaml"
        with runs.lock(60):
            runs.append([annotation_addition(run_id, name, blob, "tag\n", 1)], reason="test")

    def _tree(
        self, repository: Repository, run_id: str, size: int, fields: Mapping[str, Any]
    ) -> str:
        objects = repository.objects
        document = {
            "format": 1,
            "runref": "0.1.0",
            "id": run_id,
            "status": "finished",
            "started": MOMENT,
            "finished": MOMENT,
            "duration": 0.0,
            "command": {"argv": ["python", "train.py"]},
            **fields,
        }
        held = {"run.yaml": dump_yaml(document), "console.log": os.urandom(size).hex().encode()}
        entries = [
            TreeEntry(name.encode(), BLOB, objects.write_blob(data)) for name, data in held.items()
        ]
        source = objects.write_tree([TreeEntry(b"train.py", BLOB, objects.write_blob(b"pass\n"))])
        return objects.write_tree([*entries, TreeEntry(b"code", TREE, source)])

    def runs(self) -> dict[str, str]:
        """Return the record hash of each run, as plain git sees them."""
        return runs_of(self.path)

    def annotations(self) -> int:
        """Return how many annotations there are."""
        return len(_listed(self.path, "annotations"))

    def tip(self) -> str:
        return self.git("for-each-ref", "--format=%(objectname)", RUNS)

    def leftovers(self) -> list[Path]:
        """Return what commands have left behind where objects arrive."""
        common = Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir"))
        return sorted((common / "runref" / "incoming").glob("*"))


def runs_of(path: Path, ref: str = RUNS) -> dict[str, str]:
    """Return the record hash of each run in a repository; fail where one is there twice."""
    listed = [line for line in _listed(path, "runs", ref) if line.endswith("/run.yaml")]
    found = {line.split("/")[-2] for line in listed}
    assert len(found) == len(listed)
    paths = {f"{ref}:runs/{'/'.join(run_path(each))}": each for each in found}
    if not paths:
        return {}
    oids = _git(path, ["cat-file", "--batch-check=%(objectname)"], "\n".join(paths)).split()
    return dict(zip(paths.values(), oids, strict=True))


def _listed(path: Path, folder: str, ref: str = RUNS) -> list[str]:
    if not _git(path, ["for-each-ref", ref]):
        return []
    return _git(path, ["ls-tree", "-r", "--name-only", f"{ref}:"]).splitlines() and [
        line
        for line in _git(path, ["ls-tree", "-r", "--name-only", ref]).splitlines()
        if line.startswith(f"{folder}/")
    ]


def _git(path: Path, arguments: Sequence[str], told: str | None = None) -> str:
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], input=told, capture_output=True, text=True, check=True
    )
    return done.stdout


def check_server(path: Path) -> None:
    """Fail unless git finds nothing to complain about in a server's repository."""
    _git(path, ["fsck", "--strict", "--no-dangling"])
