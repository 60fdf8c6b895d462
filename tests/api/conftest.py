"""Programs that use runref, run as a user would run them: each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from runref.model.record import Record
from runref.project.project import Project, open_project
from runref.store.recorded import read_file, read_record, read_rows
from runref.tracking.collect import Collection, recover


class Programs:
    """Starts programs in a repository and reads what was recorded of them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(
        self, source: str, *command: str, name: str = "main.py", env: Mapping[str, str] = {}
    ) -> subprocess.Popen[str]:
        (self.root / name).write_text(dedent(source), "utf-8")
        return subprocess.Popen(
            [*(command or (sys.executable,)), name],
            cwd=self.root,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, source: str, *command: str, status: int = 0, env: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        with self.start(source, *command, env=env) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == status, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def project(self) -> Project:
        return open_project(self.root, os.environ)

    def recover(self) -> Collection:
        project = self.project()
        return recover(project.spool, project.runs)

    def records(self) -> list[Record]:
        """Return what the ref holds, in the order of the starts."""
        project = self.project()
        objects = project.repository.objects
        found = [read_record(objects, run.id, run.tree) for run in project.runs.runs()]
        return sorted(found, key=lambda record: record.started)

    def record(self) -> Record:
        """Return the only run of the ref."""
        (record,) = self.records()
        return record

    def values(self, name: str, *, run_id: str = "", rank: int = 0) -> list[object]:
        """Return the values of one series, in the order of its lines."""
        rows = read_rows(self.project().repository.objects, self._tree(run_id)).get(rank, [])
        return [row.values[name] for row in rows if name in row.values]

    def steps(self) -> list[int]:
        return [row.step for row in read_rows(self.project().repository.objects, self._tree())[0]]

    def console(self) -> str:
        return read_file(self.project().repository.objects, self._tree(), "console.log").decode()

    def _tree(self, run_id: str = "") -> str:
        (tree,) = [run.tree for run in self.project().runs.runs() if run_id in ("", run.id)]
        return tree


@pytest.fixture
def programs(repo) -> Programs:
    return Programs(repo.path)


@pytest.fixture
def runref_command() -> tuple[str, ...]:
    return (sys.executable, "-m", "runref", "run", "--", sys.executable)
