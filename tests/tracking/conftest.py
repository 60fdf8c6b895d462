"""A run's handle over a real spool and a real repository, within the test's process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runref.model.record import Record
from runref.model.series import Row
from runref.project.project import Project, open_project
from runref.store.recorded import read_record, read_rows
from runref.tracking.run import Run
from runref.tracking.start import Request, start_run


class Tracker:
    """Starts runs in a repository, keeps what the user was told, and reads what was recorded."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: list[str] = []

    @property
    def project(self) -> Project:
        return open_project(self.root, os.environ)

    def start(self, **described: object) -> Run:
        request = Request(argv=["train"], directory=self.root, environment={}, **described)
        return start_run(self.project.stores, request, self.told.append)

    def record(self, run: Run) -> Record:
        return read_record(self.project.repository.objects, run.id, self._tree(run))

    def rows(self, run: Run, rank: int = 0) -> list[Row]:
        return read_rows(self.project.repository.objects, self._tree(run)).get(rank, [])

    def _tree(self, run: Run) -> str:
        stored = self.project.runs.find(run.id)
        assert stored is not None
        return stored.tree


@pytest.fixture
def tracker(repo) -> Tracker:
    return Tracker(repo.path)
